import { registry } from "@web/core/registry";
import { KanbanController } from "@web/views/kanban/kanban_controller";
import { kanbanView } from "@web/views/kanban/kanban_view";

/** The action board, with the legend of its colours. */
export class ActionBoardController extends KanbanController {
    static template = "qualiopi.ActionBoard";
}

registry.category("views").add("qualiopi_action_board", {
    ...kanbanView,
    Controller: ActionBoardController,
});
