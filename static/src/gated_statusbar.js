import { registry } from "@web/core/registry";
import { StatusBarField, statusBarField } from "@web/views/fields/statusbar/statusbar_field";

/** Columns that a gate may refuse: then the form stays in its own, with all else that was typed. */
export class GatedStatusBarField extends StatusBarField {
    async selectItem(item) {
        const { name, record } = this.props;
        const before = record.data[name];
        const wasDirty = await record.isDirty();
        try {
            await super.selectItem(item);
        } catch (error) {
            await (wasDirty ? record.update({ [name]: before }) : record.discard());
            throw error;
        }
    }
}

registry.category("fields").add("qualiopi_gated_statusbar", {
    ...statusBarField,
    component: GatedStatusBarField,
});
