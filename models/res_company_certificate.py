from odoo import fields, models


class ResCompany(models.Model):
    _inherit = 'res.company'

    qualiopi_certificate_ids = fields.One2many('qualiopi.certificate', 'company_id', "Certificates")
    qualiopi_certificate_id = fields.Many2one(
        'qualiopi.certificate', "Current certificate", compute='_compute_qualiopi_certificate_id', compute_sudo=True,
    )
    qualiopi_certificate_from = fields.Date(
        "Certified from", compute='_compute_qualiopi_certificate_id', compute_sudo=True,
    )
    qualiopi_certificate_to = fields.Date(
        "Certified until", compute='_compute_qualiopi_certificate_id', compute_sudo=True,
    )
    qualiopi_surveillance_from = fields.Date(
        "Surveillance from", compute='_compute_qualiopi_certificate_id', compute_sudo=True,
    )
    qualiopi_surveillance_to = fields.Date(
        "Surveillance until", compute='_compute_qualiopi_certificate_id', compute_sudo=True,
    )

    def _compute_qualiopi_certificate_id(self):
        today = fields.Date.context_today(self)
        for company in self:
            certificate = company._qualiopi_certificate(today)
            company.qualiopi_certificate_id = certificate
            company.qualiopi_certificate_from = certificate.date_from
            company.qualiopi_certificate_to = certificate.date_to
            company.qualiopi_surveillance_from = certificate.surveillance_from
            company.qualiopi_surveillance_to = certificate.surveillance_to

    def _qualiopi_certificate(self, day):
        """The certificate in force on a day, else the last one before it.

        :param date day: a day of the company
        :rtype: qualiopi.certificate
        """
        # sudo: the dates of the certificate are public
        return self.env['qualiopi.certificate'].sudo().search(
            [('company_id', '=', self.id), ('date_from', '<=', day)], order='date_from desc, id desc', limit=1,
        ).sudo(False) if self else self.env['qualiopi.certificate']
