import { Component, onWillStart, useState } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { Layout } from "@web/search/layout";
import { standardActionServiceProps } from "@web/webclient/actions/action_service";

const FIELDS = {
    residual: ["current_probability", "current_severity"],
    gross: ["probability", "severity"],
};
const SHOWN = 4;

/**
 * The risks that the user may see, by probability and severity; a cell opens its risks.
 */
export class RiskMatrix extends Component {
    static template = "qualiopi.RiskMatrix";
    static components = { Layout };
    static props = { ...standardActionServiceProps };

    setup() {
        this.action = useService("action");
        this.orm = useService("orm");
        this.fieldService = useService("field");
        this.state = useState({ kind: "residual", risks: [] });
        onWillStart(async () => {
            const [fields, risks] = await Promise.all([
                this.fieldService.loadFields("qualiopi.risk"),
                this.orm.searchRead(
                    "qualiopi.risk",
                    [["state", "=", "open"]],
                    ["reference", "name", ...FIELDS.residual, ...FIELDS.gross]
                ),
            ]);
            this.probabilities = fields.probability.selection;
            this.severities = fields.severity.selection;
            this.bands = Object.fromEntries(fields.band.selection);
            this.state.risks = risks;
        });
    }

    get display() {
        return { controlPanel: {} };
    }

    /** Rows from the most to the least probable. */
    get rows() {
        const [probabilityField, severityField] = FIELDS[this.state.kind];
        return this.probabilities.toReversed().map(([probability, label]) => ({
            probability,
            label,
            cells: this.severities.map(([severity, severityLabel]) => {
                const risks = this.state.risks.filter(
                    (risk) => risk[probabilityField] === probability && risk[severityField] === severity
                );
                const criticality = Number(probability) * Number(severity);
                const band = this.bandOf(criticality);
                return {
                    severity,
                    risks,
                    criticality,
                    band,
                    title: _t("%(probability)s, %(severity)s: criticality %(criticality)s, %(band)s; %(count)s risks", {
                        probability: label,
                        severity: severityLabel,
                        criticality,
                        band: this.bands[band],
                        count: risks.length,
                    }),
                };
            }),
        }));
    }

    bandOf(criticality) {
        return criticality < 4 ? "low" : criticality < 8 ? "moderate" : criticality < 12 ? "high" : "critical";
    }

    shown(cell) {
        return cell.risks.slice(0, SHOWN);
    }

    rest(cell) {
        return Math.max(0, cell.risks.length - SHOWN);
    }

    openCell(row, cell) {
        const [probabilityField, severityField] = FIELDS[this.state.kind];
        this.openRisks(cell.title.split(":")[0], [
            ["state", "=", "open"],
            [probabilityField, "=", row.probability],
            [severityField, "=", cell.severity],
        ]);
    }

    openRisks(name, domain) {
        this.action.doAction({
            type: "ir.actions.act_window",
            name,
            res_model: "qualiopi.risk",
            views: [[false, "list"], [false, "kanban"], [false, "form"]],
            domain,
        });
    }

    print() {
        this.action.doAction("qualiopi.qualiopi_print_action", {
            additionalContext: { default_document: "risks" },
        });
    }
}

registry.category("actions").add("qualiopi_risk_matrix", RiskMatrix);
