from datetime import date, datetime

import pytz

from odoo import fields, models
from odoo.tools.misc import format_date, format_datetime, formatLang

# wkhtmltopdf's time grows faster than the rows of one table: long tables are cut.
TABLE_ROWS = 500
# Beyond this many rows the PDF says how many stand in the spreadsheet.
PDF_ROWS = 5000

STATE_TONES = {
    'received': 'grey', 'acknowledged': 'blue', 'analysis': 'violet', 'treatment': 'amber',
    'answered': 'teal', 'closed': 'green', 'cancelled': 'grey',
    'new': 'grey', 'analysed': 'violet', 'action': 'amber', 'no_action': 'green',
    'draft': 'grey', 'plan': 'blue', 'do': 'amber', 'check': 'teal', 'done': 'green',
    'planned': 'blue', 'effective': 'green', 'partly': 'amber', 'not': 'red',
    'yes': 'green', 'no': 'red', 'no_answer': 'grey',
    'strength': 'green', 'weak_point': 'amber', 'minor_gap': 'amber', 'major_gap': 'red',
    'opportunity': 'blue', 'risk': 'violet',
    'complaint': 'blue', 'difficulty': 'amber', 'unforeseen': 'violet', 'safeguarding': 'red',
    'corrective': 'red', 'preventive': 'violet', 'improvement': 'teal',
    'open': 'amber',
    'minor': 'grey', 'major': 'amber', 'critical': 'red',
}


class QualiopiReport(models.AbstractModel):
    _name = 'qualiopi.report'
    _description = "What Printed Documents Share"

    # === SHEETS OF SINGLE RECORDS === #

    def _sheet_values(self, model, docids):
        """Values of a template that prints one sheet a record, by `_document`; the print is noted.

        :raise AccessError: when the user may not read one of the records
        """
        records = self.env[model].browse(docids).exists()
        records.check_access('read')
        records._note_access('print')
        return {
            'doc_ids': docids,
            'doc_model': model,
            'docs': records,
            'documents': [self._document(record) for record in records],
            'report_title': ', '.join(records.mapped('reference')),
        }

    # === PAGE === #

    def _sheet(self, company, title, heading, **values):
        """What `qualiopi.report_article` prints around the content of one document.

        :param company: res.company whose name, SIRET and activity number stand on each page
        :param str title: kind of document, in the running head
        :param str heading: the title on the first page
        :param values: ``kicker``, ``lead``, ``reference``, ``chips`` ((tone, text) pairs), ``period``
            (text), ``dates`` (first and last day, for the referential in force; today by default)
        :rtype: dict
        """
        # sudo: name, numbers and logo of the company stand on each of its papers
        company = company.sudo()
        first, last = values.pop('dates', None) or (fields.Date.context_today(self),) * 2
        has_logo = company.logo and not company.uses_default_logo
        return {
            'title': title,
            'heading': heading,
            'kicker': None, 'lead': None, 'reference': None, 'chips': [], 'period': None,
            'file_period': f'{first}_{last}' if first != last else f'{first}',
            'company_name': company.name,
            'siret': company.company_registry,
            'nda': company.qualiopi_nda,
            'logo': company.logo_web if has_logo else None,
            'referential': self._referential_text(first, last),
            'printed': self._printed_text(company),
            **values,
        }

    def _referential_text(self, first, last):
        """Each version in force between two days, with its decree and guide (rule 7 of the design)."""
        # sudo: texts of the law, the same for everybody
        Referential = self.env['qualiopi.referential'].sudo()
        periods = sorted(
            (begin, number) for begin, end, number in Referential._periods()
            if begin <= last and (end is None or end >= first)
        )
        texts = []
        for referential in Referential.browse(number for __, number in periods):
            parts = [referential.name, referential.decree, referential.guide]
            if referential.is_provisional:
                parts.append(self.env._("provisional"))
            texts.append(', '.join(filter(None, parts)))
        return ' · '.join(texts) or self.env._("none in force")

    def _printed_text(self, company):
        tz = company._qualiopi_tz()
        return self.env._(
            "Printed on %(moment)s (%(tz)s) by %(user)s",
            moment=self._formats(company)['dt'](fields.Datetime.now()), tz=tz,
            user=self.env.user.name,
        )

    def _period_text(self, first, last):
        day = self._formats(self.env.company)['d']
        if first == last:
            return self.env._("On %s", day(first))
        return self.env._("From %(first)s to %(last)s", first=day(first), last=day(last))

    # === FORMATS === #

    def _formats(self, company):
        """Functions that templates call: ``day`` (the company's day of a moment),
        ``d`` (day as text), ``dt`` (day and time in the company's time zone),
        ``num``, ``label`` (label of a selection), ``tone`` (colour of a chip), ``clip``, ``cuts``.

        :rtype: dict
        """
        tz = company._qualiopi_tz()
        zone = pytz.timezone(tz)
        days, labels = {}, {}

        def day(moment):
            return pytz.utc.localize(moment).astimezone(zone).date() if moment else None

        def d(value):
            if not value:
                return ''
            if isinstance(value, datetime):
                value = day(value)
            if value not in days:
                days[value] = format_date(self.env, value)
            return days[value]

        def dt(value):
            if not value:
                return ''
            time = format_datetime(self.env, value, tz=tz, dt_format='HH:mm')
            return f'{d(value)} {time}'

        def num(value, digits=2):
            text = formatLang(self.env, value or 0, digits=digits)
            if digits:
                sample = formatLang(self.env, 0, digits=1)[1]
                text = text.rstrip('0').rstrip(sample)
            return text

        def label(record, name):
            field = record._fields[name]
            key = (record._name, name)
            if key not in labels:
                labels[key] = dict(field._description_selection(self.env))
            return labels[key].get(record[name]) or ''

        return {
            'day': day, 'd': d, 'dt': dt, 'num': num, 'label': label,
            'tone': lambda value: STATE_TONES.get(value, 'grey'),
            'clip': self._clip, 'cuts': self._cuts,
        }

    @staticmethod
    def _clip(text, size=280):
        """A long text, shortened for a cell of a printed table; the spreadsheet has it whole."""
        text = text or ''
        return text if len(text) <= size else f'{text[:size - 1].rstrip()}…'

    @staticmethod
    def _cuts(rows):
        """Rows, in tables of 500."""
        return [rows[start:start + TABLE_ROWS] for start in range(0, len(rows), TABLE_ROWS)]

    @staticmethod
    def _pairs(facts):
        """(label, value) facts with a value, two a line, for `qualiopi.report_facts`."""
        facts = [fact for fact in facts if fact[1] not in (None, False, '')]
        return [facts[start:start + 2] for start in range(0, len(facts), 2)]

    # === PIECES === #

    def _names(self, records):
        """Names of what a printed record links to: who may read the record may read them on paper."""
        # sudo: names alone, of what a record that the user may read links to
        return ', '.join(record.display_name or '' for record in records.sudo())

    def _evidence(self, records, company, origin=False):
        """Rows for `qualiopi.report_evidence`.

        :param records: qualiopi.evidence records that the user may read
        :param bool origin: whether to say which record each piece belongs to
        """
        formats = self._formats(company)
        rows = []
        for piece in records:
            if piece.type == 'file':
                size = formatLang(self.env, -(-(piece.size or 0) // 1024), digits=0)
                content = self.env._(
                    "%(name)s (%(size)s kB)", name=piece.file_name or piece.name, size=size,
                )
            else:
                content = piece.url if piece.type == 'link' else piece.statement
            owner = piece.action_id or piece.check_id.action_id or piece.complaint_id or piece.finding_id
            rows.append({
                'name': piece.name,
                'kind': formats['label'](piece, 'kind'),
                'date': formats['d'](piece.date),
                'user': self._names(piece.user_id),
                'content': content,
                'sha256': piece.sha256 if piece.type == 'file' else None,
                'origin': owner.reference if origin else None,
            })
        return rows

    def _causes(self, record):
        """Causes and analysis of an entry or finding, as facts for a template."""
        whys = [record[f'why_{rank}'] for rank in range(1, 6)]
        return {
            'record': record,
            'causes': self._names(record.cause_ids),
            'whys': [why for why in whys if why],
            'similar': self._formats(record.company_id)['label'](record, 'similar_cases')
            if record.similar_cases != 'unknown' else '',
            'similar_details': record.similar_details,
            'impact': record.impact,
            'analysis': record.analysis,
        }

    @staticmethod
    def _linked(records, name):
        """Linked records that the user may read. The cache of a link holds whatever was read first,
        by the program too: reading the field alone would print what the user may not see.
        """
        return records[name]._filtered_access('read')

    @staticmethod
    def _preload(records, *paths):
        """Read what the rows will ask for, in one query a field whatever their number."""
        for path in paths:
            records.mapped(path)

    def _hidden(self, record, name, inverse):
        """How many linked records the user may not see: they print as restricted.

        :param str inverse: the field of the linked model towards this one
        """
        return self._hidden_counts(record, name, inverse)[record]

    def _hidden_counts(self, records, name, inverse):
        """`_hidden` of several records, in one query.

        :rtype: dict
        """
        # sudo: only the number is printed.
        linked = self.env[records._fields[name].comodel_name].sudo().with_context(active_test=False)
        counts = {
            owner.id: count for owner, count in linked._read_group(
                [(inverse, 'in', records.ids)], [inverse], ['__count'])
        }
        readable = self._linked(records, name)
        return {record: counts.get(record.id, 0) - len(record[name] & readable) for record in records}

    def _by_company(self, records):
        """(company, records) pairs: one document a company."""
        return [(company, records.filtered(lambda r, c=company: r.company_id == c))
                # sudo: only sorts readable records by company
                for company in records.sudo().company_id]

    def _to_date(self, value):
        """A day out of a request, None when it is none."""
        if isinstance(value, date):
            return value
        try:
            return fields.Date.to_date(value) or None
        except (TypeError, ValueError):
            return None
