from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tools import SQL

from .common import TODAY
from .test_answers import AnswerCase


@tagged('post_install', '-at_install')
@freeze_time(TODAY)
class TestAnonymity(AnswerCase):
    """Attempts to find out who gave which answer, by everything that the database holds."""

    def urn(self, count=5, learners=6, end=True, order=None, **values):
        """An anonymous campaign whose first ``count`` learners answered, in the order of their names or in
        ``order``."""
        campaign = self.make_campaign(learners=learners, is_anonymous=True, **values)
        for number in order or range(1, count + 1):
            self.ballot(campaign, number)
        if end:
            campaign.action_done()
        return campaign

    def ballot(self, campaign, number):
        """The whole answer of the learner of this number."""
        answer = self.invites(campaign)[number - 1]._open_answer()
        answer._save_lines(self.content, str(1 + number % 5))
        answer._save_lines(self.free, f"Comment of {number}")
        answer._mark_done()
        self.env.flush_all()
        return answer

    def rows(self, query, *arguments):
        self.env.flush_all()
        self.env.cr.execute(SQL(query, *arguments))
        return self.env.cr.fetchall()

    def answers_as(self, campaign, user):
        return self.model_as('survey.user_input', user).search([('campaign_id', '=', campaign.id)])

    # === NOTHING BEFORE THE END, NOTHING BELOW THE THRESHOLD === #

    def test_nothing_is_read_while_it_runs(self):
        campaign = self.urn(5, end=False)
        figures = campaign._figures()
        self.assertEqual((figures['n'], figures['satisfaction'], figures['lowest'], figures['is_hidden']),
                         (5, None, None, True))
        self.assertIn("when the campaign has ended", figures['reason'])
        self.assertEqual(campaign.satisfaction_text, "Hidden")
        for user in (self.officer, self.manager):
            self.assertFalse(self.answers_as(campaign, user))
            self.assertFalse(self.model_as('survey.user_input.line', user).search([('campaign_id', '=', campaign.id)]))
        campaign.action_done()
        self.assertEqual(len(self.answers_as(campaign, self.officer)), 5)
        # Values 2, 3, 4, 5, 1 of 1–5: 25, 50, 75, 100, 0.
        self.assertEqual(campaign._figures()['satisfaction'], 50)

    def test_nothing_below_the_threshold(self):
        campaign = self.urn(4)
        figures = campaign._figures()
        self.assertEqual((figures['n'], figures['satisfaction'], figures['is_hidden']), (4, None, True))
        self.assertIn("fewer than 5 answers", figures['reason'])
        self.assertFalse(self.answers_as(campaign, self.manager))
        rates = self.model_as('qualiopi.satisfaction.report', self.officer)._rates([('campaign_id', '=', campaign.id)])
        self.assertEqual((rates['n'], rates['satisfaction'], rates['hidden']), (4, None, 1))
        row = self.model_as('qualiopi.satisfaction.report', self.officer).search([('campaign_id', '=', campaign.id)])
        self.assertEqual((row.satisfaction_sum, row.promoters, row.satisfaction_n), (0, 0, 0))
        event = self.user_env(campaign.event_id, self.officer)
        self.assertEqual(event.satisfaction_text, "Hidden")

    def test_named_campaigns_have_no_threshold(self):
        campaign = self.make_campaign()
        self.give(campaign, content=5)
        self.assertEqual(campaign._figures()['satisfaction'], 100)

    def test_a_total_does_not_give_away_what_is_hidden(self):
        shown = self.make_campaign()
        self.give(shown, content=5)
        hidden = self.urn(2)
        together = (shown | hidden)._figures()
        self.assertEqual((together['n'], together['satisfaction'], together['satisfaction_n']), (3, 100, 1))
        self.assertFalse(together['is_hidden'])
        self.assertTrue(together['reason'])

    def test_the_promise_is_not_taken_back(self):
        campaign = self.urn(4, end=False)
        for change in ({'is_anonymous': False}, {'threshold': 2}):
            with self.assertRefused("asked|stays so"):
                campaign.write(change)
        campaign.action_done()
        with self.assertRefused("make another campaign"):
            campaign.action_resume()
        with self.assertRefused("nobody can answer"):
            campaign.action_remind()
        with self.assertRefused("takes no answers"):
            campaign.action_paper_answer()

    # === FROM THE ANSWER TO THE PERSON === #

    def test_no_person_no_author_no_hour(self):
        with freeze_time('2026-11-20 14:37:21'):
            campaign = self.urn(5, end=False)
            for table, where in (
                ('survey_user_input', "campaign_id = %s"),
                ('survey_user_input_line', "campaign_id = %s"),
            ):
                self.assertTrue(self.rows(f"SELECT 1 FROM {table} WHERE {where}", campaign.id))
                self.assertFalse(self.rows(
                    f"SELECT id FROM {table} WHERE {where} AND ("
                    " create_date <> date_trunc('day', create_date) OR write_date <> date_trunc('day', write_date)"
                    " OR create_uid <> 1 OR write_uid <> 1)", campaign.id))
            self.assertFalse(self.rows(
                "SELECT id FROM survey_user_input WHERE campaign_id = %s AND (partner_id IS NOT NULL"
                " OR email IS NOT NULL"
                " OR nickname IS NOT NULL OR invite_token IS NOT NULL OR feedback_invite_id IS NOT NULL"
                " OR start_datetime <> date_trunc('day', start_datetime)"
                " OR end_datetime <> date_trunc('day', end_datetime))",
                campaign.id))

    def test_no_identity_gets_in_by_a_later_write(self):
        campaign = self.urn(1, end=False)
        answer = campaign.sudo().answer_ids
        answer.write({'partner_id': self.customer.id, 'email': 'x@example.com', 'nickname': "X",
                      'end_datetime': '2026-11-20 14:37:21'})
        self.env.flush_all()
        self.assertEqual(
            self.rows(
                "SELECT partner_id, email, nickname, end_datetime::text FROM survey_user_input"
                " WHERE id = %s", answer.id),
            [(None, None, None, '2026-11-20 00:00:00')])

    def test_no_trace_in_messages_and_logs(self):
        campaign = self.urn(5, end=False)
        follower = self.env['mail.followers'].create({
            'res_model': 'survey.survey', 'res_id': self.survey.id, 'partner_id': self.officer.partner_id.id,
            'subtype_ids': [(6, 0, self.env['mail.message.subtype'].search([]).ids)],
        })
        self.assertTrue(follower)
        before = self.env['mail.message'].search_count([])
        answer = self.invites(campaign)[5]._open_answer()
        answer._save_lines(self.content, '5')
        answer._mark_done()
        self.flush_tracking()
        self.assertEqual(self.env['mail.message'].search_count([]), before, "An answer leaves no message at all")
        ids = campaign.sudo().answer_ids.ids
        for table, model, column in (
            ('mail_message', 'model', 'res_id'), ('mail_activity', 'res_model', 'res_id'),
            ('mail_followers', 'res_model', 'res_id'), ('ir_attachment', 'res_model', 'res_id'),
        ):
            self.assertFalse(self.rows(
                f"SELECT 1 FROM {table} WHERE {model} = 'survey.user_input' AND {column} IN %s", tuple(ids)), table)

    # === FROM THE INVITATION TO THE ANSWER === #

    def test_no_column_leads_from_one_table_to_the_other(self):
        campaign = self.urn(5, end=False)
        [invites] = self.rows(
            "SELECT array_agg(to_jsonb(i)) FROM qualiopi_feedback_invite i WHERE campaign_id = %s", campaign.id)
        [answers] = self.rows(
            "SELECT array_agg(to_jsonb(u)) FROM survey_user_input u WHERE campaign_id = %s", campaign.id)
        shared = {'campaign_id', 'company_id', 'create_uid', 'write_uid', 'state', 'id'}

        def secrets(rows, names):
            return {
                str(value) for row in rows for name, value in row.items()
                if name in names and value not in (None, False, True, '', 0) and name not in shared
            }

        keys = secrets(invites[0], {'token', 'person_key', 'name', 'email', 'partner_id', 'registration_id'})
        values = secrets(answers[0], set(answers[0][0]))
        self.assertFalse(
            {key for key in keys if not key.isdigit()} & values, "No value of an invitation stands in an answer")
        self.assertFalse(self.rows("""
            SELECT conname FROM pg_constraint
             WHERE contype = 'f' AND conrelid = 'qualiopi_feedback_invite'::regclass
               AND confrelid IN ('survey_user_input'::regclass, 'survey_user_input_line'::regclass)"""))

    def test_transactions_and_places_of_rows_tell_nothing(self):
        """PostgreSQL notes on each row which transaction wrote it: all invitations bear the same."""
        campaign = self.urn(3, end=False)
        marks = self.rows(
            "SELECT xmin::text, cmin::text, array_agg(state) FROM qualiopi_feedback_invite"
            " WHERE campaign_id = %s GROUP BY 1, 2",
            campaign.id)
        self.assertEqual(len(marks), 1, "Invitations answered and not are written by one and the same command")
        self.assertEqual(sorted(marks[0][2]), ['answered'] * 3 + ['sent'] * 3)

    def test_the_order_of_the_invitations_is_not_that_of_the_answers(self):
        """Row by row, the n-th invitation marked and the n-th ballot would be one person's."""
        campaign = self.urn(order=[4, 1, 6, 2, 5, 3], learners=6, end=False)
        by_place = "SELECT name FROM qualiopi_feedback_invite WHERE campaign_id = %s ORDER BY ctid"
        orders = set()
        for __ in range(4):
            orders.add(tuple(name[-1] for [name] in self.rows(by_place, campaign.id)))
            campaign.sudo()._level_marks()
        self.assertGreater(len(orders), 1, "Six rows in the same order four times: one chance in 370 million")
        for order in orders:
            self.assertEqual(sorted(order), list('123456'))
        self.assertFalse(orders & {tuple('416253')}, "One chance in 180")

    def test_the_place_of_a_row_does_not_keep_the_order_of_the_answers(self):
        """New numbers are of no use when the rows lie where they lay: comments and questions asked, by place."""
        orders = {'survey_user_input': set(), 'survey_user_input_line': set(), 'rel': set()}
        campaign = self.urn(6, learners=6)
        for __ in range(4):
            numbers = dict(self.rows("""
                SELECT l.user_input_id, right(l.value_text_box, 1) FROM survey_user_input_line l
                 WHERE l.campaign_id = %s AND l.value_text_box IS NOT NULL""", campaign.id))
            for name, query in (
                ('survey_user_input', "SELECT id FROM survey_user_input WHERE campaign_id = %s ORDER BY ctid"),
                ('survey_user_input_line',
                 "SELECT user_input_id FROM survey_user_input_line WHERE campaign_id = %s ORDER BY ctid"),
                ('rel', "SELECT r.survey_user_input_id FROM survey_question_survey_user_input_rel r"
                 " JOIN survey_user_input u ON u.id = r.survey_user_input_id WHERE u.campaign_id = %s ORDER BY r.ctid"),
            ):
                places = list(dict.fromkeys(number for [number] in self.rows(query, campaign.id)))
                self.assertEqual(places, sorted(numbers), f"{name}: in the order of the new numbers")
                orders[name].add(tuple(numbers[number] for number in places))
            campaign.sudo()._seal_answers()
        for name, found in orders.items():
            self.assertGreater(len(found), 1, name)

    def test_the_night_mixes_what_has_come(self):
        """Who answered before a reminder is known, and how many: their ballots must not be the first ones."""
        campaign = self.urn(4, learners=6, end=False)
        early = campaign.sudo().answer_ids
        keys = set(early.mapped('access_token'))
        begun = self.invites(campaign)[5]._open_answer()
        begun._save_lines(self.free, "Half a word")
        with freeze_time('2026-11-21 05:00:00'):
            self.env['qualiopi.feedback.campaign']._blur()
            self.ballot(campaign, 5)
        with freeze_time('2026-11-22 05:00:00'):
            self.env['qualiopi.feedback.campaign']._blur()
            done = campaign.sudo().answer_ids.filtered(lambda answer: answer.state == 'done')
            self.assertEqual(len(done), 5)
            self.assertFalse(keys & set(done.mapped('access_token')))
            self.assertEqual(self.rows("""
                SELECT count(DISTINCT (create_date, write_date, answered_on, start_datetime, end_datetime, lang_id)),
                       count(DISTINCT xmin::text)
                  FROM survey_user_input WHERE campaign_id = %s AND state = 'done'""", campaign.id), [(1, 1)])
            self.assertEqual(begun.exists().access_token, begun.access_token, "Who has not finished may go on")
            begun._save_lines(self.content, '5')
            begun._mark_done()
            campaign.action_done()
        self.assertEqual(campaign._figures()['n'], 6)
        # 25, 50, 75, 100, 0 and 100.
        self.assertAlmostEqual(campaign._figures()['satisfaction'], 350 / 6, 2)

    def test_the_job_mixes(self):
        campaign = self.urn(3, end=False)
        before = set(campaign.sudo().answer_ids.ids)
        with freeze_time('2026-11-21 05:00:00'), self.enter_registry_test_mode():
            self.env.ref('qualiopi.ir_cron_feedback').method_direct_trigger()
        self.env.invalidate_all()
        self.assertEqual(len(campaign.sudo().answer_ids), 3)
        self.assertFalse(before & set(campaign.sudo().answer_ids.ids))

    def test_the_language_is_no_mark(self):
        """One learner reads French: the only ballot in French would be theirs."""
        self.env['res.lang']._activate_lang('fr_FR')
        campaign = self.make_campaign(learners=3, is_anonymous=True)
        invite = self.invites(campaign)[0]
        invite.partner_id = self.env['res.partner'].create({'name': "Learner 1", 'lang': 'fr_FR'})
        self.assertEqual(invite._lang(), 'fr_FR')
        for one in self.invites(campaign):
            one._open_answer()
        self.assertFalse(campaign.sudo().answer_ids.lang_id)

    def test_numbers_and_keys_are_drawn_anew_when_the_urn_is_opened(self):
        campaign = self.urn(6, learners=6, end=False)
        query = """
            SELECT u.id, u.access_token, l.id, l.value_text_box FROM survey_user_input u
              JOIN survey_user_input_line l ON l.user_input_id = u.id AND l.value_text_box IS NOT NULL
             WHERE u.campaign_id = %s ORDER BY u.id"""
        before = self.rows(query, campaign.id)
        self.assertEqual([row[3] for row in before], [f"Comment of {number}" for number in range(1, 7)])
        orders = set()
        for __ in range(4):
            campaign.sudo()._seal_answers()
            after = self.rows(query, campaign.id)
            orders.add(tuple(row[3] for row in after))
            self.assertEqual({row[3] for row in after}, {row[3] for row in before})
            self.assertFalse({row[0] for row in after} & {row[0] for row in before})
            self.assertFalse({row[1] for row in after} & {row[1] for row in before})
            self.assertEqual([row[2] for row in after], sorted(row[2] for row in after))
        self.assertGreater(len(orders), 1, "Six answers in the same order four times: one chance in 370 million")
        lines = self.rows("""
            SELECT count(DISTINCT (u.create_date, u.write_date, u.answered_on, u.lang_id, u.is_paper)),
                   count(DISTINCT u.xmin::text), count(DISTINCT r.xmin::text)
              FROM survey_user_input u JOIN survey_question_survey_user_input_rel r ON r.survey_user_input_id = u.id
             WHERE u.campaign_id = %s""", campaign.id)
        self.assertEqual(lines, [(1, 1, 1)])

    def test_sealing_keeps_the_answers_whole(self):
        campaign = self.urn(5)
        answers = self.answers_as(campaign, self.officer)
        self.assertEqual(sorted(answers.mapped('satisfaction')), [0, 25, 50, 75, 100])
        for answer in answers.sudo():
            comment = answer.user_input_line_ids.filtered('value_text_box')
            scale = answer.user_input_line_ids.filtered(lambda line: line.question_id == self.content)
            number = int(comment.value_text_box[-1])
            self.assertEqual(scale.value_scale, 1 + number % 5, "Comment and mark of one ballot stay together")
            self.assertEqual(len(answer.predefined_question_ids), 6)

    def test_unfinished_ballots_are_destroyed(self):
        campaign = self.urn(5, end=False)
        begun = self.invites(campaign)[5]._open_answer()
        begun._save_lines(self.free, "Half a word")
        campaign.action_done()
        self.assertFalse(begun.exists())
        self.assertEqual(campaign.partial_count, 1)
        self.assertFalse(self.rows("SELECT 1 FROM survey_user_input_line WHERE value_text_box = 'Half a word'"))

    def test_paper_ballots_cannot_be_told_but_are_counted(self):
        campaign = self.urn(5, end=False)
        invite = self.invites(campaign)[5].with_user(self.officer).sudo(False)
        invite.action_paper_answer()
        answer = campaign.sudo().answer_ids.filtered('is_paper')
        self.assertEqual(answer.create_uid, self.env.ref('base.user_root'))
        answer._save_lines(self.content, '5')
        answer._mark_done()
        campaign.action_done()
        self.assertEqual((campaign._figures()['n'], campaign._figures()['paper']), (6, 1))
        self.assertTrue(self.answers_as(campaign, self.officer))
        self.assertFalse(self.answers_as(campaign, self.officer).filtered('is_paper'))

    def type_in(self, campaign, content):
        """A ballot on paper, that the officer types in."""
        campaign.action_paper_answer()
        answer = campaign.sudo().answer_ids.filtered(lambda answer: answer.is_paper and answer.state != 'done')
        answer._save_lines(self.content, str(content))
        answer._mark_done()
        self.env.flush_all()

    def test_whoever_types_in_paper_cannot_take_it_off(self):
        """Four ballots of one's own, and the fifth is that of the only person who answered."""
        campaign = self.urn(1, end=False)
        for __ in range(4):
            self.type_in(campaign, 5)
        campaign.action_done()
        figures = campaign._figures()
        self.assertEqual((figures['n'], figures['satisfaction'], figures['is_hidden']), (5, None, True))
        self.assertFalse(self.answers_as(campaign, self.officer))
        self.assertIn("by themselves", figures['reason'])

    def test_a_campaign_on_paper_alone_is_shown(self):
        campaign = self.urn(0, end=False)
        for content in (5, 5, 5, 5, 1):
            self.type_in(campaign, content)
        campaign.action_done()
        self.assertEqual(campaign._figures()['satisfaction'], 80)

    def test_unfinished_ballots_are_no_replies(self):
        campaign = self.urn(3, end=False)
        self.invites(campaign)[5]._open_answer()
        self.assertEqual(campaign.answered_count, 4, "While it runs, who has opened it is not reminded")
        campaign.action_done()
        self.assertRecordValues(campaign, [{'answered_count': 3, 'response_rate': 50.0, 'rate_text': "3 of 6 (50 %)"}])

    def test_answers_are_not_set_aside_until_one_is_left(self):
        campaign = self.urn(6)
        answers = self.answers_as(campaign, self.officer)
        answers[0].action_exclude("Came twice")
        self.assertEqual(campaign._figures()['n'], 5)
        for some in (answers[1], answers[1:]):
            with self.assertRefused("Fewer than 5 answers"):
                some.action_exclude("Came twice")
        self.assertFalse(campaign._figures()['is_hidden'])

    def test_urn_is_opened_by_nobody(self):
        """What says that the urn was opened, and that there are enough answers to show, is the program's."""
        few, running = self.urn(2), self.urn(2, end=False)
        for user in (self.officer, self.manager):
            for campaign in (few, running):
                for name, value in (('is_released', True), ('is_sealed', not campaign.is_sealed),
                                    ('partial_count', 9), ('sealed_paper_count', 9)):
                    with self.subTest(user=user.login, field=name), self.assertRefused("filled in by the program"):
                        self.user_env(campaign, user).write({name: value})
        self.assertFalse(self.answers_as(few, self.officer))

    def test_what_was_shown_never_runs_again(self):
        """Ended, read, cancelled, reopened: the next ballot would be the one that was not there before."""
        campaign = self.urn(5)
        by_manager = self.user_env(campaign, self.manager)
        by_manager.action_cancel("To have it open again")
        with self.assertRefused("make another campaign"):
            by_manager.action_reopen("One has not answered yet")
        below = self.urn(2, end=False)
        by_manager = self.user_env(below, self.manager)
        by_manager.action_cancel("Sent too early")
        by_manager.action_reopen("It was not, after all")
        self.assertEqual((below.state, below.is_released), ('running', False))
        self.assertFalse(self.answers_as(below, self.officer))
        for number in (3, 4, 5):
            self.ballot(below, number)
        self.assertFalse(self.answers_as(below, self.officer))
        below.action_done()
        self.assertEqual(len(self.answers_as(below, self.officer)), 5)

    def test_answers_on_paper_alone_hold_the_promise(self):
        """Nobody was invited by mail: what was asked stays all the same."""
        campaign = self.make_campaign(learners=0, start=False, is_anonymous=True)
        campaign._as_server().write({'state': 'running'})
        self.type_in(campaign, 1)
        for change in ({'is_anonymous': False}, {'threshold': 2}, {'survey_id': self.survey.copy().id}):
            with self.assertRefused("asked|stays so"):
                campaign.write(change)
        self.assertFalse(self.answers_as(campaign, self.officer))

    def test_domains_do_not_look_into_the_urn(self):
        """A campaign is found by its answers: of an urn that is closed, none is."""
        campaign = self.urn(5, end=False)
        named = self.make_campaign()
        self.give(named, content=1, free="Named")
        for user in (self.officer, self.manager, self.auditor):
            for model, path, record in (
                ('qualiopi.feedback.campaign', 'answer_ids', campaign),
                ('survey.survey', 'user_input_ids', self.survey),
                ('survey.question', 'user_input_line_ids.user_input_id', self.free),
            ):
                for leaf in (('satisfaction', '=', 25), ('user_input_line_ids.value_text_box', '=', "Comment of 1")):
                    domain = [('id', '=', record.id), (f'{path}.{leaf[0]}', *leaf[1:])]
                    with self.subTest(user=user.name, model=model, leaf=leaf):
                        try:
                            with self.muted():
                                found = self.model_as(model, user).search(domain)
                        except AccessError:
                            continue
                        self.assertFalse(found, "A closed urn answers questions")

    def test_calls_by_all_kinds_of_users(self):
        """By RPC, with any context: none reads, counts, groups, exports, changes or deletes a ballot."""
        campaign = self.urn(5, end=False)
        answers = campaign.sudo().answer_ids
        survey_user = self._make_user('survey_user', 'base.group_user,survey.group_survey_user')
        survey_manager = self._make_user('survey_manager', 'base.group_user,survey.group_survey_manager')
        everything = self._make_user(
            'everything', 'qualiopi.group_manager,qualiopi.group_confidential,survey.group_survey_manager,'
            'base.group_allow_export,base.group_erp_manager')
        for user in (
            self.public, self.portal, self.plain, self.declarant, self.officer, self.manager, self.auditor, survey_user,
            survey_manager, everything,
        ):
            own = answers.with_user(user).sudo(False).with_context(
                allowed_company_ids=user.company_ids.ids, qualiopi_server=True, active_test=False)
            lines = answers.user_input_line_ids.with_env(own.env)
            for records in (own, lines):
                Model = records.browse()
                domain = [('id', 'in', records.ids)]
                for name, call in {
                    'search': lambda Model=Model, domain=domain: Model.search(domain),
                    'count': lambda Model=Model, domain=domain: Model.search_count(domain),
                    'group': lambda Model=Model, domain=domain: [
                        row for row in Model.formatted_read_group(domain, ['survey_id'], ['__count'])
                        if row['__count']],
                    'pivot': lambda Model=Model, domain=domain: [
                        row for row in Model.formatted_read_grouping_sets(domain, [['survey_id']], ['__count'])[0]
                        if row['__count']],
                }.items():
                    with self.subTest(user=user.name, model=Model._name, call=name), self.muted():
                        try:
                            self.assertFalse(call())
                        except AccessError:
                            continue
                for name, call in {
                    'read': lambda records=records: records.read(),
                    'web_read': lambda records=records: records.web_read({'create_date': {}}),
                    'export': lambda records=records: records.export_data(['create_date']),
                    'copy': lambda records=records: records[0].copy(),
                    'write': lambda records=records: records.write({
                        'skipped' if 'skipped' in records._fields else 'state': False}),
                    'unlink': lambda records=records: records.unlink(),
                }.items():
                    with self.subTest(user=user.name, model=Model._name, call=name), self.muted():
                        with self.assertRaises(UserError):
                            call()
        self.assertEqual(len(answers.exists()), 5)

    def test_an_export_tells_nothing(self):
        campaign = self.urn(5)
        answers = self.answers_as(campaign, self.officer)
        self.officer.group_ids += self.env.ref('base.group_allow_export')
        rows = answers.export_data([
            'id', 'create_date', 'write_date', 'create_uid/name', 'partner_id/name', 'email', 'nickname',
            'start_datetime', 'end_datetime', 'lang_id/name', 'answered_on', 'feedback_invite_id/.id',
        ])['datas']
        self.assertEqual(len({tuple(row[1:]) for row in rows}), 1, "But for the number, all ballots look the same")
        with self.assertDenied():
            campaign.invite_ids.export_data(['token'])

    # === ONE PERSON, ONE ANSWER === #

    def test_a_link_opens_one_ballot_and_only_its_browser_goes_on(self):
        campaign = self.urn(0, end=False)
        invite = self.invites(campaign)[0]
        first = invite._open_answer(key='2f9a4c5e-1111-4abc-8def-0123456789ab')
        self.assertTrue(first)
        self.assertEqual(invite._open_answer(key='2f9a4c5e-1111-4abc-8def-0123456789ab'), first)
        self.assertFalse(invite._open_answer(key='2f9a4c5e-2222-4abc-8def-0123456789ab'))
        self.assertFalse(invite._open_answer())
        self.assertEqual(len(campaign.sudo().answer_ids), 1)
        other = self.urn(0, end=False)
        stolen = self.invites(other)[0]._open_answer(key='not-a-key')
        self.assertNotEqual(stolen.access_token, 'not-a-key')
