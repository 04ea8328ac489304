"""What of Qualiopi a database uses: a new one shows few menus, the others as they are switched on or as they come."""

from odoo import SUPERUSER_ID, api, fields, models
from odoo.fields import Command

PARTS = ('feedback', 'review', 'audit')
_ROLES = ('officer', 'auditor')


class ResGroups(models.Model):
    _inherit = 'res.groups'

    @api.model
    def _qualiopi_uses(self, part):
        """Whether the menus of a part are shown.

        :param str part: one of PARTS
        :rtype: bool
        """
        # Whoever runs the program has each role; the answer comes from the cache.
        return self.env['res.users'].browse(SUPERUSER_ID).has_group(f'qualiopi.group_use_{part}')

    @api.model
    def _qualiopi_use(self, part, is_used=True):
        """Show the menus of a part to everybody with a role that reads it, or hide them: access stays as it is.

        :param str part: one of PARTS
        :param bool is_used: False hides them
        """
        if self._qualiopi_uses(part) == is_used:
            return
        # sudo: menus are shown and hidden for everybody; the callers checked who asks
        groups = self.sudo()
        shown = groups.env.ref(f'qualiopi.group_use_{part}', raise_if_not_found=False)
        for role in _ROLES if shown else ():
            command = Command.link(shown.id) if is_used else Command.unlink(shown.id)
            groups.env.ref(f'qualiopi.group_{role}').implied_ids = [command]


class QualiopiMenuMixin(models.AbstractModel):
    """A model whose first record brings the menus of its part."""

    _name = 'qualiopi.menu.mixin'
    _description = "Menus That Come With the First Record"

    _menu_part = None

    @api.model_create_multi
    def create(self, vals_list):
        records = super().create(vals_list)
        if records:
            self.env['res.groups']._qualiopi_use(self._menu_part)
        return records


class ResCompany(models.Model):
    _inherit = 'res.company'

    qualiopi_uses_feedback = fields.Boolean(
        "Questionnaires", compute='_compute_qualiopi_uses', inverse='_inverse_qualiopi_uses',
    )
    qualiopi_uses_review = fields.Boolean(
        "Reviews and risks", compute='_compute_qualiopi_uses', inverse='_inverse_qualiopi_uses',
    )
    qualiopi_uses_audit = fields.Boolean(
        "Audits", compute='_compute_qualiopi_uses', inverse='_inverse_qualiopi_uses',
    )

    def _compute_qualiopi_uses(self):
        uses = {f'qualiopi_uses_{part}': self.env['res.groups']._qualiopi_uses(part) for part in PARTS}
        for company in self:
            company.update(uses)

    def _inverse_qualiopi_uses(self):
        for company in self:
            for part in PARTS:
                self.env['res.groups']._qualiopi_use(part, company[f'qualiopi_uses_{part}'])
