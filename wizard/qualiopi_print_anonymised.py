from odoo import fields, models


class QualiopiPrint(models.TransientModel):
    _inherit = 'qualiopi.print'

    is_anonymised = fields.Boolean(
        "Codes instead of names", help="Names, e-mail addresses and telephone numbers are replaced, also inside texts."
        " What the codes stand for is kept apart.",
    )

    def _report_data(self):
        data = super()._report_data()
        return {**data, 'anonymised': True} if self.is_anonymised and self.has_period else data
