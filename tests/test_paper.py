import io
from base64 import b64decode

from PIL import Image
from reportlab.graphics.barcode.qr import QrCodeWidget

from odoo.exceptions import AccessError
from odoo.tests import tagged
from odoo.tools import html2plaintext
from odoo.tools.pdf import PdfFileReader

from .common import QualiopiCase

_POSTER = 'qualiopi.report_poster'
_FORM = 'qualiopi.report_blank_form'


@tagged('post_install', '-at_install')
class TestPaper(QualiopiCase):
    """The poster and the blank form: what hangs on the wall and lies on the table."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env['res.lang']._activate_lang('fr_FR')
        cls.env['ir.module.module'].search([('name', '=', 'qualiopi')])._update_translations(['fr_FR'])
        cls.company.write({
            'email': 'contact@example.com', 'phone': '+33 1 99 00 00 00',
            'street': "12 rue de l’Exemple", 'zip': "75011",
            'city': "Paris", 'company_registry': '12345678200010', 'qualiopi_nda': '11 75 00000 75',
            'qualiopi_mediator': "Test Mediator", 'qualiopi_mediator_contact': "1 rue de la Paix\nParis",
        })
        cls.company.partner_id.lang = 'fr_FR'
        cls.company.qualiopi_form_enabled = True
        cls.second = cls._make_event(cls.company, name="Second session")

    def _html(self, report, events=None, user=None, data=None):
        reports = self.model_as('ir.actions.report', user or self.officer)
        ids = events.ids if events else []
        html, __ = reports._render_qweb_html(report, ids, data=data or {'company_id': self.company.id})
        return html.decode() if isinstance(html, bytes) else str(html)

    def _pdf(self, report, events=None):
        with self.allow_pdf_render():
            content, __ = self.model_as('ir.actions.report', self.officer).with_context(
                force_report_rendering=True,
            )._render_qweb_pdf(report, events.ids if events else None, data={'company_id': self.company.id})
        return PdfFileReader(io.BytesIO(content))

    def _squeeze(self, html):
        return ' '.join(html2plaintext(html).replace('\xa0', ' ').replace('\u202f', ' ').replace('*', '').split())

    def test_poster(self):
        """The session, the three ways to be heard, the delays, whom to call; in the company's language."""
        text = self._squeeze(self._html(_POSTER, self.event))
        for expected in (
            self.event.name, "Quelque chose ne va pas", "En ligne", "Par e-mail", "contact@example.com",
            "Par téléphone ou de vive voix", "+33 1 99 00 00 00", "Test manager", "sous 2 jours ouvrés",
            "sous 15 jours ouvrés", "Test Mediator", self.event._door_url(),
        ):
            self.assertIn(expected, text)
        for number in ('17', '119', '3919'):
            self.assertIn(number, text)
        self.assertNotIn("Test officer", text, "who printed it does not hang on the wall")

    def test_own_contacts(self):
        """The company's own contacts stand after the numbers of all France."""
        self.company.qualiopi_safeguarding_contacts = "Test Doctor, 01 99 00 00 01"
        for report in (_POSTER, _FORM):
            text = self._squeeze(self._html(report))
            self.assertLess(text.index("3919"), text.index("Test Doctor"))

    def test_poster_of_the_centre(self):
        text = self._squeeze(self._html(_POSTER))
        self.assertIn(self.company._door_url(), text)
        self.assertNotIn(self.event.name, text)

    def test_code(self):
        """The code on the page is an image of its own, of the address that is printed beside it."""
        html = self._html(_POSTER, self.event)
        image = b64decode(html.split('src="data:image/png;base64,')[1].split('"')[0])
        code = QrCodeWidget(self.event._door_url(), barLevel='M').qr
        code.make()
        size = code.getModuleCount()
        picture = Image.open(io.BytesIO(image)).convert('L')
        dots = picture.width // (size + 8)
        middle = [(index + 4) * dots + dots // 2 for index in range(size)]
        self.assertGreater(picture.width, 400)
        self.assertEqual(
            [[picture.getpixel((x, y)) == 0 for x in middle] for y in middle],
            [[bool(code.isDark(y, x)) for x in range(size)] for y in range(size)],
        )
        self.assertNotEqual(
            image, b64decode(self._html(_POSTER, self.second).split('src="data:image/png;base64,')[1].split('"')[0]),
        )

    def test_pages(self):
        """One page a session, whatever its name; the form is one page."""
        self.second.name = "Une session au nom vraiment très long, " * 4
        self.company.qualiopi_mediator_contact = "Une adresse très longue, " * 30
        self.assertEqual(len(self._pdf(_POSTER, self.event | self.second).pages), 2)
        self.assertEqual(len(self._pdf(_POSTER).pages), 1)
        self.assertEqual(len(self._pdf(_FORM, self.event | self.second).pages), 2)
        self.assertEqual(len(self._pdf(_FORM).pages), 1)

    def test_form_switched_off(self):
        """Where the public form is switched off, the other ways to be heard are left."""
        self.company.qualiopi_form_enabled = False
        html = self._html(_POSTER, self.event)
        self.assertNotIn("data:image/png", html)
        self.assertNotIn("En ligne", html)
        self.assertIn("contact@example.com", html)

    def test_form(self):
        """Lines to write on, the session's name, the ways to hand it in, the box of the house."""
        text = self._squeeze(self._html(_FORM, self.event))
        for expected in (
            self.event.name, "Formulaire de réclamation", "Signature", "Cadre réservé", "contact@example.com",
            "12 rue de l’Exemple", "sous 15 jours ouvrés", "Test Mediator", "3919", "Réclamation", "Difficulté",
            "SIRET", "NDA" if "NDA" in self._html(_FORM) else "11 75 00000 75",
        ):
            self.assertIn(expected, text)
        self.assertNotIn("Signalement", text)
        self.assertNotIn(self.event.name, self._squeeze(self._html(_FORM)))

    def test_print_window(self):
        """Both come from the Print menu, without a period."""
        for document in ('poster', 'blank_form'):
            wizard = self.model_as('qualiopi.print', self.officer).create({'document': document})
            self.assertFalse(wizard.has_period)
            action = wizard.action_print()
            self.assertEqual(action['report_name'], f'qualiopi.report_{document}')
        event = self.user_env(self.event, self.officer)
        self.assertEqual(event.action_print_poster()['report_name'], _POSTER)
        self.assertEqual(event.action_print_blank_form()['context']['active_ids'], event.ids)

    def test_not_of_others(self):
        """Nobody prints the sessions of another company, nor its name."""
        event = self._make_event(self.other_company)
        with self.muted(), self.assertRaises(AccessError):
            self._html(_POSTER, event)
        text = self._squeeze(self._html(_POSTER, data={'company_id': self.other_company.id}))
        self.assertNotIn(self.other_company.name, text)
