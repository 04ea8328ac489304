from odoo.tests import freeze_time

from .common import TODAY, QualiopiCase


@freeze_time(TODAY)
class EachModelCase(QualiopiCase):
    """A record of each model, for what holds for all of them."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env = cls.env(context={**cls.env.context, 'no_mail_to_attendees': True})
        cls.finding, cls.complaint, cls.action = cls.make_finding(), cls.make_complaint(), cls.make_action('do')
        cls.audit = cls.model_as('qualiopi.audit', cls.officer).create({'type': 'internal', 'date_from': '2026-11-10'})
        cls.review = cls.model_as('qualiopi.review', cls.manager).create({'date': '2026-11-20 13:00:00'})
        cls.dropout = cls.model_as('qualiopi.dropout', cls.officer).create({
            'registration_id': cls.registration.id, 'date': '2026-11-16'})
        cls.stakeholder = cls.env.ref('qualiopi.stakeholder_beneficiary')
        cls.survey = cls.env['survey.survey'].create({'title': "Words", 'survey_type': 'qualiopi'})
        statement = cls.env['qualiopi.indicator.statement'].search([
            ('referential_id', '=', cls.audit.referential_id.id)], limit=1)
        lists = {
            name: {'name': "Of our own"} for name in cls.env.registry
            if name.startswith('qualiopi.') and isinstance(cls.env[name], cls.env.registry['qualiopi.list.mixin'])
        }
        # What people write to make a record, no more.
        cls.values = {
            **lists,
            'qualiopi.action.stage': {'name': "Of our own", 'phase': 'do'},
            'qualiopi.audit': {'type': 'internal', 'date_from': '2026-11-10'},
            'qualiopi.audit.link': {
                'name': "Auditor of the body", 'date_from': '2026-01-01', 'date_to': '2026-11-20',
            },
            'qualiopi.audit.question': {'audit_id': cls.audit.id, 'statement_id': statement.id},
            'qualiopi.audit.slot': {'audit_id': cls.audit.id, 'name': "Opening", 'start': '2026-11-10 08:00:00'},
            'qualiopi.certificate': {'number': "C-1", 'date_from': '2026-02-15', 'user_id': cls.officer.id},
            'qualiopi.communication': {'complaint_id': cls.complaint.id, 'text': "The rooms are heated"},
            'qualiopi.complaint': {'description': "The room was too cold for two days"},
            'qualiopi.course': {'name': "Rescue", 'company_id': cls.company.id},
            'qualiopi.default.owner': {'user_id': cls.officer.id},
            'qualiopi.drill': {},
            'qualiopi.dropout': {'registration_id': cls._make_registration(cls.event).id, 'date': '2026-11-16'},
            'qualiopi.dropout.contact': {'dropout_id': cls.dropout.id, 'means': 'phone'},
            'qualiopi.effectiveness.check': {
                'action_id': cls.action.id, 'planned_on': '2027-03-01', 'verifier_id': cls.manager.id,
            },
            'qualiopi.evidence': {
                'complaint_id': cls.complaint.id, 'type': 'statement',
                'statement': "The caretaker heats since Monday",
            },
            'qualiopi.evidence.file': {'date_from': '2026-01-01', 'date_to': '2026-12-31'},
            'qualiopi.feedback.campaign': {'stakeholder_id': cls.stakeholder.id, 'means': 'meeting'},
            'qualiopi.feedback.return': {
                'name': "What came of it", 'stakeholder_id': cls.stakeholder.id, 'company_id': cls.company.id,
            },
            'qualiopi.feedback.rule': {
                'stakeholder_id': cls.env.ref('qualiopi.stakeholder_company').id, 'moment': 'mid',
                'survey_id': cls.survey.id,
            },
            'qualiopi.finding': {'description': "Rooms are not heated before the session"},
            'qualiopi.improvement.action': {'name': "Heat the rooms the day before"},
            'qualiopi.nil.statement': {'date_from': '2026-01-01', 'date_to': '2026-01-31'},
            'qualiopi.procedure': {'kind': 'complaint', 'text': "<p>We answer within 15 days.</p>"},
            'qualiopi.publication': {
                'course_id': cls.course.id, 'text_said': "It was cold", 'text_done': "We heat",
                'action_id': cls.action.id,
            },
            'qualiopi.result': {'event_id': cls.event.id, 'presented': 8, 'passed': 5},
            'qualiopi.review': {'date': '2026-11-20 13:00:00'},
            'qualiopi.review.item': {'review_id': cls.review.id, 'name': "Premises"},
            'qualiopi.risk': {'name': "Trainer unavailable", 'probability': '3', 'severity': '3'},
            'qualiopi.signal.rule': {'name': "Of our own", 'threshold': 50},
        }

    def models(self, user, operation):
        """The models on whose records ``user`` has a right."""
        for name in sorted(self.env.registry):
            model = self.env[name]
            if name.startswith('qualiopi.') and not model._abstract and not model._transient and (
                model.with_user(user).has_access(operation)
            ):
                yield model

    @classmethod
    def make(cls, model, user, **values):
        """A record as ``user`` makes it; a new model has its values above."""
        record = cls.model_as(model._name, user).with_context(**model.env.context).create({
            **cls.values[model._name], **values})
        record.flush_recordset()
        return record
