import { registry } from "@web/core/registry";
import { capitalize } from "@web/core/utils/strings";
import {
    RemainingDaysField,
    remainingDaysField,
} from "@web/views/fields/remaining_days/remaining_days_field";

/** A deadline in days: "in 15 days" tells more than "next month". */
export class DueDateField extends RemainingDaysField {
    get diffString() {
        if (this.diffDays === null || Math.abs(this.diffDays) > 99) {
            return super.diffString;
        }
        return capitalize(this.props.record.data[this.props.name].toRelativeCalendar({ unit: "days" }));
    }
}

registry.category("fields").add("qualiopi_due_date", { ...remainingDaysField, component: DueDateField });
