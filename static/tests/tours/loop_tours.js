import { registry } from "@web/core/registry";
import {
    choose,
    giveVerdict,
    pick,
    press,
    see,
    seeNoDialog,
    seeRefusal,
    seeStatus,
    stateEvidence,
    write,
} from "./tour_steps";

const CAUSE = "Information insuffisante ou erronée";

/** From the board of the register to an action that is carried out. */
function recordAndAct() {
    return [
        see(".o_kanban_group:contains('Reçu')"),
        press("Nouveau", ".o_control_panel"),
        write("description", "La salle était trop froide", ".o_kanban_quick_create"),
        { content: "Go on in the form", trigger: ".o_kanban_quick_create .o_kanban_edit", run: "click" },
        see(".o_form_view .o_field_widget[name=reference]:contains('REG/')"),
        seeStatus("Reçu"),
        press("Accuser réception"),
        seeStatus("Accusé"),
        press("Analyser"),
        ...pick("cause_ids", CAUSE, ".modal"),
        write("analysis", "Le chauffage n'était pas programmé", ".modal"),
        press("Enregistrer", ".modal"),
        seeNoDialog(),
        see(".o_statusbar_buttons button:contains('Répondre')"),
        press("Créer une action"),
        // The action is pre-filled from the entry: two facts are left to say.
        see(".o_form_view .o_field_widget[name=stage_id]"),
        see(".o_field_widget[name=finding_ids]:contains('CON/')"),
        write("date_due", "+7d"),
        write("success_criterion", "Plus aucune remarque sur le froid"),
        press("Planifier"),
        seeStatus("Planifiée"),
        press("Démarrer"),
        seeStatus("En cours"),
        ...stateEvidence("Le gardien programme le chauffage depuis lundi"),
        press("Action réalisée"),
        seeStatus("Réalisée"),
    ];
}

/** From an effective action back to its entry, which is answered and closed. */
function answerAndClose() {
    return [
        {
            content: "Back along the chain",
            trigger: ".o_qualiopi_chain_level[data-level=complaint] button",
            run: "click",
        },
        seeStatus("analyse"),
        press("Répondre"),
        ...choose("decision", "Fondée", ".modal"),
        write("response", "Le chauffage est désormais programmé la veille", ".modal"),
        press("Enregistrer et clore le dossier", ".modal"),
        seeNoDialog(),
        seeStatus("Clos"),
    ];
}

registry.category("web_tour.tours").add("qualiopi_officer_acts", {
    steps: () => recordAndAct(),
});

registry.category("web_tour.tours").add("qualiopi_lead_verifies", {
    steps: () => [
        {
            content: "Open the card that waits for its check",
            trigger: ".o_kanban_group:contains('Réalisée, à vérifier') .o_kanban_record:contains('La salle était trop froide')",
            run: "click",
        },
        press("Vérifier"),
        ...giveVerdict("Efficace", "Aucune remarque lors des deux sessions suivantes"),
        seeStatus("Efficace"),
        see(".o_qualiopi_chain_level[data-level=finding]:contains('Clos')"),
        ...answerAndClose(),
    ],
});

registry.category("web_tour.tours").add("qualiopi_telephone", {
    steps: () => [
        see(".o_kanban_group:contains('Reçu')"),
        press("Enregistrer et régler"),
        write("description", "Convocation reçue sans le lieu", ".modal"),
        write("contact_name", "Camille Exemple", ".modal"),
        ...pick("cause_ids", CAUSE, ".modal"),
        ...choose("decision", "Fondée", ".modal"),
        write("response", "Lieu donné par téléphone, convocation renvoyée", ".modal"),
        press("Clore le dossier", ".modal"),
        seeNoDialog(),
        // Closed entries are not among the open ones, which the register shows first.
        { content: "Show all", trigger: ".o_searchview .o_facet_remove", run: "click" },
        see(".o_kanban_group:contains('Clos'):contains('1')"),
    ],
});

registry.category("web_tour.tours").add("qualiopi_one_person", {
    steps: () => [
        ...recordAndAct(),
        press("Vérifier"),
        write("conclusion", "Aucune remarque lors des deux sessions suivantes", ".modal"),
        {
            content: "Choose the verdict",
            trigger: ".modal .o_field_widget[name=verdict] label:contains(/^\\s*Efficace\\s*$/)",
            run: "click",
        },
        press("Saisir le résultat", ".modal"),
        // The first own check is refused, and the leave for it offered on the spot.
        seeRefusal("c'est quelqu'un d'autre qui dit si elle a été efficace"),
        press("Autoriser", ".o_error_dialog"),
        see(".modal:contains(\"Structure d'une seule personne\")"),
        press("Autoriser", ".modal:not(.o_inactive_modal)"),
        // The verdict comes back as it was typed.
        see(".modal .o_field_widget[name=verdict] input:checked"),
        press("Saisir le résultat", ".modal"),
        seeNoDialog(),
        seeStatus("Efficace"),
        ...answerAndClose(),
    ],
});
