import random
import threading
from datetime import datetime

from freezegun import freeze_time
from psycopg2.errors import UniqueViolation

from odoo import SUPERUSER_ID, Command, api
from odoo.modules.registry import Registry
from odoo.tests import TransactionCase, tagged
from odoo.tools import mute_logger

from .common import QualiopiCase


@tagged('post_install', '-at_install')
class TestNumbers(QualiopiCase):

    def _numbers(self, records):
        return [int(reference.rsplit('/', 1)[1]) for reference in records.mapped('reference')]

    def test_series(self):
        """Each register has its own series, confidential entries one apart, each company its own."""
        self.assertEqual(self.make_complaint().reference, 'REG/2026/0001')
        self.assertEqual(self.make_complaint(nature='difficulty').reference, 'REG/2026/0002')
        self.assertEqual(self.make_confidential().reference, 'SIG/2026/0001')
        category = self.env.ref('qualiopi.category_harassment')
        self.assertEqual(
            self.make_complaint(self.confidential, category_id=category.id).reference, 'SIG/2026/0002',
        )
        self.assertEqual(self.make_finding().reference, 'CON/2026/0001')
        self.assertEqual(self.make_action(no_finding_reason="Asked by the board").reference, 'ACT/2026/0001')
        self.assertEqual(self.make_complaint(self.other_officer).reference, 'REG/2026/0001')
        self.assertEqual(self.make_complaint().reference, 'REG/2026/0003')

    def test_batch(self):
        """A batch over companies and series is numbered in its own order, in a constant number of queries."""
        both = self._make_user('both', 'qualiopi.group_officer,qualiopi.group_confidential')
        both.company_ids = [Command.link(self.other_company.id)]
        model = self.env['qualiopi.complaint'].with_user(both).with_context(
            allowed_company_ids=[self.company.id, self.other_company.id],
        )
        complaints = model.create([
            {'name': "1"}, {'name': "2", 'nature': 'safeguarding'},
            {'name': "3", 'company_id': self.other_company.id}, {'name': "4"},
            {'name': "5", 'nature': 'safeguarding'},
        ])
        self.assertEqual(complaints.mapped('reference'), [
            'REG/2026/0001', 'SIG/2026/0001', 'REG/2026/0001', 'REG/2026/0002', 'SIG/2026/0002',
        ])
        take = self.env['qualiopi.number']._take
        counts = []
        for size in (10, 1000):
            before = self.cr.sql_log_count
            take(self.company, 'TST', 2026, size)
            counts.append(self.cr.sql_log_count - before)
        self.assertEqual(counts[0], counts[1])

    def test_rollback_leaves_no_hole(self):
        """What is rolled back gives its number back, a refused creation too."""
        self.make_complaint()
        savepoint = self.cr.savepoint()
        self.assertEqual(self.make_complaint().reference, 'REG/2026/0002')
        savepoint.rollback()
        savepoint.close()
        self.env.invalidate_all()
        with self.assertRaises(ValueError):
            self.make_complaint(nature='nonsense')
        self.assertEqual(self.make_complaint().reference, 'REG/2026/0002')

    def test_taken_by_somebody(self):
        """A number that somebody else has committed meanwhile is passed over, without an error."""
        number = self.env['qualiopi.number']
        self.assertEqual(number._take(self.company, 'TST', 2026, 2), [1, 2])
        self.cr.execute("SELECT 1")
        original = type(self.cr).execute

        def blind(cr, query, params=None, log_exceptions=True):
            result = original(cr, query, params, log_exceptions=log_exceptions)
            if 'MAX(number)' in str(getattr(query, 'code', query)):
                original(cr, "SELECT 0")
            return result

        self.patch(type(self.cr), 'execute', blind)
        self.assertEqual(number._take(self.company, 'TST', 2026, 3), [3, 4, 5])

    def test_year_of_the_company(self):
        """The year is that of the company's time zone, and never changes afterwards."""
        guiana = self.other_company
        guiana.resource_calendar_id.tz = 'America/Cayenne'
        with freeze_time('2026-12-31 22:59:00'):
            complaint = self.make_complaint()
            self.assertEqual(complaint.reference, 'REG/2026/0001')
        with freeze_time('2026-12-31 23:30:00'):
            self.assertEqual(self.make_complaint().reference, 'REG/2027/0001')
        with freeze_time('2027-01-01 02:30:00'):
            self.assertEqual(self.make_complaint(self.other_officer).reference, 'REG/2026/0001')
        with freeze_time('2027-01-01 03:30:00'):
            self.assertEqual(self.make_complaint(self.other_officer).reference, 'REG/2027/0001')
            complaint.received_on = datetime(2027, 1, 1)
            self.assertEqual(complaint.reference, 'REG/2026/0001')
            # Received last year, recorded this year: the number is that of the recording.
            late = self.make_complaint(received_on=datetime(2025, 6, 1))
            self.assertEqual(late.reference, 'REG/2027/0002')

    def test_beyond_four_digits(self):
        self.env['qualiopi.number']._take(self.company, 'REG', 2026, 9999)
        self.assertEqual(self.make_complaint().reference, 'REG/2026/10000')

    def test_unique(self):
        """The database itself refuses a number twice."""
        first, second = self.make_complaint(), self.make_complaint()
        self.env.flush_all()
        for table in ('qualiopi_complaint', 'qualiopi_finding', 'qualiopi_improvement_action'):
            self.cr.execute("SELECT 1 FROM pg_indexes WHERE indexname = %s", [f'{table}_reference_uniq'])
            self.assertTrue(self.cr.fetchone(), table)
        with self.assertRaises(UniqueViolation), mute_logger('odoo.sql_db'):
            self.cr.execute(
                "UPDATE qualiopi_complaint SET reference = %s WHERE id = %s", [first.reference, second.id],
            )
        with self.assertRaises(UniqueViolation), mute_logger('odoo.sql_db'):
            self.cr.execute(
                """INSERT INTO qualiopi_number (company_id, series, year, number)
                   SELECT company_id, series, year, number FROM qualiopi_number WHERE company_id = %s LIMIT 1""",
                [self.company.id],
            )

    def test_not_by_hand(self):
        """Nobody chooses or changes a number."""
        with self.assertRefused("filled in by the program"):
            self.make_complaint(reference='REG/2026/0666')
        complaint = self.make_complaint()
        for user in (self.officer, self.manager, self.env.ref('base.user_root')):
            with self.assertRefused("filled in by the program"):
                complaint.with_user(user).write({'reference': 'REG/2026/0666'})
        self.assertEqual(complaint.copy().reference.split('/')[0], 'REG')
        self.assertNotEqual(complaint.copy().reference, complaint.reference)


@tagged('post_install', '-at_install')
class TestNumbersConcurrently(TransactionCase):
    """Real connections: what they commit is taken away at the end."""

    _writers = 16
    _rounds = 8

    def _rows(self, query, *params):
        with self.registry.cursor() as cr:
            cr.execute(query, params)
            return cr.fetchall() if cr.description else None

    def setUp(self):
        super().setUp()
        self.series = self._rows("SELECT MAX(id) FROM res_company")[0][0], 'REG', datetime.now().year
        self.ids = []
        company_id, series, year = self.series
        [(self.last, self.count)] = self._rows(
            """SELECT COALESCE(MAX(number), 0), COUNT(*) FROM qualiopi_number
                WHERE company_id = %s AND series = %s AND year = %s""", company_id, series, year,
        )
        self.addCleanup(self._clean)
        # The thread of the tests holds this lock, without which no other thread opens an environment.
        self.patch(Registry, '_lock', threading.RLock())

    def _clean(self):
        # The registers refuse to be deleted from: what was committed goes by SQL.
        company_id, series, year = self.series
        ids = self.ids or [0]
        with self.registry.cursor() as cr:
            cr.execute(
                "DELETE FROM qualiopi_complaint_qualiopi_indicator_rel WHERE qualiopi_complaint_id = ANY(%s)", [ids],
            )
            cr.execute("DELETE FROM mail_message WHERE model = 'qualiopi.complaint' AND res_id = ANY(%s)", [ids])
            cr.execute("DELETE FROM mail_followers WHERE res_model = 'qualiopi.complaint' AND res_id = ANY(%s)", [ids])
            cr.execute("DELETE FROM qualiopi_complaint WHERE id = ANY(%s)", [ids])
            cr.execute(
                """DELETE FROM qualiopi_number
                    WHERE company_id = %s AND series = %s AND year = %s AND number > %s""",
                [company_id, series, year, self.last],
            )

    def test_writers(self):
        """16 writers of which a third roll back: no hole, no error, no lost entry (quality.md, E2)."""
        errors, rolled_back, lock = [], [], threading.Lock()

        def write(seed):
            rnd = random.Random(seed)
            for __ in range(self._rounds):
                try:
                    # Committed at the end, unless it was rolled back.
                    with self.registry.cursor() as cr:
                        env = api.Environment(cr, SUPERUSER_ID, {
                            'tracking_disable': True, 'allowed_company_ids': [self.series[0]],
                        })
                        records = env['qualiopi.complaint'].create([
                            {'name': f"Writer {seed}", 'user_id': False} for __ in range(rnd.choice((1, 1, 3)))
                        ])
                        if rnd.random() < 1 / 3:
                            cr.rollback()
                            ids = []
                        else:
                            ids = records.ids
                    with lock:
                        self.ids.extend(ids)
                        rolled_back.extend([] if ids else [seed])
                except Exception as error:  # noqa: BLE001  whatever it is, the test reports it
                    with lock:
                        errors.append(repr(error))

        threads = [threading.Thread(target=write, args=(seed,)) for seed in range(self._writers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertFalse(errors)
        self.assertGreater(len(rolled_back), 20)
        self.assertGreater(len(self.ids), 80)
        company_id, series, year = self.series
        [(last, count)] = self._rows(
            """SELECT MAX(number), COUNT(*) FROM qualiopi_number
                WHERE company_id = %s AND series = %s AND year = %s""", company_id, series, year,
        )
        self.assertEqual(last - self.last, len(self.ids), "no hole")
        self.assertEqual(count - self.count, len(self.ids), "no number without an entry")
        references = [row[0] for row in self._rows(
            "SELECT reference FROM qualiopi_complaint WHERE id = ANY(%s)", self.ids,
        )]
        self.assertEqual(
            sorted(references), [f'REG/{year}/{number:04d}' for number in range(self.last + 1, last + 1)],
        )
