import { markup } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { WarningDialog } from "@web/core/errors/error_dialogs";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";

/**
 * A refusal of the registers: says what is missing and offers the screen where it is filled in.
 * Without an action it is the dialog of any UserError.
 */
export class GateErrorDialog extends WarningDialog {
    static template = "qualiopi.GateErrorDialog";

    setup() {
        super.setup();
        this.actionService = useService("action");
        const [, action, buttonText] = this.props.data?.arguments || [];
        this.action = action;
        this.buttonText = buttonText || _t("Fill in");
    }

    inferTitle() {
        return _t("Something is missing");
    }

    async onClick() {
        const action = { ...this.action };
        if (action.help) {
            action.help = markup(action.help);
        }
        this.props.close();
        await this.actionService.doAction(action, {
            forceLeave: true,
            // What was filled in shows on the page behind.
            onClose: () => this.actionService.doAction("soft_reload"),
        });
    }
}

registry
    .category("error_dialogs")
    .add("odoo.addons.qualiopi.exceptions.GateError", GateErrorDialog);
