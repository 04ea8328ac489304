import { registry } from "@web/core/registry";
import {
    choose,
    pick,
    press,
    see,
    seeNoDialog,
    seeRefusal,
    seeStatus,
    stateEvidence,
    write,
} from "./tour_steps";

const card = (name) => `.o_kanban_record:contains("${name}")`;
const column = (name) => `.o_kanban_group:contains("${name}")`;

function drag(name, target) {
    return {
        content: `Drag "${name}" to "${target}"`,
        trigger: card(name),
        run: ({ drag_and_drop }) => drag_and_drop(column(target)),
    };
}

registry.category("web_tour.tours").add("qualiopi_gate_closing", {
    steps: () => [
        { content: "Open the rarer operations", trigger: ".o_cp_action_menus button:has(.fa-cog)", run: "click" },
        {
            content: "Close the entry at once",
            trigger: ".o-dropdown-item:contains('Clore les dossiers')",
            run: "click",
        },
        seeRefusal(
            "ne peut pas encore être clos",
            "l'accusé de réception : sa date, ou pourquoi il était impossible",
            "la cause, ici ou dans un constat lié",
            "la décision : fondée ou non",
            "la réponse : son texte et sa date, ou pourquoi elle était impossible"
        ),
        press("Compléter", ".o_error_dialog"),
        see(".modal .o_field_widget[name=missing_for_closing] li:contains('la décision')"),
        write("ack_impossible_reason", "Aucune adresse", ".modal"),
        ...pick("cause_ids", "Information insuffisante ou erronée", ".modal"),
        // The list is read anew meanwhile: a menu that is opened before would be drawn again under the mouse.
        see(".modal .o_field_widget[name=missing_for_closing]:not(:contains('la cause'))"),
        ...choose("decision", "Fondée", ".modal"),
        // Still without a response: refused again, and nothing typed is lost.
        press("Clore le dossier", ".modal"),
        seeRefusal("Il manque : la réponse : son texte et sa date, ou pourquoi elle était impossible."),
        press("Fermer", ".o_error_dialog"),
        write("response_impossible_reason", "Aucune adresse", ".modal"),
        press("Clore le dossier", ".modal"),
        seeNoDialog(),
        seeStatus("Clos"),
    ],
});

registry.category("web_tour.tours").add("qualiopi_gate_board", {
    steps: () => [
        drag("Sans rien", "Planifiée"),
        seeRefusal(
            "ne peut pas encore passer à « Planifiée »",
            "un constat, ou la raison pour laquelle il n'y en a pas",
            "un responsable",
            "une échéance",
            "un critère de réussite"
        ),
        press("Compléter", ".o_error_dialog"),
        see(".modal .o_field_widget[name=success_criterion]"),
        {
            content: "Leave it",
            trigger: ".modal .btn-close",
            run: ({ click, queryFirst }) => {
                // The board behind is read again, since something may have been filled in.
                queryFirst(".o_kanban_renderer").classList.add("o_former_board");
                return click();
            },
        },
        see("body:not(:has(.modal)) .o_kanban_renderer:not(.o_former_board)"),
        see(`${column("À qualifier")} ${card("Sans rien")}`),
        drag("Sans preuve", "Réalisée, à vérifier"),
        seeRefusal(
            "ne peut pas encore passer à « Réalisée, à vérifier »",
            "Il manque : une preuve : un fichier, un lien ou une attestation écrite et datée."
        ),
        press("Fermer", ".o_error_dialog"),
        seeNoDialog(),
        see(`${column("En cours")} ${card("Sans preuve")}`),
        drag("À juger", "Efficace, close"),
        seeRefusal("ne se clôt comme efficace que par le résultat d'une vérification d'efficacité."),
        press("Fermer", ".o_error_dialog"),
        seeNoDialog(),
        drag("À juger", "Abandonnée"),
        seeRefusal("L'abandon de", "demande un motif, donné par un responsable qualité."),
        // An officer could not go through with it: nothing is offered.
        see(".o_error_dialog footer:not(:contains(\"L'abandonner\"))"),
        press("Fermer", ".o_error_dialog"),
        seeNoDialog(),
        see(`${column("Réalisée, à vérifier")} ${card("À juger")}`),
    ],
});

registry.category("web_tour.tours").add("qualiopi_gate_form", {
    steps: () => [
        seeStatus("En cours"),
        // Dropping an action is not among an officer's buttons.
        see(".o_statusbar_buttons:not(:has(button[name=action_cancel]))"),
        press("Action réalisée"),
        seeRefusal("Il manque : une preuve : un fichier, un lien ou une attestation écrite et datée."),
        press("Fermer", ".o_error_dialog"),
        ...stateEvidence("Le gardien programme le chauffage"),
        press("Action réalisée"),
        seeStatus("Réalisée"),
        { content: "Unfold the last columns", trigger: ".o_statusbar_status .dropdown-toggle", run: "click" },
        {
            content: "Mark it effective by hand",
            trigger: ".o-dropdown--menu .dropdown-item:contains('Efficace, close')",
            run: "click",
        },
        seeRefusal("ne se clôt comme efficace que par le résultat d'une vérification d'efficacité."),
        press("Fermer", ".o_error_dialog"),
        seeNoDialog(),
        seeStatus("Réalisée"),
    ],
});
