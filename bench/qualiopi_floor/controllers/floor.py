from odoo.http import Controller, request, route


class Floor(Controller):
    """What Odoo itself costs: an empty page for visitors, and one row recorded from one."""

    @route('/qualiopi_floor', type='http', auth='public', methods=['GET'], website=True, sitemap=False)
    def page(self):
        """The public layout around nothing."""
        return request.render('qualiopi_floor.page', {'res_company': request.env.company.sudo()})

    @route('/qualiopi_floor', type='http', auth='public', methods=['POST'], website=True, csrf=False, sitemap=False)
    def record(self, name=None, duty=None, **_kwargs):
        """One tracked row, with the same duty as an entry where asked, then the redirection that follows a form."""
        request.env['qualiopi.floor'].sudo().create({'name': name, 'is_duty': bool(duty)})
        return request.redirect('/qualiopi_floor', code=303)
