from odoo import api, fields, models
from odoo.exceptions import UserError

from ..exceptions import GateError
from .qualiopi_guarded_mixin import QualiopiGuardedMixin, is_meaningful

_FOLLOWUP_FIELDS = {'qualiopi_step', 'qualiopi_due', 'qualiopi_user_id', 'qualiopi_waiver'}


class MailActivity(models.Model):
    _inherit = 'mail.activity'

    # What the follow-up set: only rows with a step are its own, and what differs was changed by hand.
    qualiopi_step = fields.Char("Quality step", readonly=True, copy=False)
    qualiopi_due = fields.Date("Due by the register", readonly=True, copy=False)
    qualiopi_user_id = fields.Many2one('res.users', "Owed by", readonly=True, copy=False, ondelete='set null')
    qualiopi_waiver = fields.Char("Not applicable because", readonly=True, copy=False)

    _qualiopi_step_uniq = models.UniqueIndex(
        '(res_model, res_id, qualiopi_step) WHERE active IS TRUE AND qualiopi_step IS NOT NULL',
        "This step is planned already.",
    )

    @api.model_create_multi
    def create(self, vals_list):
        if not self.env.su:
            vals_list = [
                {name: value for name, value in vals.items() if name not in _FOLLOWUP_FIELDS} for vals in vals_list
            ]
        activities = super().create(vals_list)
        activities._check_confidential_assignee()
        return activities

    def write(self, vals):
        if not self.env.su:
            if 'active' in vals and not vals['active']:
                self._check_steps_remain()
            vals = {name: value for name, value in vals.items() if name not in _FOLLOWUP_FIELDS}
        result = super().write(vals)
        if vals.get('user_id'):
            self._check_confidential_assignee()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_steps(self):
        if not self.env.su:
            self._check_steps_remain()

    def _check_confidential_assignee(self):
        """An activity on our confidential records goes to somebody who may open them."""
        for model, activities in self.filtered('res_model').grouped('res_model').items():
            if not isinstance(self.env[model], QualiopiGuardedMixin):
                continue
            # sudo: an activity is refused for what its record is, whoever plans it
            records = self.env[model].browse(set(activities.mapped('res_id'))).sudo()
            confidential = dict(records.filtered('is_confidential').grouped('id'))
            for activity in activities:
                record = confidential.get(activity.res_id)
                if record and activity.user_id and not record._filter_audience(activity.user_id):
                    raise UserError(self.env._(
                        "%s has no access to this confidential record.", activity.user_id.name,
                    ))

    # === STEPS === #

    def _action_done(self, feedback=False, attachment_ids=None):
        """A step of the follow-up is done by what is filled in, not by a tick: ticked by hand it opens."""
        steps = self.filtered(lambda activity: activity.active and activity.qualiopi_step)
        if not steps:
            return super()._action_done(feedback=feedback, attachment_ids=attachment_ids)
        escalations = steps.filtered(lambda activity: activity.qualiopi_step == 'escalate')
        # The lead has looked into it: this lateness is not brought up again.
        escalations.check_access('write')
        # sudo: only the program writes the fields of the follow-up; who may end the step was checked
        escalations.sudo().qualiopi_waiver = feedback or 'seen'
        (steps - escalations)._check_steps_remain()
        return super()._action_done(feedback=feedback, attachment_ids=attachment_ids)

    def _check_steps_remain(self):
        """A step that is owed is neither ticked nor thrown away.

        :raise GateError: offers to fill the step in, or to say why it does not apply
        """
        for activity in self.filtered(lambda a: a.active and a.qualiopi_step and not a.qualiopi_waiver):
            raise GateError(
                self.env._(
                    "\"%(step)s\" of %(record)s ends by itself once it is filled in.",
                    step=activity.activity_type_id.name, record=activity.res_name,
                ),
                {
                    'type': 'ir.actions.act_window',
                    'name': activity.activity_type_id.name,
                    'res_model': 'qualiopi.step',
                    'views': [(False, 'form')],
                    'target': 'new',
                    'context': {'default_activity_id': activity.id},
                },
                self.env._("Continue"),
            )

    def _waive(self, reason):
        """End a step that does not apply here; it is not asked for again.

        :param str reason: why, kept with the step and in the chatter
        :raise UserError: without a meaningful reason
        """
        self.ensure_one()
        if not self.active or not self.qualiopi_step:
            raise UserError(self.env._("This step has ended already."))
        if not is_meaningful(reason):
            raise UserError(self.env._("Give a reason in words: it will be printed."))
        record = self.env[self.res_model].browse(self.res_id)
        record.check_access('write')
        # sudo: who may write on the record may end its steps, also those of others
        self.sudo().write({'qualiopi_waiver': reason, 'feedback': reason, 'active': False})
        record._log_texts({record.id: self.env._(
            "Not applicable: %(step)s. %(reason)s", step=self.activity_type_id.name, reason=reason,
        )})
        # What is left counts for the next escalation.
        self.env.add_to_compute(record._fields['followup_on'], record)
        record._followup_sync()
