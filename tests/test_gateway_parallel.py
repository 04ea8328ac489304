import threading

from odoo import SUPERUSER_ID, api
from odoo.modules.registry import Registry
from odoo.tests import TransactionCase, tagged

_RAW = (
    'From: Parallel <parallel@example.com>\r\nTo: nowhere@parallel.example\r\nSubject: Parallel\r\n'
    '{header}MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nLa salle était froide.\r\n'
)


@tagged('post_install', '-at_install')
class TestGatewayConcurrently(TransactionCase):
    """Real connections: what they commit is taken away at the end."""

    _workers = 8

    def setUp(self):
        super().setUp()
        # The thread of the tests holds this lock, without which no other thread opens an environment.
        self.patch(Registry, '_lock', threading.RLock())
        self.addCleanup(self._clean)
        [(self.numbers,)] = self._rows("SELECT COALESCE(MAX(id), 0) FROM qualiopi_number")

    def _rows(self, query, *params):
        with self.registry.cursor() as cr:
            cr.execute(query, params)
            return cr.fetchall() if cr.description else None

    def _clean(self):
        # The registers refuse to be deleted from: what was committed goes by SQL.
        with self.registry.cursor() as cr:
            cr.execute("SELECT id FROM qualiopi_complaint WHERE email_from = 'parallel@example.com'")
            ids = [row[0] for row in cr.fetchall()] or [0]
            cr.execute("SELECT id FROM qualiopi_evidence WHERE complaint_id = ANY(%s)", [ids])
            pieces = [row[0] for row in cr.fetchall()] or [0]
            for table, column, model, found in (
                ('ir_attachment', 'res_model', 'qualiopi.evidence', pieces),
                ('mail_message', 'model', 'qualiopi.complaint', ids),
                ('mail_followers', 'res_model', 'qualiopi.complaint', ids),
                ('mail_activity', 'res_model', 'qualiopi.complaint', ids),
            ):
                cr.execute(f"DELETE FROM {table} WHERE {column} = %s AND res_id = ANY(%s)", [model, found])
            cr.execute("DELETE FROM qualiopi_incoming_mail WHERE email_from = 'parallel@example.com'")
            cr.execute("DELETE FROM qualiopi_evidence WHERE id = ANY(%s)", [pieces])
            cr.execute(
                "DELETE FROM qualiopi_complaint_qualiopi_indicator_rel WHERE qualiopi_complaint_id = ANY(%s)", [ids],
            )
            cr.execute("DELETE FROM qualiopi_complaint WHERE id = ANY(%s)", [ids])
            cr.execute("DELETE FROM qualiopi_number WHERE id > %s", [self.numbers])

    def _deliver(self, raw):
        errors, barrier = [], threading.Barrier(self._workers)

        def work():
            try:
                with self.registry.cursor() as cr:
                    env = api.Environment(cr, SUPERUSER_ID, {})
                    # All of them have begun, and none sees what another writes.
                    cr.execute("SELECT 1")
                    barrier.wait()
                    env['mail.thread'].message_process('qualiopi.complaint', raw)
            except Exception as error:  # noqa: BLE001  whatever it is, the test reports it
                errors.append(repr(error))

        threads = [threading.Thread(target=work) for __ in range(self._workers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertFalse(errors)

    def _entries(self):
        return self._rows("SELECT id FROM qualiopi_complaint WHERE email_from = 'parallel@example.com'")

    def test_at_the_same_instant(self):
        """Eight workers, one message: one entry, with and without a Message-ID (C1, G2, G3)."""
        self._deliver(_RAW.format(header='Message-ID: <parallel@example.com>\r\n').encode())
        self.assertEqual(len(self._entries()), 1)
        self.assertEqual(self._rows(
            "SELECT count(*) FROM mail_message WHERE message_id = '<parallel@example.com>'"), [(1,)])
        self._deliver(_RAW.format(header='').encode())
        self.assertEqual(len(self._entries()), 2)
        rows = self._rows("SELECT state FROM qualiopi_incoming_mail WHERE email_from = 'parallel@example.com'")
        self.assertEqual(rows, [('recorded',), ('recorded',)])
