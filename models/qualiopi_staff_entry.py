"""Quick entry by staff: from a session, a learner or a contact, on one small screen."""

from odoo import models


class QualiopiReferencedMixin(models.AbstractModel):
    _inherit = 'qualiopi.referenced.mixin'

    def _qualiopi_entry_window(self, stakeholder=None, **defaults):
        """The small screen that records what somebody has just said.

        :param str stakeholder: external id of the kind of stakeholder
        :param defaults: values of the new entry
        :return: a window action
        :rtype: dict
        """
        self.ensure_one()
        kind = stakeholder and self.env.ref(stakeholder, raise_if_not_found=False)
        if kind and kind.active and kind.company_id in (kind.company_id.browse(), self.env.company):
            defaults['stakeholder_id'] = kind.id
        if self.company_id in self.env.companies:
            defaults['company_id'] = self.company_id.id
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("New complaint"),
            'res_model': 'qualiopi.complaint',
            'views': [(self.env.ref('qualiopi.qualiopi_complaint_view_form_entry').id, 'form')],
            'target': 'new',
            'context': {f'default_{name}': value for name, value in defaults.items() if value},
        }


class EventEvent(models.Model):
    _inherit = 'event.event'

    def action_new_complaint(self):
        """Record a complaint, a difficulty or an unforeseen event of the session."""
        return self._qualiopi_entry_window(event_id=self.id)


class EventRegistration(models.Model):
    _inherit = 'event.registration'

    def action_new_complaint(self):
        """Record what the learner has just said."""
        known = {'partner_id': self.learner_id.id} if self.learner_id else {
            'contact_name': self.name, 'email_from': self.email, 'phone': self.phone,
        }
        return self._qualiopi_entry_window(
            'qualiopi.stakeholder_beneficiary', registration_id=self.id, event_id=self.event_id.id, **known,
        )


class ResPartner(models.Model):
    _inherit = 'res.partner'

    def action_new_complaint(self):
        """Record what the contact has just said."""
        return self._qualiopi_entry_window(
            'qualiopi.stakeholder_company' if self.is_company else None, partner_id=self.id,
        )


class QualiopiComplaint(models.Model):
    _inherit = 'qualiopi.complaint'

    def action_open_entry(self):
        """Leave the small screen for the whole form."""
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window',
            'name': self.display_name,
            'res_model': self._name,
            'res_id': self.id,
            'views': [(False, 'form')],
        }
