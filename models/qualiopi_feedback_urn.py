"""The urn of anonymous answers: mixed while the campaign runs, opened at its end."""

import random
import uuid

from odoo import SUPERUSER_ID, fields, models
from odoo.tools import SQL

# What a ballot does not keep when it leaves the urn, with what it holds instead.
_BLANKED = {
    'lang_id': None, 'last_displayed_page_id': None, 'start_datetime': None, 'end_datetime': None, 'deadline': None,
    'is_paper': False, 'survey_first_submitted': False,
}


class QualiopiFeedbackCampaign(models.Model):
    _inherit = 'qualiopi.feedback.campaign'

    def _level_marks(self):
        """Write all invitations of anonymous campaigns anew in random order, so that nothing in the table
        (transaction, place of the row) tells which of them was marked together with, or before, another."""
        self.env['qualiopi.feedback.invite'].flush_model()
        for campaign in self.filtered('is_anonymous'):
            # An update would leave the rows in the order in which they were marked.
            self.env.cr.execute(SQL(
                """WITH gone AS (DELETE FROM qualiopi_feedback_invite WHERE campaign_id = %s RETURNING *)
                   INSERT INTO qualiopi_feedback_invite SELECT * FROM gone ORDER BY random()""", campaign.id))

    def _seal_answers(self):
        """Open the urn: the answers get new numbers, new keys and one date, in random order, and are shown if there
        are enough of them. What was begun and not finished is destroyed: nobody can finish it."""
        for campaign in self:
            self.env.flush_all()
            self.env.cr.execute(SQL(
                "SELECT id, state, is_paper, is_counted FROM survey_user_input"
                " WHERE campaign_id = %s AND is_anonymous AND test_entry IS NOT TRUE", campaign.id,
            ))
            rows = self.env.cr.fetchall()
            done = [row for row in rows if row[1] == 'done']
            partial = [row[0] for row in rows if row[1] != 'done']
            if partial:
                self.env.cr.execute(SQL("DELETE FROM survey_user_input WHERE id IN %s", tuple(partial)))
            if done:
                self._reissue([row[0] for row in done], campaign._today(), _BLANKED)
            campaign._as_server().write({
                'is_sealed': True,
                'is_released': campaign.state == 'done' and campaign._is_enough([row[2] for row in done if row[3]]),
                'partial_count': campaign.partial_count + len(partial),
                'sealed_paper_count': campaign.sealed_paper_count + sum(1 for row in done if row[2]),
            })
            campaign._level_marks()
        self.env.invalidate_all()

    def _is_enough(self, papers):
        """Whether so many answers may be shown. Who typed in those on paper knows them, and could take them off:
        those that came without a hand of ours are enough by themselves, or there are none of them.

        :param list papers: whether it came on paper, an answer each
        :rtype: bool
        """
        self.ensure_one()
        by_themselves = papers.count(False)
        return len(papers) >= self.threshold and (not by_themselves or by_themselves >= self.threshold)

    def _shuffle_answers(self):
        """Mix the complete answers of campaigns that still run: until the urn is opened, their order would tell
        who answered before and after a reminder."""
        for campaign in self.filtered('is_anonymous'):
            self.env.flush_all()
            self.env.cr.execute(SQL(
                "SELECT id FROM survey_user_input"
                " WHERE campaign_id = %s AND is_anonymous AND state = 'done' AND test_entry IS NOT TRUE", campaign.id,
            ))
            done = [number for [number] in self.env.cr.fetchall()]
            if done:
                # Whether it came on paper is needed until the end.
                blanked = {name: value for name, value in _BLANKED.items() if name != 'is_paper'}
                self._reissue(done, campaign._today(), blanked)
            campaign._level_marks()

    def _reissue(self, ids, day, blanked):
        """Replace answers by copies in random order; see ``_seal_answers``. All rows are new: a row that is only
        changed would keep its place among the others.

        :param list ids: answers
        :param date day: the one date that all bear
        :param dict blanked: values that are not kept
        """
        cr = self.env.cr
        Answer, Line = self.env['survey.user_input'], self.env['survey.user_input.line']
        shuffler = random.SystemRandom()

        def numbers(table, count):
            cr.execute(SQL(
                "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)", table, count))
            return sorted(number for [number] in cr.fetchall())

        old = list(ids)
        shuffler.shuffle(old)
        new = numbers('survey_user_input', len(old))
        midnight = fields.Datetime.to_datetime(day)
        held = {
            **blanked, 'answered_on': day, 'create_date': midnight, 'write_date': midnight,
            'create_uid': SUPERUSER_ID, 'write_uid': SUPERUSER_ID,
        }
        self._insert_copies(
            Answer, held, {'id': SQL("m.new_id"), 'access_token': SQL("m.token")}, SQL(
                """unnest(%s, %s, %s) AS m(old_id, new_id, token)
                   JOIN survey_user_input old ON old.id = m.old_id ORDER BY m.new_id""",
                old, new, [str(uuid.UUID(int=shuffler.getrandbits(128), version=4)) for __ in old],
            ))
        cr.execute(SQL(
            """SELECT l.id FROM survey_user_input_line l
                 JOIN unnest(%s, %s) AS m(old_id, new_id) ON m.old_id = l.user_input_id
             ORDER BY m.new_id, l.question_sequence, l.id""", old, new))
        lines = [line for [line] in cr.fetchall()]
        authored = {name: held[name] for name in ('create_date', 'write_date', 'create_uid', 'write_uid')}
        self._insert_copies(
            Line, authored, {'id': SQL("n.new_line"), 'user_input_id': SQL("m.new_id")}, SQL(
                """unnest(%s::int[], %s::int[]) AS n(old_line, new_line)
                   JOIN survey_user_input_line old ON old.id = n.old_line
                   JOIN unnest(%s, %s) AS m(old_id, new_id) ON m.old_id = old.user_input_id ORDER BY n.new_line""",
                lines, numbers('survey_user_input_line', len(lines)), old, new,
            ))
        asked = Answer._fields['predefined_question_ids']
        cr.execute(SQL(
            """INSERT INTO %(table)s (%(answer)s, %(question)s)
               SELECT m.new_id, r.%(question)s
                 FROM unnest(%(old)s, %(new)s) AS m(old_id, new_id) JOIN %(table)s r ON r.%(answer)s = m.old_id
             ORDER BY m.new_id, r.%(question)s""",
            table=SQL.identifier(asked.relation), answer=SQL.identifier(asked.column1),
            question=SQL.identifier(asked.column2), old=old, new=new,
        ))
        # What Odoo keeps beside a record of its id: there should be nothing, and nothing stays.
        for model in ('mail.message', 'mail.activity', 'mail.followers', 'ir.attachment'):
            if model in self.env:
                # sudo: they belong to rows that exist no more
                self.env[model].sudo().with_context(active_test=False).search([
                    ('res_model' if model != 'mail.message' else 'model', '=', Answer._name), ('res_id', 'in', old),
                ]).unlink()
        cr.execute(SQL("DELETE FROM survey_user_input WHERE id IN %s", tuple(old)))
        Line.invalidate_model(flush=False)
        Answer.invalidate_model(flush=False)

    def _insert_copies(self, model, held, own, source):
        """Insert copies of rows.

        :param model: of which the rows are
        :param dict held: by field, the value that all copies bear
        :param dict own: by field, where ``source`` has the value of each copy
        :param SQL source: joined with the rows under the name of ``old``, in the order of the copies
        """
        kept = [
            name for name, field in model._fields.items()
            if field.store and field.column_type and name not in held and name not in own
        ]
        self.env.cr.execute(SQL(
            "INSERT INTO %s (%s) SELECT %s FROM %s",
            SQL.identifier(model._table),
            SQL(', ').join(map(SQL.identifier, (*own, *held, *kept))),
            SQL(', ').join((
                *own.values(),
                *(SQL("CAST(%s AS %s)", value, SQL.identifier(model._fields[name].column_type[0]))
                  for name, value in held.items()),
                *(SQL.identifier('old', name) for name in kept),
            )),
            source,
        ))
