"""The former register of complaints, difficulties and unforeseen events, as it is taken over (design, rule 9)."""

from datetime import date

from odoo import api, models
from odoo.tools import LazyTranslate

from .qualiopi_import import ImportColumn

_lt = LazyTranslate(__name__, default_lang='en_US')


class QualiopiComplaint(models.Model):
    _name = 'qualiopi.complaint'
    _inherit = ['qualiopi.complaint', 'qualiopi.import.mixin']

    # Other headings of the same thing in former registers (domain.md, section 6), and in our own spreadsheets.
    _import_aliases = {
        'old_reference': ('Numéro', 'No', 'Ref', 'Réf.', 'Former number'),
        'nature': ('Type',),
        'received_on': ('Reçue le', 'Reçu le', 'Date', 'Received on'),
        'channel_id': ("Canal d'expression", 'Source'),
        'stakeholder_id': ('Partie prenante', 'Qualité'),
        'contact_name': ('Réclamant', 'Client', 'Stagiaire', 'Complainant'),
        'import_session': ('Formation', 'Session', 'Formation concernée', 'Commande'),
        'name': ('Motif',),
        'description': ('Détail',),
        'severity_id': ('Impact',),
        'ack_date': ('Acknowledged on', 'Réception accusée le', 'AR le'),
        'correction': ('Action immédiate',),
        'cause_ids': ('Cause', 'Cause vérifiée'),
        'decision': ('Décision',),
        'response': ('Action corrective / réponse apportée', 'Actions correctives ou réponses apportées', 'Réponse'),
        'response_date': ('Répondue le', 'Répondu le', 'Answered on'),
        'import_actions': ('Actions correctives', 'Action corrective'),
        'state': ('État',),
        'closed_on': ('Clôture', 'Clos le', 'Closed on'),
        'import_owner': ('Responsable (pilote)', 'Pilote'),
        'indicator_ids': ('Indicateur',),
        'import_evidence': ('Preuves', 'Evidence'),
    }
    _import_words = {
        'state': {
            'nouveau': 'received', 'nouvelle': 'received', 'ouvert': 'received', 'ouverte': 'received',
            'recu': 'received', 'en cours': 'treatment', 'en cours de traitement': 'treatment',
            'resolu': 'answered', 'resolue': 'answered', 'traite': 'answered', 'traitee': 'answered',
            'repondu': 'answered', 'cloture': 'closed', 'cloturee': 'closed', 'clos': 'closed', 'close': 'closed',
            'fermee': 'closed', 'ferme': 'closed', 'termine': 'closed', 'terminee': 'closed', 'annule': 'cancelled',
        },
        'nature': {
            'reclamations': 'complaint', 'plainte': 'complaint', 'difficultes': 'difficulty', 'aleas': 'unforeseen',
            'alea': 'unforeseen', 'signalement': 'safeguarding',
        },
        'decision': {
            'fonde': 'founded', 'partiellement fonde': 'partly', 'non fonde': 'unfounded', 'infondee': 'unfounded',
            'infonde': 'unfounded', 'non fondee': 'unfounded',
        },
        'verdict': {
            'oui': 'yes', 'satisfait': 'yes', 'satisfaite': 'yes', 'partiellement': 'partly', 'non': 'no',
            'insatisfait': 'no', 'insatisfaite': 'no', 'sans reponse': 'no_answer',
        },
        'channel_id': {
            'mail': 'qualiopi.channel_email', 'email': 'qualiopi.channel_email', 'courriel': 'qualiopi.channel_email',
            'telephone': 'qualiopi.channel_phone', 'tel': 'qualiopi.channel_phone', 'tel.': 'qualiopi.channel_phone',
            'oral': 'qualiopi.channel_in_person', 'courrier postal': 'qualiopi.channel_letter',
            'formulaire': 'qualiopi.channel_web_form', 'enquete de satisfaction': 'qualiopi.channel_survey',
        },
        'stakeholder_id': {
            'stagiaire': 'qualiopi.stakeholder_beneficiary', 'apprenant': 'qualiopi.stakeholder_beneficiary',
            'apprenti': 'qualiopi.stakeholder_beneficiary', 'entreprise': 'qualiopi.stakeholder_company',
            'client': 'qualiopi.stakeholder_company', 'employeur': 'qualiopi.stakeholder_company',
            'formateur': 'qualiopi.stakeholder_trainer', 'opco': 'qualiopi.stakeholder_funder',
        },
    }

    @api.model
    def _description_for_import(self):
        return self.env._("former register")

    @api.model
    def _import_columns(self):
        return [
            ImportColumn('old_reference', _lt("No."), 12),
            ImportColumn('nature', _lt("Nature"), 14),
            ImportColumn('received_on', _lt("Date of receipt"), 14),
            ImportColumn('channel_id', _lt("Channel"), 18),
            ImportColumn('stakeholder_id', _lt("Stakeholder type"), 20),
            ImportColumn('contact_name', _lt("Complainant (or code)"), 24),
            ImportColumn('import_session', _lt("Course / session"), 30),
            ImportColumn('import_trainer', _lt("Trainer"), 20),
            ImportColumn('name', _lt("Subject"), 34),
            ImportColumn('description', _lt("Description"), 50),
            ImportColumn('remedy_requested', _lt("What the complainant asks for"), 30),
            ImportColumn('category_id', _lt("Category"), 22),
            ImportColumn('severity_id', _lt("Severity"), 12),
            ImportColumn('ack_date', _lt("Acknowledgement on"), 16),
            ImportColumn('correction', _lt("Immediate correction"), 34),
            ImportColumn('cause_ids', _lt("Cause(s)"), 26),
            ImportColumn('decision', _lt("Decision (founded…)"), 20),
            ImportColumn('response', _lt("Response given"), 40),
            ImportColumn('response_date', _lt("Response on"), 14),
            ImportColumn('import_actions', _lt("Linked action(s)"), 26),
            ImportColumn('verdict', _lt("Complainant's satisfaction"), 20),
            ImportColumn('state', _lt("Status"), 16),
            ImportColumn('closed_on', _lt("Closing on"), 14),
            ImportColumn('import_owner', _lt("Owner"), 20),
            ImportColumn('indicator_ids', _lt("Indicator(s)"), 12),
            ImportColumn('import_evidence', _lt("Enclosures"), 26),
            ImportColumn('is_imported', _lt("Taken over from the former register"), 16),
        ]

    @api.model
    def _import_examples(self):
        name = self._import_example_name
        return [{
            'old_reference': "2024-01", 'nature': 'complaint', 'received_on': date(2024, 3, 4),
            'channel_id': name('qualiopi.channel_email'), 'stakeholder_id': name('qualiopi.stakeholder_beneficiary'),
            'contact_name': self.env._("Learner 12"), 'import_session': self.env._("Spreadsheets, level 1"),
            'name': self.env._("Room too small"),
            'description': self.env._("Fourteen people in a room for ten: two had no table."),
            'remedy_requested': self.env._("A larger room"), 'category_id': name('qualiopi.category_premises'),
            'severity_id': name('qualiopi.severity_minor'), 'ack_date': date(2024, 3, 5),
            'correction': self.env._("Another room from the second day on"),
            'cause_ids': name('qualiopi.cause_environment'), 'decision': 'founded',
            'response': self.env._("Apology, and another room"), 'response_date': date(2024, 3, 8),
            'verdict': 'yes', 'state': 'closed', 'closed_on': date(2024, 3, 29), 'indicator_ids': "31",
            'is_imported': self.env._("Yes"),
        }, {
            'old_reference': "2024-02", 'nature': 'difficulty', 'received_on': date(2024, 5, 13),
            'channel_id': name('qualiopi.channel_trainer'), 'stakeholder_id': name('qualiopi.stakeholder_trainer'),
            'name': self.env._("Projector out of order"),
            'description': self.env._("No picture during the first morning."),
            'category_id': name('qualiopi.category_equipment'), 'severity_id': name('qualiopi.severity_minor'),
            'correction': self.env._("A projector was lent by the next room"),
            'state': 'closed', 'closed_on': date(2024, 5, 14), 'indicator_ids': "31", 'is_imported': self.env._("Yes"),
        }, {
            'old_reference': "2025-01", 'nature': 'complaint', 'received_on': date(2025, 2, 10),
            'channel_id': name('qualiopi.channel_letter'), 'stakeholder_id': name('qualiopi.stakeholder_company'),
            'contact_name': self.env._("Example Ltd"), 'name': self.env._("Certificates of completion late"),
            'description': self.env._("Six weeks after the training the certificates had not come."),
            'severity_id': name('qualiopi.severity_major'), 'state': 'treatment', 'indicator_ids': "31",
            'is_imported': self.env._("Yes"),
        }]

    def _import_day_field(self):
        return 'received_date'

    def _import_day_cell(self):
        return 'received_on'

    def _import_row(self, left, values):
        kept = ['import_actions', 'import_evidence']
        for name, model, target in (
            ('import_session', 'event.event', 'event_id'), ('import_session', 'qualiopi.course', 'course_id'),
            ('import_trainer', 'res.partner', 'trainer_id'),
        ):
            found = left.get(name) and self._import_people(model, left[name])
            if found:
                values[target] = found.id
                left[name] = ''
        user = left.get('import_owner') and self._import_user(left['import_owner'])
        if values.get('is_imported') or 'import_owner' in left:
            # Whoever imports the file does not become the owner of what others did.
            values['user_id'] = user.id if user else False
        if not user:
            kept.append('import_owner')
        if values.get('is_imported') and left.get('state') in (None, '') and left.get('closed_on'):
            left['state'] = 'closed'
            values['state'] = 'closed'
        self._import_note(left, values, ['import_session', 'import_trainer', *kept])
