from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import UserError

_SPREADSHEETS = ('register', 'plan', 'dropouts', 'risks')
# Sheets to hang up or to hand out: of no period.
_UNDATED = ('poster', 'blank_form')


class QualiopiPrint(models.TransientModel):
    _name = 'qualiopi.print'
    _description = "Print a Period"

    document = fields.Selection([
        ('register', "Register of complaints, difficulties and unforeseen events"),
        ('plan', "Continuous improvement plan"),
        ('findings', "Finding list"),
        ('traceability', "Traceability sheets, one page a chain"),
        ('risks', "Risks: matrix and register"),
        ('procedures', "Procedures in force at the end of the period"),
        ('dropouts', "Dropout register"),
        ('poster', "Poster with QR code, for the whole centre"),
        ('blank_form', "Blank complaint form"),
    ], required=True, default='register')
    output = fields.Selection([
        ('pdf', "PDF, to print or hand over"),
        ('xlsx', "Spreadsheet (XLSX), all columns"),
    ], "Format", required=True, default='pdf')
    period = fields.Selection([
        ('this_year', "This year"),
        ('last_year', "Last year"),
        ('this_quarter', "This quarter"),
        ('last_quarter', "Last quarter"),
        ('last_12_months', "The last twelve months"),
        ('other', "Other dates"),
    ], required=True, default='this_year')
    date_from = fields.Date(
        "From", compute='_compute_dates', store=True, readonly=False, required=True, precompute=True,
    )
    date_to = fields.Date(
        "To", compute='_compute_dates', store=True, readonly=False, required=True, precompute=True,
    )
    company_id = fields.Many2one('res.company', required=True, default=lambda self: self.env.company)
    has_spreadsheet = fields.Boolean("Spreadsheet offered", compute='_compute_has_spreadsheet')
    has_period = fields.Boolean("Of a period", compute='_compute_has_spreadsheet')
    is_anonymous = fields.Boolean(
        "Learner codes instead of names", default=True,
        help="The same learner has the same code on every document.",
    )
    res_ids = fields.Char("Chosen records", readonly=True)

    @api.depends('period')
    def _compute_dates(self):
        today = fields.Date.context_today(self)
        year = today + relativedelta(day=1, month=1)
        quarter = today + relativedelta(day=1, month=(today.month - 1) // 3 * 3 + 1)
        spans = {
            'this_year': (year, relativedelta(years=1)),
            'last_year': (year - relativedelta(years=1), relativedelta(years=1)),
            'this_quarter': (quarter, relativedelta(months=3)),
            'last_quarter': (quarter - relativedelta(months=3), relativedelta(months=3)),
        }
        for wizard in self:
            if wizard.period in spans:
                first, length = spans[wizard.period]
                wizard.date_from, wizard.date_to = first, first + length - relativedelta(days=1)
            elif wizard.period == 'last_12_months':
                wizard.date_from = today - relativedelta(years=1) + relativedelta(days=1)
                wizard.date_to = today
            else:
                wizard.date_from = wizard.date_from or year
                wizard.date_to = wizard.date_to or today

    @api.depends('document')
    def _compute_has_spreadsheet(self):
        for wizard in self:
            wizard.has_spreadsheet = wizard.document in _SPREADSHEETS
            wizard.has_period = wizard.document not in _UNDATED

    def action_print(self):
        """Print the document of the period, as PDF or spreadsheet.

        :raise UserError: when the dates are the wrong way round
        """
        self.ensure_one()
        if self.has_period and self.date_from > self.date_to:
            raise UserError(self.env._("The period ends before it begins."))
        if self.output == 'xlsx' and self.has_spreadsheet:
            return self._xlsx_action()
        report = self.env.ref(f'qualiopi.action_report_{self.document}')
        return {
            **report.report_action(None, data=self._report_data(), config=False),
            'close_on_report_download': True,
        }

    @api.model
    def _print_xlsx(self, document, records):
        """The download of chosen records as a spreadsheet: their ids wait here, whatever their number.

        :param str document: ``register`` or ``plan``
        """
        wizard = self.create({'document': document, 'res_ids': ','.join(map(str, records.ids))})
        return wizard._xlsx_action()

    def _xlsx_action(self):
        return {
            'type': 'ir.actions.act_url',
            'url': f'/qualiopi/xlsx/{self.document}?wizard={self.id}',
            'target': 'download',
        }

    def _selected_ids(self):
        """Ids of the chosen records, None when a period is printed."""
        return [int(part) for part in self.res_ids.split(',')] if self.res_ids else None

    def _report_data(self):
        return {
            'date_from': fields.Date.to_string(self.date_from),
            'date_to': fields.Date.to_string(self.date_to),
            'company_id': self.company_id.id,
            'is_anonymous': self.is_anonymous,
        }
