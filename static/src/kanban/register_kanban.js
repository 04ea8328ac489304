import { registry } from "@web/core/registry";
import { KanbanHeader } from "@web/views/kanban/kanban_header";
import { KanbanRenderer } from "@web/views/kanban/kanban_renderer";
import { kanbanView } from "@web/views/kanban/kanban_view";

/** The state of an entry follows its facts: a new one starts in the first column, nowhere else. */
export class RegisterKanbanHeader extends KanbanHeader {
    canQuickCreate() {
        const { list, group } = this.props;
        const isFirst = list.groupByField.name !== "state" || list.groups[0]?.id === group.id;
        return super.canQuickCreate() && isFirst;
    }
}

export class RegisterKanbanRenderer extends KanbanRenderer {
    static components = { ...KanbanRenderer.components, KanbanHeader: RegisterKanbanHeader };
}

registry.category("views").add("qualiopi_register_kanban", {
    ...kanbanView,
    Renderer: RegisterKanbanRenderer,
});
