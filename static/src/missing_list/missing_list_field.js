import { Component } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { standardFieldProps } from "@web/views/fields/standard_field_props";

/** The lines of a text as a list: what is missing before closing. */
export class MissingListField extends Component {
    static template = "qualiopi.MissingListField";
    static props = { ...standardFieldProps };

    get lines() {
        return (this.props.record.data[this.props.name] || "").split("\n").filter(Boolean);
    }
}

export const missingListField = {
    component: MissingListField,
    supportedTypes: ["text"],
};

registry.category("fields").add("qualiopi_missing_list", missingListField);
