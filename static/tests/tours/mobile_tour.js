import { registry } from "@web/core/registry";
import { see, write } from "./tour_steps";

registry.category("web_tour.tours").add("qualiopi_mobile_board", {
    steps: () => [
        see(".o_kanban_group:contains('À qualifier') .o_kanban_record:contains('Sans rien')"),
        { content: "New card", trigger: ".o_control_panel .o-kanban-button-new", run: "click" },
        write("name", "Vérifier les salles", ".o_kanban_quick_create"),
        { content: "Add it", trigger: ".o_kanban_quick_create .o_kanban_add", run: "click" },
        see(".o_kanban_group:contains('À qualifier') .o_kanban_record:contains('Vérifier les salles')"),
        // The next card can be typed at once.
        see(".o_kanban_quick_create .o_field_widget[name=name] :is(input, textarea)"),
    ],
});
