"""Taking over a former register or action plan from a spreadsheet, on Odoo's own import screen (design, rule 9)."""

import re
import unicodedata
from collections import defaultdict
from datetime import date, datetime
from typing import NamedTuple

from odoo import api, fields, models
from odoo.fields import Command, Domain
from odoo.tools import LazyTranslate, format_date
from odoo.tools.sql import escape_psql

from .qualiopi_list_mixin import QualiopiListMixin

_lt = LazyTranslate(__name__, default_lang='en_US')

# "31", "31, 32", "ind. 31 et 32".
_NUMBERS = r'(ind(icateurs?|icators?|\.)?\s*)?(n[o°]s?\s*)?\d{1,3}([\s,;/&+et-]+\d{1,3})*'


class ImportColumn(NamedTuple):
    """A column of an import template: the field that it fills, its heading, its width in characters."""

    field: str
    heading: object
    width: int


def normal(text):
    """A heading or a value as it is compared: without case, accents, doubled spaces.

    :param str text: what stands in the cell
    :rtype: str
    """
    text = unicodedata.normalize('NFKD', str(text or '').replace('’', "'").casefold())
    text = ''.join(char for char in text if not unicodedata.combining(char))
    return ' '.join(text.split()).rstrip(' *:')


class QualiopiImportMixin(models.AbstractModel):
    """What the registers share that are taken over from a file.

    A column whose name begins with ``import_`` is no field: _import_row() says what becomes of it.
    """

    _name = 'qualiopi.import.mixin'
    _description = "Former Register in a File"

    # Other headings of the same column, by field.
    _import_aliases = {}
    # Words of former registers for values of ours: field, then word, then value.
    _import_words = {}

    @api.model
    def _description_for_import(self):
        """What the register is called in the name of the template's file."""
        return self.env['ir.model']._get(self._name).name

    @api.model
    def _import_columns(self):
        """Columns of the template, in their order.

        :rtype: list[ImportColumn]
        """
        return []

    @api.model
    def _import_examples(self):
        """Example rows of the template: values by field name.

        :rtype: list[dict]
        """
        return []

    @api.model
    def _import_example_name(self, xmlid):
        record = self.env.ref(xmlid, raise_if_not_found=False)
        return record.name if record else ''

    @api.model
    def get_import_templates(self):
        """The spreadsheet to fill in, made in the user's language when it is asked for."""
        return [{
            'label': self.env._("Template for the former register or plan"),
            'template': f'/qualiopi/import_template/{self._name}',
        }]

    @api.model
    def _import_headings(self):
        """Field of each heading that is known, in French, in English and in the user's language.

        :rtype: dict[str, str]
        """
        headings = {}
        for column in self._import_columns():
            names = [column.heading._translate(lang) for lang in ('fr_FR', 'en_US', self.env.lang)]
            for name in (*names, *self._import_aliases.get(column.field, ())):
                headings.setdefault(normal(name), column.field)
        return headings

    @api.model
    def _import_virtual_fields(self):
        """Columns that are no fields, and fields that the screen has read-only, for the import screen.

        :return: name, label and type by name
        :rtype: dict[str, dict]
        """
        found = {}
        labels = {column.field: column.heading for column in self._import_columns()}
        for name in (*labels, *sorted(self._import_fields - labels.keys())):
            field = self._fields.get(name)
            if not field:
                found[name] = {'string': labels[name]._translate(self.env.lang), 'type': 'char'}
            elif field.readonly:
                found[name] = {
                    'string': field._description_string(self.env), 'type': field.type,
                    'relation': field.comodel_name,
                }
        return found

    # === LOADING === #

    @api.model
    def load(self, fields, data):
        """Load the rows of a file; those that were taken over before are left as they are (design, rule 9)."""
        if not self.env.context.get('import_file') or 'qualiopi_import_values' in self.env.context:
            return super().load(fields, data)
        company = self.env.company
        # sudo: the company's time zone
        model = self.with_context(
            # A day of the file is a day of the company.
            tz=company.sudo()._qualiopi_tz(), _import_limit=None, qualiopi_import_people={},
            **({'tracking_disable': True} if 'old_reference' in fields else {}),
        )
        return model._load_file(list(fields), data, self.env.context.get('_import_limit'))

    def _load_file(self, names, data, limit):
        taken = self._import_taken(names, data)
        chosen = data[:limit] if limit else data
        rows, positions, extras, ids, errors = [], [], [], [], []
        reader = self._import_reader(names)
        days = [
            name for name in names if name in self._fields and self._fields[name].type in ('date', 'datetime')
        ]
        first_rows = {}
        for position, cells in enumerate(chosen):
            row = dict(zip(names, cells, strict=True))
            key = self._import_key(row)
            if key in taken:
                ids += taken[key]
                continue
            if key and key[0] == 'number':
                if key in first_rows:
                    errors.append(self._import_error(position, 'old_reference', self.env._(
                        "Row %(row)s: number %(number)s stands in the file twice, first on row %(first)s.",
                        row=position + 2, number=row['old_reference'].strip(), first=first_rows[key] + 2,
                    )))
                first_rows.setdefault(key, position)
            if self._import_flag(row) and not row.get(self._import_day_cell(), True):
                # Today's date would be a lie.
                errors.append(self._import_error(position, self._import_day_cell(), self.env._(
                    "Row %s: the date is missing.", position + 2,
                )))
            values, left = reader(row)
            for name in days:
                try:
                    fields.Datetime.to_datetime(left[name] or None)
                except ValueError:
                    errors.append(self._import_error(position, name, self.env._(
                        "Row %(row)s: \"%(value)s\" is no date. Write it as 31/12/2024.",
                        row=position + 2, value=left[name],
                    )))
                    left[name] = ''
            rows.append(left)
            positions.append(position)
            extras.append(values)
        columns = [name for name in names if name in self._fields or '/' in name or name in ('id', '.id')]
        with self.env.cr.savepoint() as savepoint:
            self._import_prepare(extras)
            result = self.with_context(qualiopi_import_values=extras).load(
                columns, [[left[name] for name in columns] for left in rows],
            )
            for message in result['messages']:
                if 'rows' in message:
                    message['rows'] = {side: positions[row] for side, row in message['rows'].items()}
                if message.get('record') is not None and message.get('record') is not False:
                    message['record'] = positions[message['record']]
            result['messages'] += errors
            if any(message['type'] == 'error' for message in result['messages']):
                result['ids'] = False
                savepoint.rollback()
            else:
                self._import_finish(self.browse(result['ids']), extras)
                result['ids'] += self.browse(ids)._filtered_access('read').ids
        result['nextrow'] = limit if limit and len(data) > limit else 0
        return result

    @staticmethod
    def _import_error(row, field, message):
        return {'type': 'error', 'record': row, 'rows': {'from': row, 'to': row}, 'field': field, 'message': message}

    def _load_records(self, data_list, update=False):
        extras = self.env.context.get('qualiopi_import_values')
        if extras is not None:
            for data in data_list:
                values = data['values']
                known = extras[data['info']['rows']['from']]
                values.update({name: value for name, value in known.items() if name in self._fields})
                for name in [name for name, value in values.items() if value is False]:
                    # An empty cell leaves what must have a value to its default.
                    if self._fields[name].required:
                        del values[name]
        return super()._load_records(data_list, update)

    def _import_prepare(self, extras):
        """Make what the rows refer to and does not exist yet."""

    def _import_finish(self, records, extras):
        """What is done once all rows are recorded."""

    # === TWICE THE SAME FILE === #

    def _import_day_field(self):
        """The field that tells rows without a number apart, besides their words."""
        return self._referential_date_field()

    def _import_key(self, row):
        """What tells one row from another: its number, else its day and its words."""
        number = str(row.get('old_reference') or '').strip()
        if number:
            return 'number', number.casefold()
        if 'old_reference' not in row and not self._import_flag(row):
            return None
        words = self._import_words_of(row.get('name'), row.get('description'))
        day = row.get(self._import_day_cell()) or ''
        return words and ('words', str(day)[:10], words)

    def _import_day_cell(self):
        return self._import_day_field()

    @staticmethod
    def _import_words_of(name, description):
        return normal(name) or normal((description or '').strip().split('\n', 1)[0][:79])

    def _import_taken(self, names, data):
        """Records that stand in the register already: ids by key."""
        if 'old_reference' not in names and 'is_imported' not in names:
            return {}
        domain = Domain('is_imported', '=', True) & Domain('company_id', '=', self.env.company.id)
        day = self._import_day_field()
        taken = defaultdict(list)
        # sudo: a number is taken also where the user may not see whose it is; nothing else is given away
        known = self.sudo().with_context(active_test=False).search_fetch(
            domain, ['old_reference', 'name', day, 'description'], order='id',
        )
        for record in known:
            number = (record.old_reference or '').strip()
            words = self._import_words_of(record.name, record.description)
            key = ('number', number.casefold()) if number else ('words', str(record[day] or ''), words)
            taken[key].append(record.id)
        return taken

    # === ROWS === #

    def _import_flag(self, row):
        """Whether a row is one of the former register; a row with a former number is, unless it says no."""
        said = normal(row.get('is_imported'))
        if said:
            return said not in ('non', 'no', 'faux', 'false', '0', 'n', 'f')
        return bool(str(row.get('old_reference') or '').strip())

    def _import_reader(self, names):
        """A function from a row to the values that are known at once and the cells that Odoo reads.

        Words of short lists and selections are matched in any language of the database, without case
        and accents; names with commas stay whole.
        """
        selections, lists = {}, {}
        langs = {code for code, __ in self.env['res.lang'].get_installed()} | {'en_US'}
        for name in names:
            field = self._fields.get(name)
            if field is None:
                continue
            if field.type == 'selection':
                words = {}
                for lang in langs:
                    for value, label in field._description_selection(self.env(context={'lang': lang})):
                        words[normal(label)] = words[normal(value)] = value
                selections[name] = {**self._import_words.get(name, {}), **words}
            elif field.relational and isinstance(self.env[field.comodel_name], QualiopiListMixin):
                lists[name] = self._import_list(field, langs)
        with_flag = bool({'old_reference', 'is_imported'} & set(names))

        def read(row):
            left = {name: value.strip() if isinstance(value, str) else value for name, value in row.items()}
            values = {}
            for name, words in selections.items():
                value = words.get(normal(left[name])) if left[name] else None
                if value:
                    left[name] = value
            for name, words in lists.items():
                found = self._import_pick(left[name], words, self._fields[name].type == 'many2many')
                if found:
                    left[name] = ''
                    values[name] = found
            if with_flag:
                left['is_imported'] = ''
                values['is_imported'] = self._import_flag(row)
            self._import_indicators(left, values)
            self._import_row(left, values)
            return values, left

        return read

    def _import_list(self, field, langs):
        """Ids of the values of a short list by their names; a name of two values stays undecided."""
        values = self.env[field.comodel_name].search([('company_id', 'in', [self.env.company.id, False])])
        words = {}
        for lang in langs:
            for value in values.with_context(lang=lang):
                words.setdefault(normal(value.name), set()).add(value.id)
        for word, target in self._import_words.get(field.name, {}).items():
            value = self.env.ref(target, raise_if_not_found=False)
            if value and value in values:
                words.setdefault(word, {value.id})
        return {word: next(iter(ids)) for word, ids in words.items() if len(ids) == 1}

    @staticmethod
    def _import_pick(text, words, several):
        """Values of a cell, None unless all of them are known."""
        if not text:
            return None
        whole = words.get(normal(text))
        if not several:
            return whole
        if whole:
            return [Command.set([whole])]
        ids = []
        for part in re.split(r'[;\n|]', text):
            pieces = part.split(',')
            while any(piece.strip() for piece in pieces):
                # The longest name first: some have commas of their own.
                for size in range(len(pieces), 0, -1):
                    found = words.get(normal(','.join(pieces[:size])))
                    if found:
                        ids.append(found)
                        pieces = pieces[size:]
                        break
                else:
                    return None
        return [Command.set(ids)] if ids else None

    def _import_row(self, left, values):
        """Say what becomes of the columns that are no fields.

        :param dict left: cells that Odoo is still to read, by name; may be changed
        :param dict values: values of the new record; may be changed
        """

    def _import_indicators(self, left, values):
        """Indicators by their numbers, as people list them."""
        numbers = left.get('indicator_ids')
        if numbers and re.fullmatch(_NUMBERS, normal(numbers)):
            found = self.env['qualiopi.indicator'].search([
                ('number', 'in', [int(number) for number in re.findall(r'\d+', numbers)]),
            ])
            if len(found) == len(set(re.findall(r'\d+', numbers))):
                left['indicator_ids'] = ''
                values['indicator_ids'] = [Command.set(found.ids)]

    def _import_note(self, left, values, names):
        """Keep columns without a field of their own as lines of the description, so that nothing is lost."""
        labels = {column.field: column.heading for column in self._import_columns()}
        lines = []
        for name in names:
            text = left.get(name)
            if text:
                if isinstance(text, date):
                    text = format_date(self.env, text)
                lines.append(self.env._(
                    "%(heading)s: %(text)s", heading=labels[name]._translate(self.env.lang), text=text,
                ))
        if lines:
            values['description'] = '\n'.join(filter(None, [left.get('description'), *lines]))

    def _import_user(self, text):
        """The person of the company with this name, login or address; nobody unless there is one only."""
        users = self._import_people('res.users', text)
        return users.filtered(lambda user: not user.share and self._has_role(user))

    def _import_people(self, model, text):
        """The one record of ``model`` with exactly this name, or an empty one."""
        key = (model, normal(text))
        known = self.env.context['qualiopi_import_people']
        if key not in known:
            records = self.env[model]
            names = {'res.users': ('name', 'login', 'email')}.get(model, ('name',))
            company = 'company_ids' if model == 'res.users' else 'company_id'
            companies = [self.env.company.id] if model == 'res.users' else [self.env.company.id, False]
            found = records.search(
                Domain(company, 'in', companies)
                & Domain.OR(Domain(name, '=ilike', escape_psql(text)) for name in names), limit=2,
            ) if text else records
            known[key] = found.id if len(found) == 1 else False
        return self.env[model].browse(known[key])


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


class QualiopiImprovementAction(models.Model):
    _name = 'qualiopi.improvement.action'
    _inherit = ['qualiopi.improvement.action', 'qualiopi.import.mixin']

    # Other headings of the same thing in former registers (domain.md, section 6), and in our own spreadsheets.
    _import_aliases = {
        'old_reference': ('Numéro', 'No', 'Ref', 'Réf.', 'Former number'),
        'referential_date': ('Ouverte le', 'Opened on'),
        'import_finding': ('Constats', 'Écart constaté'),
        'indicator_ids': ('Indicateur(s)',),
        'import_cause': ('Causes', 'Cause'),
        'action_type': ('Type',),
        'name': ('Actions décidées', 'Mesures prévues'),
        'import_owner': ('Responsable', 'Responsables', 'Pilote', 'Owner'),
        'means': ('Ressources',),
        'date_due': ('Échéances',),
        'progress': ('Avancement', 'Avancement (%)', 'Progress %'),
        'done_on': ('Réalisé le',),
        'import_evidence': ('Preuves', 'Preuve attendue', 'Evidence'),
        'success_criterion': ('Critère de réussite', 'Résultats visés', 'Indicateurs de succès', 'Success criterion'),
        'stage_id': ("État d'avancement", 'État'),
    }
    _import_words = {
        'stage_id': {
            'a faire': 'qualiopi.stage_plan', 'planifie': 'qualiopi.stage_plan', 'planifiee': 'qualiopi.stage_plan',
            'non demarree': 'qualiopi.stage_plan', 'en cours': 'qualiopi.stage_do',
            'realisee': 'qualiopi.stage_check', 'realise': 'qualiopi.stage_check', 'faite': 'qualiopi.stage_check',
            'fait': 'qualiopi.stage_check', 'cloturee': 'qualiopi.stage_done', 'cloture': 'qualiopi.stage_done',
            'clos': 'qualiopi.stage_done', 'terminee': 'qualiopi.stage_done', 'termine': 'qualiopi.stage_done',
            'soldee': 'qualiopi.stage_done', 'abandonnee': 'qualiopi.stage_cancelled',
            'annulee': 'qualiopi.stage_cancelled',
        },
        'priority': {
            'basse': '0', 'faible': '0', 'normale': '0', 'moyenne': '1', 'haute': '2', 'elevee': '2', 'forte': '2',
            'critique': '3',
        },
        'action_type': {'correctif': 'corrective', 'preventif': 'preventive', "action d'amelioration": 'improvement',
                        'action corrective': 'corrective', 'action preventive': 'preventive'},
    }

    @api.model
    def _description_for_import(self):
        return self.env._("former action plan")

    @api.model
    def _import_columns(self):
        return [
            ImportColumn('old_reference', _lt("No."), 12),
            ImportColumn('referential_date', _lt("Date"), 14),
            ImportColumn('import_source', _lt("Origin"), 26),
            ImportColumn('import_source_reference', _lt("Source reference"), 18),
            ImportColumn('import_finding', _lt("Finding"), 40),
            ImportColumn('indicator_ids', _lt("Indicator"), 12),
            ImportColumn('import_cause', _lt("Root cause"), 30),
            ImportColumn('action_type', _lt("Type of action"), 16),
            ImportColumn('name', _lt("Action"), 40),
            ImportColumn('priority', _lt("Priority"), 12),
            ImportColumn('import_owner', _lt("Owner (lead)"), 20),
            ImportColumn('means', _lt("Means"), 24),
            ImportColumn('date_due', _lt("Due on"), 14),
            ImportColumn('progress', _lt("Progress in %"), 12),
            ImportColumn('done_on', _lt("Carried out on"), 14),
            ImportColumn('import_evidence', _lt("Piece(s) of evidence"), 28),
            ImportColumn('success_criterion', _lt("Criterion of effectiveness"), 34),
            ImportColumn('value_before', _lt("Value before"), 12),
            ImportColumn('value_target', _lt("Target value"), 12),
            ImportColumn('import_value_after', _lt("Value after"), 12),
            ImportColumn('import_verifier', _lt("Verified by"), 18),
            ImportColumn('import_verified_on', _lt("Verified on"), 14),
            ImportColumn('import_verdict', _lt("Effectiveness"), 16),
            ImportColumn('stage_id', _lt("Status"), 20),
            ImportColumn('import_communication', _lt("Communication"), 26),
            ImportColumn('is_imported', _lt("Taken over from the former register"), 16),
        ]

    @api.model
    def _import_examples(self):
        name = self._import_example_name
        return [{
            'old_reference': "A-2024-01", 'referential_date': date(2024, 3, 11),
            'import_source': name('qualiopi.source_complaint'),
            'import_source_reference': "2024-01",
            'import_finding': self.env._("Rooms are booked without the number of learners"),
            'indicator_ids': "32", 'import_cause': self.env._("The booking form does not ask for it"),
            'action_type': 'corrective', 'name': self.env._("Ask for the number of learners in the booking form"),
            'priority': '1', 'means': self.env._("Half a day"), 'date_due': date(2024, 4, 30), 'progress': 100,
            'done_on': date(2024, 4, 22), 'import_evidence': self.env._("Booking form, version of April 2024"),
            'success_criterion': self.env._("No more session in a room that is too small"),
            'value_before': 3, 'value_target': 0, 'import_value_after': 0,
            'import_verified_on': date(2024, 9, 16), 'import_verdict': self.env._("Effective"),
            'stage_id': name('qualiopi.stage_done'), 'is_imported': self.env._("Yes"),
        }, {
            'old_reference': "A-2025-01", 'referential_date': date(2025, 2, 17),
            'import_finding': self.env._("Certificates leave too late"), 'indicator_ids': "32",
            'action_type': 'preventive', 'name': self.env._("Prepare the certificates before the last day"),
            'priority': '0', 'date_due': date(2025, 6, 30), 'progress': 50,
            'success_criterion': self.env._("All certificates within a week"),
            'stage_id': name('qualiopi.stage_do'), 'is_imported': self.env._("Yes"),
        }]

    def _import_key(self, row):
        # The action is its name; the finding stands in a column of its own.
        return super()._import_key({**row, 'description': None})

    @staticmethod
    def _import_words_of(name, description):
        return normal(name)

    def _import_row(self, left, values):
        user = left.get('import_owner') and self._import_user(left['import_owner'])
        if values.get('is_imported') or 'import_owner' in left:
            values['user_id'] = user.id if user else False
        for name in ('import_source', 'import_source_reference', 'import_finding', 'import_cause'):
            if left.get(name):
                values[name] = left[name]
        if isinstance(left.get('progress'), str):
            left['progress'] = left['progress'].replace('%', '').strip()
        values['import_day'] = left.get('referential_date')
        self._import_note(left, values, [
            *(() if user else ('import_owner',)),
            *(('import_source', 'import_source_reference', 'import_cause') if not left.get('import_finding') else ()),
            'import_evidence', 'import_value_after', 'import_verifier', 'import_verified_on', 'import_verdict',
            'import_communication',
        ])

    def _import_prepare(self, extras):
        """The findings of the former plan: one a text, with where it came from and its cause."""
        wanted = {}
        for values in extras:
            text = values.get('import_finding')
            if text and values.get('is_imported'):
                wanted.setdefault(normal(text), values)
        if not wanted:
            return
        findings = self.env['qualiopi.finding'].search([
            ('is_imported', '=', True), ('company_id', '=', self.env.company.id), ('name', '!=', False),
            ('state', 'not in', ('closed', 'no_action', 'cancelled')),
        ])
        known = {normal(finding.description or finding.name): finding.id for finding in findings}
        sources = self._import_list(
            self.env['qualiopi.finding']._fields['source_id'],
            {code for code, __ in self.env['res.lang'].get_installed()},
        )
        missing = {key: values for key, values in wanted.items() if key not in known}
        made = self.env['qualiopi.finding'].create([
            self._import_finding_values(values, sources) for values in missing.values()
        ])
        known.update(zip(missing, made.ids, strict=True))
        for values in extras:
            if values.get('import_finding') and values.get('is_imported'):
                values['finding_ids'] = [Command.set([known[normal(values['import_finding'])]])]

    def _import_finding_values(self, values, sources):
        source = values.get('import_source')
        source_id = sources.get(normal(source))
        lines = [values['import_finding']]
        if source and not source_id:
            lines.append(self.env._("Origin: %s", source))
        try:
            day = fields.Date.to_date(values.get('import_day'))
        except ValueError:
            # The row gets its own message for that.
            day = None
        return {
            'name': values['import_finding'].split('\n', 1)[0][:120],
            'description': '\n'.join(lines),
            'date': day or fields.Date.context_today(self),
            'is_imported': True,
            'old_reference': values.get('import_source_reference'),
            'source_id': source_id,
            'analysis': values.get('import_cause'),
            'user_id': False,
        }

    def _import_finish(self, records, extras):
        """A finding all of whose actions ended in the former plan ended with them."""
        for finding in records.finding_ids.filtered(lambda finding: finding.is_imported and not finding.closed_on):
            actions = finding.action_ids
            if actions and all(action.phase in ('done', 'cancelled') for action in actions):
                last = max(action.done_on or action.referential_date for action in actions)
                finding._as_server().write({'closed_on': datetime.combine(last, datetime.min.time()).replace(hour=12)})
