from datetime import timedelta

from odoo import Command, fields
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from odoo.addons.mail.tests.common import mail_new_test_user


class QualiopiTourCase(HttpCase):
    """A French training provider of its own, whose users work in the browser."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if not cls.env['res.lang']._get_data(code='fr_FR'):
            cls.env['res.lang']._activate_lang('fr_FR')
            cls.env['ir.module.module'].search([('state', '=', 'installed')])._update_translations('fr_FR')
        cls.company = cls.env['res.company'].create({'name': "Organisme d’essai"})
        cls.env = cls.env(context={**cls.env.context, 'allowed_company_ids': cls.company.ids, 'lang': 'fr_FR'})

    @classmethod
    def _make_user(cls, name, *groups):
        return mail_new_test_user(
            cls.env, f'qualiopi_{name}', groups=','.join(groups), name=f"{name.title()} Exemple",
            email=f'{name}@example.com', lang='fr_FR', tz='Europe/Paris',
            company_id=cls.company.id, company_ids=[Command.set(cls.company.ids)],
        )

    @classmethod
    def _make_action(cls, user, name, phase='draft'):
        """An action brought to ``phase`` through the gates; in draft, with nothing but its name."""
        Action = cls.env['qualiopi.improvement.action'].with_user(user)
        if phase == 'draft':
            return Action.create({'name': name, 'user_id': False})
        action = Action.create({
            'name': name,
            'user_id': user.id,
            'no_finding_reason': "Décidée en réunion",
            'date_due': fields.Date.today() + timedelta(days=20),
            'success_criterion': "Plus aucune remarque",
        })
        action.action_start()
        if phase == 'check':
            cls.env['qualiopi.evidence'].with_user(user).create({
                'type': 'statement', 'statement': "Fait lundi", 'action_id': action.id,
            })
            action.action_carry_out()
        return action

    def _assert_loop(self, user, verifier):
        """The entry of the company and all that came from it are closed, each step signed.

        :return: the check
        """
        complaint = self.env['qualiopi.complaint'].search([('company_id', '=', self.company.id)])
        self.assertRecordValues(complaint, [{
            'name': "La salle était trop froide", 'state': 'closed', 'ack_user_id': user.id,
            'decision': 'founded', 'response': "Le chauffage est désormais programmé la veille",
            'response_user_id': verifier.id, 'closed_by_id': verifier.id, 'is_late': False,
        }])
        finding = complaint.finding_ids
        self.assertRecordValues(finding, [{'state': 'closed', 'name': complaint.name}])
        self.assertEqual(finding.cause_ids, self.env.ref('qualiopi.cause_information'))
        action = finding.action_ids
        self.assertRecordValues(action, [{
            'phase': 'done', 'user_id': user.id, 'carried_out_by_id': user.id, 'last_verdict': 'effective',
            'success_criterion': "Plus aucune remarque sur le froid",
        }])
        self.assertGreater(action.date_due, fields.Date.today())
        self.assertRecordValues(action.evidence_ids, [{'type': 'statement', 'user_id': user.id}])
        self.assertRecordValues(action.check_ids, [{
            'verdict': 'effective', 'verdict_by_id': verifier.id, 'state': 'done',
            'conclusion': "Aucune remarque lors des deux sessions suivantes",
        }])
        return action.check_ids


@tagged('post_install', '-at_install')
class TestTours(QualiopiTourCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.manager = cls._make_user('manager', 'qualiopi.group_manager')
        cls.officer = cls._make_user('officer', 'qualiopi.group_officer')
        cls.company.qualiopi_manager_id = cls.manager

    def test_complaint_to_verified_action(self):
        """An officer acts on a complaint; somebody else verifies, and all ends closed."""
        self.start_tour('/odoo/register', 'qualiopi_officer_acts', login=self.officer.login)
        action = self.env['qualiopi.improvement.action'].search([('company_id', '=', self.company.id)])
        self.assertRecordValues(action, [{'phase': 'check', 'next_verifier_id': self.manager.id}])
        self.start_tour('/odoo/improvement-plan', 'qualiopi_lead_verifies', login=self.manager.login)
        check = self._assert_loop(self.officer, self.manager)
        self.assertFalse(check.is_self_check)

    def test_telephone_complaint(self):
        """What was settled on the telephone is recorded and closed on one screen."""
        self.start_tour('/odoo/register', 'qualiopi_telephone', login=self.officer.login)
        complaint = self.env['qualiopi.complaint'].search([('company_id', '=', self.company.id)])
        self.assertRecordValues(complaint, [{
            'description': "Convocation reçue sans le lieu", 'contact_name': "Camille Exemple",
            'state': 'closed', 'decision': 'founded', 'closed_by_id': self.officer.id,
            'ack_user_id': self.officer.id, 'response_user_id': self.officer.id,
            'ack_timeliness': 'on_time', 'response_timeliness': 'on_time',
        }])

    @mute_logger('odoo.http')
    def test_gate_of_closing(self):
        """An officer is told what a complaint still needs, and fills it in on the spot."""
        complaint = self.env['qualiopi.complaint'].with_user(self.officer).create({
            'description': "La salle était trop froide",
        })
        self.start_tour(f'/odoo/register/{complaint.id}', 'qualiopi_gate_closing', login=self.officer.login)
        self.assertRecordValues(complaint, [{
            'state': 'closed', 'ack_impossible_reason': "Aucune adresse", 'decision': 'founded',
            'response_impossible_reason': "Aucune adresse", 'ack_date': False,
        }])

    @mute_logger('odoo.http')
    def test_gates_of_the_board(self):
        """A card that is dragged too early goes back, and the refusal says why."""
        actions = (
            self._make_action(self.officer, "Sans rien")
            + self._make_action(self.officer, "Sans preuve", 'do')
            + self._make_action(self.officer, "À juger", 'check')
        )
        self.start_tour('/odoo/improvement-plan', 'qualiopi_gate_board', login=self.officer.login)
        self.assertEqual(actions.mapped('phase'), ['draft', 'do', 'check'])
        self.assertFalse(any(actions.mapped('closed_on')))

    @mute_logger('odoo.http')
    def test_gates_of_the_form(self):
        """Carrying out wants evidence, and no officer marks an action effective by hand."""
        action = self._make_action(self.officer, "Sans preuve", 'do')
        self.start_tour(f'/odoo/improvement-plan/{action.id}', 'qualiopi_gate_form', login=self.officer.login)
        self.assertRecordValues(action, [{'phase': 'check', 'last_verdict': False, 'closed_on': False}])
        self.assertEqual(action.evidence_ids.statement, "Le gardien programme le chauffage")


@tagged('post_install', '-at_install')
class TestOnePersonTour(QualiopiTourCase):

    @mute_logger('odoo.http')
    def test_one_person(self):
        """Somebody alone gets through a whole chain; the own check is allowed at its first refusal."""
        person = self._make_user('seule', 'qualiopi.group_manager')
        self.company.qualiopi_manager_id = person
        self.assertFalse(self.company.qualiopi_self_check)
        self.start_tour('/odoo/register', 'qualiopi_one_person', login=person.login)
        self.assertTrue(self.company.qualiopi_self_check)
        check = self._assert_loop(person, person)
        self.assertTrue(check.is_self_check, "the reports say that the owner checked the own action")


@tagged('post_install', '-at_install')
class TestMobileTour(QualiopiTourCase):
    browser_size = '375x667'
    touch_enabled = True

    def test_board(self):
        """The board opens on a telephone, and a card is created there."""
        officer = self._make_user('mobile', 'qualiopi.group_officer')
        self._make_action(officer, "Sans rien")
        self.start_tour('/odoo/improvement-plan', 'qualiopi_mobile_board', login=officer.login)
        action = self.env['qualiopi.improvement.action'].search([
            ('company_id', '=', self.company.id), ('name', '=', "Vérifier les salles"),
        ])
        self.assertRecordValues(action, [{'phase': 'draft', 'create_uid': officer.id}])
