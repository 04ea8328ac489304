"""Whom a campaign asks: the persons of its session, and those chosen by hand."""

from collections import defaultdict

from odoo import api, models


class QualiopiFeedbackCampaign(models.Model):
    _inherit = 'qualiopi.feedback.campaign'

    @api.model
    def _stakeholder_kinds(self):
        """Where the persons of a kind of stakeholder are found on a session: kind by stakeholder id."""
        kinds = {}
        for kind in ('beneficiary', 'company', 'sponsor', 'funder', 'trainer', 'contracting_provider', 'subcontractor'):
            stakeholder = self.env.ref(f'qualiopi.stakeholder_{kind}', raise_if_not_found=False)
            if stakeholder:
                kinds[stakeholder.id] = kind
        return kinds

    @api.model
    def _session_people(self, events, kinds):
        """The persons of sessions, a kind each, whoever asks; in as many queries whatever the sessions.

        :param events: sessions
        :param set kinds: see ``_stakeholder_kinds``
        :return: list of (key, partner, registration, name, email) by (event, kind)
        :rtype: dict
        """
        people = defaultdict(list)
        # sudo: who is to be asked does not depend on who presses the button
        events = events.sudo()
        if kinds & {'beneficiary', 'company', 'sponsor', 'funder'}:
            # sudo: see above
            registrations = self.env['event.registration'].sudo().search_fetch(
                [('event_id', 'in', events.ids), ('state', 'in', ('open', 'done'))],
                ['event_id', 'learner_id', 'partner_id', 'sponsor_id', 'funder_id', 'name', 'email'],
                order='id',
            )
            for registration in registrations:
                event = registration.event_id
                if 'beneficiary' in kinds:
                    learner = registration.learner_id
                    name = registration.name or learner.name
                    email = registration.email or learner.email
                    people[event, 'beneficiary'].append((learner, registration, name, email))
                booked_by = registration.partner_id
                if 'company' in kinds and booked_by.commercial_partner_id.is_company:
                    people[event, 'company'].append((booked_by, registration, booked_by.name, booked_by.email))
                for kind in ('sponsor', 'funder'):
                    partner = registration[f'{kind}_id']
                    if kind in kinds and partner:
                        people[event, kind].append((partner, registration, partner.name, partner.email))
        for kind, name in (
            ('trainer', 'trainer_ids'),
            ('contracting_provider', 'contractor_id'),
            ('subcontractor', 'subcontractor_id'),
        ):
            if kind in kinds:
                for event in events:
                    people[event, kind] = [
                        (partner, registrations_empty(self.env), partner.name, partner.email)
                        for partner in event[name]
                    ]
        return people

    def _recipients(self):
        """Persons to ask, each once a campaign whatever their registrations.

        :return: values of invitations by person's key, by campaign
        :rtype: dict
        """
        Invite = self.env['qualiopi.feedback.invite']
        kinds = self._stakeholder_kinds()
        people = self._session_people(
            self.event_id, {kinds[campaign.stakeholder_id.id] for campaign in self
                            if campaign.event_id and campaign.stakeholder_id.id in kinds},
        )
        recipients = {}
        for campaign in self:
            found = recipients[campaign] = {}
            kind = kinds.get(campaign.stakeholder_id.id)
            persons = list(people.get((campaign.event_id, kind), ())) if campaign.event_id else []
            # sudo: who is to be asked does not depend on who presses the button
            persons += [
                (partner, registrations_empty(self.env), partner.name, partner.email)
                for partner in campaign.sudo().partner_ids
            ]
            for partner, registration, name, email in persons:
                key = Invite._key(partner, name, email, registration)
                if key in found:
                    found[key]['registrations'] |= registration
                    continue
                found[key] = {
                    'partner_id': partner.id, 'registration_id': registration.id, 'registrations': registration,
                    'name': name or partner.name or email or campaign.stakeholder_id.name, 'email': email,
                }
        return recipients


def registrations_empty(env):
    """No registration: the person is asked for another reason."""
    # sudo: empty; joined with registrations read by the program
    return env['event.registration'].sudo()

