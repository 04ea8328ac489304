from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tools import plaintext2html

_OWNERS = {
    'qualiopi.complaint': 'complaint', 'qualiopi.finding': 'finding', 'qualiopi.improvement.action': 'action',
    'qualiopi.procedure': 'procedure',
}


class QualiopiActionInform(models.TransientModel):
    _name = 'qualiopi.action.inform'
    _description = "Inform the Team of a Decision or an Action"

    complaint_ids = fields.Many2many('qualiopi.complaint')
    finding_ids = fields.Many2many('qualiopi.finding')
    action_ids = fields.Many2many('qualiopi.improvement.action')
    procedure_ids = fields.Many2many('qualiopi.procedure')
    date = fields.Date("Told on", required=True, default=fields.Date.context_today)
    partner_ids = fields.Many2many('res.partner', string="Told to")
    audience = fields.Char("Other audience")
    text = fields.Text("What is told", required=True)
    is_sent = fields.Boolean(
        "Send it to them", default=True, help="Untick it for what was said in a meeting: it is kept all the same.",
    )

    def action_confirm(self):
        """Send the text to the people chosen and keep who was told of what, and when (internal communication).

        :raise UserError: when somebody may not read of a confidential record
        """
        self.ensure_one()
        values = []
        for records in (self.complaint_ids, self.finding_ids, self.action_ids, self.procedure_ids):
            for record in records:
                self._check_audience(record)
                values.append({
                    f'{_OWNERS[record._name]}_id': record.id,
                    'date': self.date,
                    'partner_ids': [Command.set(self.partner_ids.ids)],
                    'audience': self.audience,
                    'text': self.text,
                })
                if self.is_sent and self.partner_ids:
                    record.message_post(
                        body=plaintext2html(self.text), partner_ids=self.partner_ids.ids,
                        message_type='comment', subtype_xmlid='mail.mt_note',
                    )
        self.env['qualiopi.communication'].create(values)
        return {'type': 'ir.actions.act_window_close'}

    def _check_audience(self, record):
        if not record.is_confidential:
            return
        strangers = self.partner_ids - record._allowed_partners(self.partner_ids)
        if strangers:
            raise UserError(self.env._(
                "%(people)s may not read of %(record)s, which is confidential.",
                people=", ".join(strangers.mapped('name')), record=record.reference,
            ))

    @api.model
    def _window_for(self, records):
        """The wizard on records of one register.

        :return: a window action
        :rtype: dict
        """
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Inform the team"),
            'res_model': self._name,
            'views': [(False, 'form')],
            'target': 'new',
            'context': {f'default_{_OWNERS[records._name]}_ids': [Command.set(records.ids)]},
        }
