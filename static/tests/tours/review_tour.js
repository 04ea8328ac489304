import { registry } from "@web/core/registry";
import { press, see, seeNoDialog, seeRefusal, seeStatus, write } from "./tour_steps";

/** Opens an item of the agenda by itself. */
function treat(name) {
    return [
        {
            content: `Treat ${name}`,
            trigger: `.o_field_widget[name=agenda_ids] .o_data_row:contains("${name}") button[name=action_treat]`,
            run: "click",
        },
        see(`.modal:contains("${name}")`),
    ];
}

registry.category("web_tour.tours").add("qualiopi_review", {
    steps: () => [
        see(".o_list_view"),
        press("Nouveau", ".o_control_panel"),
        see(".o_form_view .o_field_widget[name=review_type]"),
        write("location", "Salle 2"),
        { content: "Keep it", trigger: ".o_form_button_save:enabled", run: "click" },
        see(".o_field_widget[name=reference]:contains('REV/')"),
        see(".o_field_widget[name=agenda_ids] .o_data_row:contains('Abandons')"),
        press("Ouvrir la revue"),
        seeStatus("Ouverte"),
        // The figures stand on the table: one entry was received.
        {
            content: "Open the item from its line",
            trigger: ".o_field_widget[name=agenda_ids] .o_data_row:contains('Réclamations, difficultés') .o_data_cell[name=name]",
            run: "click",
        },
        see(".modal .o_field_widget[name=figures_html] tr:contains('Dossiers reçus'):contains('1')"),
        write("discussion", "Une remarque sur le chauffage", ".modal"),
        write("decision", "Programmer le chauffage la veille", ".modal"),
        press("En faire une action", ".modal"),
        // The action is made with its finding.
        see(".o_form_view .o_field_widget[name=finding_ids]:contains('CON/')"),
        { content: "Back to the review", trigger: ".o_breadcrumb a:contains('REV/'), .o_back_button:contains('REV/')", run: "click" },
        see(".o_field_widget[name=agenda_ids] .o_data_row:contains('Réclamations'):contains('Traité')"),
        // Closing names what was forgotten, and leads there.
        ...treat("Satisfaction par partie prenante"),
        write("discussion", "Peu de réponses encore", ".modal"),
        press("Point suivant", ".modal"),
        see(".modal:contains('Abandons')"),
        { content: "Leave it there", trigger: ".modal button:contains('Fermer')", run: "click" },
        seeNoDialog(),
        see(".o_field_widget[name=agenda_ids] .o_data_row:contains('Satisfaction'):contains('Traité')"),
        press("Clore et établir le compte rendu"),
        seeRefusal("Abandons", "Moyens"),
        press("Compléter", ".o_error_dialog"),
        see(".modal .o_field_widget[name=decision]"),
        write("discussion", "Rien à signaler", ".modal"),
        press("Point suivant", ".modal"),
        see(".modal:contains('Abandons')"),
        { content: "Leave it there", trigger: ".modal button:contains('Fermer')", run: "click" },
        seeNoDialog(),
    ],
});

registry.category("web_tour.tours").add("qualiopi_review_close", {
    steps: () => [
        seeStatus("Ouverte"),
        press("Clore et établir le compte rendu"),
        seeStatus("Close"),
        see(".o_statusbar_buttons button:contains('Imprimer le compte rendu')"),
        { content: "Open the documents", trigger: ".o_notebook a[name=evidence]", run: "click" },
        see(".o_field_widget[name=evidence_ids] .o_data_row:contains('Compte rendu')"),
        press("Envoyer le compte rendu"),
        see(".modal .o_field_widget[name=partner_ids]"),
        { content: "Handed out", trigger: ".modal .o_field_widget[name=is_sent] input", run: "click" },
        press("Conserver", ".modal"),
        seeNoDialog(),
        see(".o_field_widget[name=communication_ids] .o_data_row"),
    ],
});

registry.category("web_tour.tours").add("qualiopi_review_weekly", {
    steps: () => [
        see(".o_field_widget[name=word_ids] .o_data_row:contains('La salle était trop froide')"),
        {
            content: "A word on it",
            trigger: ".o_field_widget[name=word_ids] .o_data_row:contains('La salle était trop froide') .o_data_cell[name=discussion]",
            run: "click",
        },
        write("discussion", "Le gardien passe demain", ".o_field_widget[name=word_ids]"),
        press("Clore et établir le compte rendu"),
        seeStatus("Close"),
    ],
});

registry.category("web_tour.tours").add("qualiopi_review_mobile", {
    steps: () => [
        {
            content: "Open an item",
            trigger: ".o_field_widget[name=agenda_ids] .o_kanban_record:contains('Abandons')",
            run: "click",
        },
        see(".modal .o_field_widget[name=decision]"),
    ],
});
