"""The former action plan, as it is taken over: its actions, and the findings that they answer (design, rule 9)."""

from datetime import date, datetime

from odoo import api, fields, models
from odoo.fields import Command
from odoo.tools import LazyTranslate

from .qualiopi_import import ImportColumn, normal

_lt = LazyTranslate(__name__, default_lang='en_US')


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
