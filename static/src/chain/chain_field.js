import { Component } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { standardFieldProps } from "@web/views/fields/standard_field_props";

/**
 * The chain of a record: source, finding, actions, checks. Each level comes with what it shows, in one
 * read with the form (see qualiopi.screen.mixin).
 */
export class ChainField extends Component {
    static template = "qualiopi.ChainField";
    static props = { ...standardFieldProps };

    setup() {
        this.action = useService("action");
    }

    get levels() {
        return this.props.record.data[this.props.name] || [];
    }

    rest(level) {
        return level.total - level.nodes.length;
    }

    async open(node) {
        if (node.current) {
            return;
        }
        await this.props.record.save();
        await this.action.doAction({
            type: "ir.actions.act_window",
            res_model: node.model,
            res_id: node.id,
            views: [[false, "form"]],
        });
    }
}

export const chainField = {
    component: ChainField,
    supportedTypes: ["json"],
};

registry.category("fields").add("qualiopi_chain", chainField);
