from odoo import api, fields, models
from odoo.tools import ormcache


class QualiopiDefaultOwner(models.Model):
    """Who treats an entry that comes in without an owner, by nature and category."""

    _name = 'qualiopi.default.owner'
    _description = "Default Owner of Register Entries"
    _inherit = ['qualiopi.program.mixin', 'qualiopi.cached.mixin']
    _order = 'company_id, sequence, id'
    _check_company_auto = True

    sequence = fields.Integer(default=10)
    company_id = fields.Many2one(
        'res.company', required=True, index=True, default=lambda self: self.env.company, ondelete='cascade',
    )
    nature = fields.Selection(
        selection=lambda self: self.env['qualiopi.complaint']._fields['nature']._description_selection(self.env),
        help="Empty: every nature.",
    )
    category_id = fields.Many2one(
        'qualiopi.category', check_company=True, ondelete='cascade', help="Empty: every category.",
    )
    user_id = fields.Many2one(
        'res.users', "Owner", required=True, check_company=True, ondelete='cascade',
        domain="[('share', '=', False)]",
    )

    _combination_uniq = models.UniqueIndex(
        "(company_id, COALESCE(nature, ''), COALESCE(category_id, 0))",
        "There is an owner for this nature and category already.",
    )

    @api.model
    @ormcache()
    def _companies_with_rules(self):
        """Ids of the companies that name owners; costs no query once they are cached.

        :rtype: frozenset[int]
        """
        # sudo: whether there is a rule is asked, not whom it names
        return frozenset(company.id for [company] in self.sudo()._read_group([], ['company_id']))

    def _owner_of(self, company_id, nature, category_id, confidential):
        """The owner that the closest of these rules names: category before nature, both before either.

        :param int company_id: company of the entry
        :param str nature: nature of the entry
        :param int category_id: category of the entry, or False
        :param bool confidential: whether only the confidential group may own the entry
        :return: an active user of the company who may open the entry, or an empty recordset
        """
        rules = self.filtered(
            lambda rule: rule.company_id.id == company_id
            and rule.nature in (False, nature)
            and rule.category_id.id in (False, category_id)
        )
        has_role = self.env['qualiopi.complaint']._has_role
        for rule in rules.sorted(lambda rule: (bool(rule.category_id), bool(rule.nature)), reverse=True):
            user = rule.user_id
            trusted = user.has_group('qualiopi.group_confidential') if confidential else has_role(user)
            if user.active and not user.share and rule.company_id in user.company_ids and trusted:
                return user
        return self.env['res.users']
