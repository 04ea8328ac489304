import base64

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tools import plaintext2html


class QualiopiFunderSheet(models.TransientModel):
    _name = 'qualiopi.funder.sheet'
    _description = "Send Results to a Funder"

    event_id = fields.Many2one('event.event', "Session", required=True, ondelete='cascade')
    stakeholder_id = fields.Many2one(
        'qualiopi.stakeholder', "Sent to", required=True, ondelete='cascade',
        default=lambda self: self.env.ref('qualiopi.stakeholder_funder', raise_if_not_found=False),
    )
    partner_ids = fields.Many2many(
        'res.partner', string="Recipients", compute='_compute_from_event', store=True, readonly=False, precompute=True,
        compute_sudo=False,
    )
    comments = fields.Text(
        "Comments passed on", compute='_compute_from_event', store=True, readonly=False, precompute=True,
        compute_sudo=False,
        help="One a line. Names of the session, addresses and telephone numbers are struck out already: take out what"
        " could still tell who speaks, and leave the rest as it was said.",
    )
    text = fields.Text("Message", compute='_compute_text', store=True, readonly=False, required=True, precompute=True)

    @api.model_create_multi
    def create(self, vals_list):
        # Before anything of the session is proposed: who pays for it is its own company's business.
        events = [vals['event_id'] for vals in vals_list if vals.get('event_id')]
        self.env['event.event'].browse(events).check_access('read')
        return super().create(vals_list)

    def write(self, vals):
        if vals.get('event_id'):
            self.env['event.event'].browse(vals['event_id']).check_access('read')
        return super().write(vals)

    @api.depends('event_id')
    def _compute_from_event(self):
        for wizard in self:
            # sudo: who pays for the session's learners, whom the officer writes to
            wizard.partner_ids = wizard.event_id.sudo().registration_ids.funder_id.with_env(self.env)
            wizard.comments = '\n'.join(wizard._campaigns()._shareable_comments())

    @api.depends('event_id')
    def _compute_text(self):
        for wizard in self:
            wizard.text = self.env._(
                "Please find attached the results of the session \"%s\". Tell us what you think of this training, and"
                " of our work together: a reply to this message is enough.", wizard.event_id.name or "",
            )

    def _campaigns(self):
        """Campaigns that asked the session's beneficiaries, with the user's own rights."""
        return self.env['qualiopi.feedback.campaign'].search([
            ('event_id', '=', self.event_id.id), ('state', 'in', ('running', 'done')), ('cancelled_on', '=', False),
            ('is_confidential', '=', False),
            ('stakeholder_id', '=', self.env.ref('qualiopi.stakeholder_beneficiary').id),
        ], order='date_from, id')

    def _comment_lines(self):
        return [line.strip() for line in (self.comments or '').splitlines() if line.strip()]

    def action_print(self):
        """Print the sheet without sending it.

        :return: a report action
        :rtype: dict
        """
        self.ensure_one()
        return self.env.ref('qualiopi.action_report_funder').report_action(self, config=False)

    def action_send(self):
        """Send the sheet by e-mail and keep what was sent to whom, when: it feeds the stakeholder matrix.

        :return: an action that closes the window
        :rtype: dict
        :raise UserError: without a recipient who has an e-mail address
        """
        self.ensure_one()
        self.check_access('write')
        if not self.env.user.has_group('qualiopi.group_officer'):
            raise UserError(self.env._("Results are sent by the quality team. Ask one of its members."))
        event = self.event_id
        event.check_access('read')
        self.partner_ids.check_access('read')
        if not self.partner_ids:
            raise UserError(self.env._("Choose who receives the results."))
        unreachable = self.partner_ids.filtered(lambda partner: not partner.email_normalized)
        if unreachable:
            raise UserError(self.env._(
                "No e-mail address: %s. Add one, or take these recipients out.", ", ".join(unreachable.mapped('name')),
            ))
        content, __ = self.env['ir.actions.report'].with_context(
            force_report_rendering=True)._render_qweb_pdf('qualiopi.report_funder', self.ids)
        name = self.env._("Results – %s", event.name)
        file_name = f'{name}.pdf'.replace('/', '-')
        company = event.company_id or self.env.company
        for partner in self.partner_ids:
            # sudo: one mail a recipient, queued by the program; the officer chose the persons above
            self.env['mail.mail'].sudo().create({
                'subject': name,
                'body_html': plaintext2html(self.text),
                'email_from': (company.email_formatted or self.env.user.email_formatted),
                'reply_to': self.env.user.email_formatted or company.email_formatted,
                'recipient_ids': [Command.link(partner.id)],
                'author_id': self.env.user.partner_id.id,
                'attachment_ids': [Command.create({
                    'name': file_name, 'raw': content, 'mimetype': 'application/pdf',
                })],
                'auto_delete': False,
            })
        self.env['qualiopi.feedback.return'].create({
            'name': name,
            'company_id': company.id,
            'stakeholder_id': self.stakeholder_id.id,
            'event_id': event.id,
            'partner_ids': [Command.set(self.partner_ids.ids)],
            'file': base64.b64encode(content),
            'file_name': file_name,
        })
        return {'type': 'ir.actions.act_window_close'}


class EventEvent(models.Model):
    _inherit = 'event.event'

    def action_send_results(self):
        """Open the sheet of results for the session's funders.

        :return: a window action
        :rtype: dict
        """
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id('qualiopi.qualiopi_funder_sheet_action')
        return {**action, 'context': {'default_event_id': self.id}}
