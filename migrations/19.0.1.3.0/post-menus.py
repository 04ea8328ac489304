"""Show all menus where Qualiopi is in use already: nobody loses one that they know."""

from odoo import SUPERUSER_ID, api

from odoo.addons.qualiopi.models.qualiopi_menu import PARTS


def migrate(cr, version):
    env = api.Environment(cr, SUPERUSER_ID, {})
    for part in PARTS:
        env['res.groups']._qualiopi_use(part)
