from datetime import datetime, time
from typing import NamedTuple

import pytz
from dateutil.relativedelta import relativedelta

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

from .qualiopi_report import PDF_ROWS


class Part(NamedTuple):
    """Rows of one document that is printed in several PDFs. No remote caller can send one."""

    document: dict
    first: int
    last: int
    lead: str


class QualiopiReportList(models.AbstractModel):
    _name = 'qualiopi.report.list'
    _description = "What Printed Lists Share"
    _inherit = ['qualiopi.report']

    # Set by each list: its model, and the width of each column of its spreadsheet.
    _list_model = None
    _widths = {}

    def _get_report_values(self, docids, data=None):
        """Values of the template: one document a company.

        :param docids: ids chosen by the user, or nothing for a period
        :param dict data: ``date_from``, ``date_to``, ``company_id`` of the period
        :raise AccessError: when the user may not read a chosen record
        """
        part = (data or {}).get('part')
        if isinstance(part, Part):
            documents = [self._part(part)]
        else:
            documents = [self._document(selection) for selection in self._selections(docids, data or {})]
            for document in documents:
                rows = sum(len(section['rows']) for section in document['sections'])
                document['left_out'] = max(0, rows - PDF_ROWS)
                self._cut_sections(document['sections'], 0, PDF_ROWS)
        return {
            'doc_ids': docids,
            'doc_model': self._list_model,
            'docs': self.env[self._list_model].browse(docids or ()),
            'documents': documents,
            'report_title': documents[0]['sheet']['title'],
        }

    @staticmethod
    def _cut_sections(sections, first, last):
        """The rows of each section that are printed, counted through all sections."""
        before = 0
        for section in sections:
            section['printed'] = section['rows'][max(0, first - before):max(0, last - before)]
            before += len(section['rows'])

    def _part(self, part):
        document = {
            **part.document, 'left_out': 0, 'sections': [dict(section) for section in part.document['sections']],
            'sheet': {**part.document['sheet'], 'lead': part.lead},
        }
        self._cut_sections(document['sections'], part.first, part.last)
        return document

    # === WHAT IS PRINTED === #

    def _selections(self, docids, data):
        """What the user asked for, a period or chosen records, per company.

        :return: dicts with ``company``, ``records`` (readable), ``hidden`` (confidential records of the
            same domain, in superuser mode: for counts and references only), ``first``, ``last``,
            ``is_period``
        :rtype: list[dict]
        """
        Model = self.env[self._list_model]
        Model.check_access('read')
        if docids:
            records = Model.browse(docids).exists()
            records.check_access('read')
            if not records:
                raise UserError(self.env._("These records no longer exist."))
            return [
                self._selection(company, Domain('id', 'in', own.ids), *self._span(own), False)
                for company, own in self._by_company(records)
            ]
        first, last = self._to_date(data.get('date_from')), self._to_date(data.get('date_to'))
        if not first or not last:
            today = fields.Date.context_today(self)
            first, last = today + relativedelta(day=1, month=1), today + relativedelta(day=31, month=12)
        if first > last:
            raise UserError(self.env._("The period ends before it begins."))
        company = self.env['res.company'].browse(int(data.get('company_id') or self.env.company.id))
        if company not in self.env.user.company_ids:
            raise UserError(self.env._("You have no access to this company."))
        domain = Domain('company_id', '=', company.id) & self._period_domain(company, first, last)
        return [self._selection(company, domain, first, last, True)]

    def _selection(self, company, domain, first, last, is_period):
        Model = self.env[self._list_model].with_context(active_test=False)
        if company not in self.env.companies:
            Model = Model.with_context(
                allowed_company_ids=[*self.env.context.get('allowed_company_ids', ()), company.id],
            )
        restricted = Domain('is_confidential', '=', True)
        # sudo: what is hidden is only counted, or printed as "restricted access" with its reference.
        hidden = Model.sudo().search(domain & restricted, order=self._list_order)
        return {
            'company': company,
            'records': Model.search(domain & ~restricted, order=self._list_order),
            'hidden': hidden,
            'first': first,
            'last': last,
            'is_period': is_period,
        }

    def _span(self, records):
        """First and last day of chosen records."""
        days = [day for day in map(self._own_day, records) if day]
        today = fields.Date.context_today(self)
        return (min(days), max(days)) if days else (today, today)

    def _is_whole(self):
        """Whether the user sees the whole register, so that counts and numbering may be stated."""
        return self.env.su or any(
            self.env.user.has_group(f'qualiopi.group_{role}') for role in ('officer', 'auditor')
        )

    @staticmethod
    def _utc(day, tz):
        """The instant when a day begins in a time zone, naive UTC as the database has it."""
        begin = pytz.timezone(tz).localize(datetime.combine(day, time.min))
        return begin.astimezone(pytz.utc).replace(tzinfo=None)

    def _lead(self, selection):
        if selection['is_period']:
            return self._period_text(selection['first'], selection['last'])
        count = len(selection['records']) + len(selection['hidden'])
        return self.env._("Selection of %s records, chosen by hand", count)

    # === WHAT ALL LISTS SAY === #

    def _list_values(self, selection, title, heading, kicker):
        """What the template of every list needs: ``sheet``, ``is_whole``, ``reader``."""
        lead = self._lead(selection)
        return {
            'sheet': self._sheet(
                selection['company'], title, heading, kicker=kicker, lead=lead, period=lead,
                dates=(selection['first'], selection['last']),
            ),
            'is_whole': self._is_whole(),
            'reader': self.env.user.name,
        }

    def _restricted_row(self, record):
        return {'record': None, 'reference': record.reference, 'remark': self.env._("Restricted access")}

    @staticmethod
    def _evidence_names(record, evidence):
        """Names of a record's evidence, as far as it is among the readable ``evidence``."""
        return ' ; '.join(piece.name or '' for piece in record.evidence_ids & evidence)

    def _remark(self, record, *parts):
        """The last column: where the record was taken over from, then ``parts`` that say something."""
        taken_over = record.is_imported and self.env._(
            "Taken over from the former register (no. %s)", record.old_reference or '–',
        )
        return '. '.join(filter(None, [taken_over, *parts]))

    # === WHAT EACH LIST SAYS === #

    _list_order = 'id'

    def _period_domain(self, company, first, last):
        raise NotImplementedError

    def _own_day(self, record):
        raise NotImplementedError

    def _document(self, selection):
        """The document of one company: ``sheet``, ``sections`` (each with ``title`` and ``rows``), and
        what the template needs besides."""
        raise NotImplementedError

    def _columns(self):
        """Columns of the spreadsheet: (key of a row, heading, width in characters)."""
        headings = self._headings()
        return [(key, headings[key], width) for key, width in self._widths.items()]

    def _headings(self):
        """Headings of the spreadsheet's columns, by key."""
        raise NotImplementedError
