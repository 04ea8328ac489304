/** Steps that the tours of the registers share. Each acts on what the user reads, in French. */

/** Clicks a button by its label. */
export function press(label, within = "") {
    return {
        content: `Press "${label}"`,
        trigger: `${within} button:enabled:contains(/^\\s*${label}\\s*$/)`.trim(),
        run: "click",
    };
}

/** Waits for something to be there. */
export function see(trigger) {
    return { content: `See ${trigger}`, trigger };
}

/** Waits until nothing is open in front of the page. */
export function seeNoDialog() {
    return see("body:not(:has(.modal))");
}

/** Writes into a field of the form, or of the dialog when WITHIN is ".modal". */
export function write(field, text, within = ".o_form_view") {
    return {
        content: `Write ${field}`,
        trigger: `${within} .o_field_widget[name=${field}] :is(input, textarea)`,
        run: `edit ${text}`,
    };
}

/** Picks a record in a many2one or tags field by its name. */
export function pick(field, name, within = ".o_form_view") {
    const widget = `${within} .o_field_widget[name=${field}]`;
    return [
        {
            content: `Look for ${name}`,
            trigger: `${widget} input`,
            run: `edit ${name}`,
        },
        {
            content: `Pick ${name}`,
            trigger: `.o-autocomplete--dropdown-item:not(.o_m2o_dropdown_option) > a:contains("${name}")`,
            run: "click",
        },
        see(`${widget}:contains("${name}")`),
    ];
}

/** Chooses a value of a selection by its label. */
export function choose(field, label, within = ".o_form_view") {
    const widget = `${within} .o_field_widget[name=${field}]`;
    return [
        { content: `Open ${field}`, trigger: `${widget} input`, run: "click" },
        {
            content: `Choose ${label}`,
            trigger: `.o_select_menu_item:contains(/^\\s*${label}\\s*$/)`,
            run: "click",
        },
        see(`${widget} input:value("${label}")`),
    ];
}

/** Waits for the column or the state that the status bar shows. */
export function seeStatus(label) {
    return see(`.o_statusbar_status button.o_arrow_button_current:contains("${label}")`);
}

/** A refusal that names all of TEXTS. */
export function seeRefusal(...texts) {
    const dialog = ".o_error_dialog";
    return see(dialog + texts.map((text) => `:contains("${text}")`).join(""));
}

/** Adds a dated written statement to the action on the screen. */
export function stateEvidence(text) {
    return [
        { content: "Open the evidence", trigger: ".o_notebook a[name=evidence]", run: "click" },
        {
            content: "Add a statement",
            trigger: ".o_field_widget[name=evidence_ids] a:contains('Ajouter une attestation écrite')",
            run: "click",
        },
        write("statement", text, ".modal"),
        { content: "Keep it", trigger: ".modal .o_form_button_save:enabled", run: "click" },
        seeNoDialog(),
        see(`.o_field_widget[name=evidence_ids] .o_data_row:contains("${text}")`),
    ];
}

/** Gives the verdict in the dialog that asks for it. */
export function giveVerdict(label, conclusion) {
    return [
        write("conclusion", conclusion, ".modal"),
        {
            content: `Choose ${label}`,
            trigger: `.modal .o_field_widget[name=verdict] label:contains(/^\\s*${label}\\s*$/)`,
            run: "click",
        },
        press("Saisir le résultat", ".modal"),
        seeNoDialog(),
    ];
}
