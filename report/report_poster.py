"""Documents that go to the learners: the poster with the QR code and the blank complaint form."""

import io
from base64 import b64encode

from PIL import Image
from reportlab.graphics.barcode.qr import QrCodeWidget

from odoo import models

# Dots for a module, and the modules that stay white around the code.
_QR_DOTS = 16
_QR_QUIET = 4


class QualiopiReportDoor(models.AbstractModel):
    """What poster and blank form share: for whom they are, and the ways to be heard."""

    _name = 'qualiopi.report.door'
    _description = "Ways to be Heard, on Paper"
    _inherit = ['qualiopi.report']

    def _get_report_values(self, docids, data=None):
        """Values of the template: one page a session, or one for the whole centre.

        :raise AccessError: when the user may not read one of the sessions
        """
        events = self.env['event.event'].browse(docids or []).exists()
        events.check_access('read')
        pairs = [(event.company_id or self.env.company, event) for event in events]
        if not pairs:
            wanted = self.env.companies.filtered(lambda company: company.id == (data or {}).get('company_id'))
            pairs = [(wanted or self.env.company, events)]
        return {
            'doc_ids': docids,
            'doc_model': 'event.event',
            'docs': events,
            'documents': [self._in_french(company)._door_document(company, event) for company, event in pairs],
            'report_title': self._door_title(),
        }

    def _in_french(self, company):
        """The report in the company's language: what hangs on the wall is for its learners."""
        codes = {code for code, __ in self.env['res.lang'].get_installed()}
        # sudo: the company's language
        wishes = (company.sudo().partner_id.lang, 'fr_FR', self.env.lang)
        return self.with_context(lang=next((code for code in wishes if code in codes), 'en_US'))

    def _door_title(self):
        raise NotImplementedError

    def _door_document(self, company, event):
        """Values of one page."""
        # sudo: what the company says of itself is for everybody to read
        company = company.sudo().with_context(lang=self.env.lang)
        url = (event or company)._door_url() if company.qualiopi_form_enabled else None
        severity = self.env.ref('qualiopi.severity_minor', raise_if_not_found=False)
        sheet = self._sheet(company, self._door_title(), self._door_title())
        address = ', '.join(filter(None, [
            company.street, company.street2, ' '.join(filter(None, [company.zip, company.city])),
        ]))
        numbers = ' · '.join(filter(None, [
            company.company_registry and self.env._("SIRET %s", company.company_registry),
            company.qualiopi_nda and self.env._("Activity no. %s", company.qualiopi_nda),
        ]))
        natures = self.env['qualiopi.complaint']._fields['nature']._description_selection(self.env)
        return {
            'lang': self.env.lang,
            'company': company,
            'event': event,
            'session': self._clip(event.name, 90),
            'dates': event and self._door_dates(event),
            'url': url,
            'qr': url and self._door_qr(url),
            'email': company.qualiopi_complaint_address or company.email,
            'phone': company.phone,
            'person': company.qualiopi_manager_id.name,
            'officer': company.qualiopi_disability_officer_id.name,
            'address': address,
            'ack_within': severity and self.env._("within %s working days", severity.ack_days),
            'response_within': severity and self.env._("within %s working days", severity.response_days),
            'is_anonymous': company.qualiopi_form_anonymous,
            'promise': self._door_promise(severity),
            'mediator': company.qualiopi_mediator and ', '.join(filter(None, [
                company.qualiopi_mediator,
                self._clip(' '.join((company.qualiopi_mediator_contact or '').split()), 120),
            ])),
            'safeguarding': self._door_safeguarding(company),
            'natures': [label for value, label in natures if value != 'safeguarding'],
            'kinds': [
                self.env._("Learner"), self.env._("Company, employer"), self.env._("Trainer"), self.env._("Funder"),
                self.env._("Other: %s", "…" * 4),
            ],
            'sheet': sheet,
            'numbers': numbers,
            'identity': ' · '.join(filter(None, [company.name, address, numbers])),
        }

    def _door_promise(self, severity):
        if not severity:
            return self.env._("Fill in what you wish and hand in this sheet: you get an answer in writing.")
        return self.env._(
            "Fill in what you wish and hand in this sheet. You get an acknowledgement within %(ack)s working days and"
            " an answer in writing within %(response)s working days.",
            ack=severity.ack_days, response=severity.response_days,
        )

    def _door_dates(self, event):
        day = self._formats(event.company_id or self.env.company)['d']
        first, last = day(event.date_begin), day(event.date_end)
        return first if first == last else self.env._("From %(first)s to %(last)s", first=first, last=last)

    @staticmethod
    def _door_qr(url):
        """The link as a QR code, in an image that the page carries itself; drawn here, since the barcodes of
        the server need a graphics library that is not on every machine."""
        widget = QrCodeWidget(url, barLevel='M')
        code = widget.qr
        code.make()
        size = code.getModuleCount()
        side = size + 2 * _QR_QUIET
        image = Image.new('1', (side, side), 1)
        for row in range(size):
            for column in range(size):
                if code.isDark(row, column):
                    image.putpixel((column + _QR_QUIET, row + _QR_QUIET), 0)
        buffer = io.BytesIO()
        # Whole dots for a module: sharp edges on paper.
        image.resize((side * _QR_DOTS, side * _QR_DOTS), Image.Resampling.NEAREST).save(buffer, 'PNG')
        return f'data:image/png;base64,{b64encode(buffer.getvalue()).decode()}'

    def _door_safeguarding(self, company):
        """Whom to call in France, then the company's own contacts."""
        own = (company.qualiopi_safeguarding_contacts or '').split('\n')
        return [
            self.env._("17: police, in an emergency"),
            self.env._("119: children in danger"),
            self.env._("3919: violence against women"),
            self.env._("Défenseur des droits: discrimination"),
            *[self._clip(line.strip(), 60) for line in own if line.strip()][:2],
        ]


class ReportQualiopiReportPoster(models.AbstractModel):
    _name = 'report.qualiopi.report_poster'
    _description = "Poster with QR Code"
    _inherit = ['qualiopi.report.door']

    def _door_title(self):
        return self.env._("Poster")


class ReportQualiopiReportBlankForm(models.AbstractModel):
    _name = 'report.qualiopi.report_blank_form'
    _description = "Blank Complaint Form"
    _inherit = ['qualiopi.report.door']

    def _door_title(self):
        return self.env._("Complaint form")


class EventEvent(models.Model):
    _inherit = 'event.event'

    def action_print_poster(self):
        """Print the poster, one page a session."""
        return self.env.ref('qualiopi.action_report_poster').report_action(self, config=False)

    def action_print_blank_form(self):
        """Print the blank complaint form with the session's name."""
        return self.env.ref('qualiopi.action_report_blank_form').report_action(self, config=False)
