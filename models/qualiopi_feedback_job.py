"""What the campaigns do by themselves: made from the rules, they invite, remind, follow their session and end."""

import logging
from collections import Counter
from datetime import timedelta

from psycopg2.errors import UniqueViolation
from psycopg2.extensions import TransactionRollbackError

from odoo import api, fields, models
from odoo.exceptions import ConcurrencyError
from odoo.fields import Domain

_logger = logging.getLogger(__name__)

_BATCH = 50
# So often in one run is a campaign tried on which somebody is writing.
_TRIES = 5
# Campaigns show in the calendar this long before; after a longer silence of the job nobody is asked any more.
_HORIZON_DAYS = 30
_GRACE_DAYS = 30


class QualiopiFeedbackCampaign(models.Model):
    _inherit = 'qualiopi.feedback.campaign'

    # === DAILY JOB === #

    @api.model
    def _cron_feedback(self):
        """Make the campaigns that the rules ask for, then bring each running one up to date; once a day each,
        so that a run that was cut off is taken up where it stopped and a second one sends nothing."""
        progress = self.env['ir.cron']._commit_progress
        for company in self._ruled_companies():
            self._create_safely(company)
            if not progress(1, remaining=1):
                return
        self._blur()
        held = Counter()

        def due():
            return self._due_domain() & Domain('id', 'not in', [key for key, times in held.items() if times >= _TRIES])

        while batch := self.search(due(), limit=_BATCH, order='id'):
            held.update(batch._run_safely().ids)
            remaining = self.search_count(due(), limit=_BATCH)
            if not progress(len(batch), remaining=remaining):
                return
            # Memory is bounded by the batch.
            self.env.invalidate_all()
        progress(0, remaining=0)

    @api.model
    def _ruled_companies(self):
        """Companies whose rules, or whose parent's, ask anything."""
        rules = self.env['qualiopi.feedback.rule']._read_group([('is_off', '=', False)], ['company_id'])
        owners = self.env['res.company'].union(*(company for [company] in rules))
        return self.env['res.company'].search([('id', 'child_of', owners.ids)], order='id')

    @api.model
    def _due_domain(self):
        """Campaigns that were not looked at today."""
        now = fields.Datetime.now()
        active = self._read_group([('state', 'in', ('planned', 'running'))], ['company_id'])
        companies = self.env['res.company'].union(*(company for [company] in active))
        unseen = Domain.OR(
            Domain('company_id', '=', company.id)
            & (Domain('checked_on', '=', False) | Domain('checked_on', '<', company._qualiopi_local_date(now)))
            for company in companies
        )
        return Domain('state', 'in', ('planned', 'running')) & Domain('is_imported', '=', False) & unseen

    def _run_safely(self):
        """Bring campaigns up to date; when that fails, by halves, so that one does not hold up the others.

        :return: campaigns on which somebody else was writing: still due, to be tried again after the commit
        """
        try:
            with self.env.cr.savepoint():
                self._run()
            return self.browse()
        except Exception as error:  # whatever one campaign does, the others go on
            self.env.invalidate_all()
            if len(self) == 1 and isinstance(error, (ConcurrencyError, TransactionRollbackError, UniqueViolation)):
                return self
            if len(self) == 1:
                _logger.exception("Feedback campaign %s could not be brought up to date", self)
                self._as_server().write({'checked_on': self._today()})
                self._log_texts({self.id: self.env._("Nothing was sent today: %s", error)})
                return self.browse()
            middle = len(self) // 2
            return self[:middle]._run_safely() | self[middle:]._run_safely()

    def _run(self):
        """Invite, remind and end what is due today."""
        # sudo: the daily job is nobody's
        campaigns = self.sudo()
        campaigns._follow_sessions()
        today = {campaign: campaign._today() for campaign in campaigns}
        alive = campaigns.filtered(lambda campaign: campaign.state in ('planned', 'running'))
        begun = alive.filtered(
            lambda campaign: campaign.means == 'survey' and campaign._has_questionnaire()
            and (campaign.state == 'running' or campaign.date_from <= today[campaign])
        )
        begun.filtered(lambda campaign: campaign.state == 'planned')._as_server().write({'state': 'running'})
        begun._note_failures()
        begun._sync_invites()
        invites = begun.invite_ids
        invites.filtered(lambda invite: invite.state == 'waiting')._send('invitation')
        invites.filtered(
            lambda invite: invite.state == 'sent'
            and invite.reminder_number < invite.campaign_id.reminder_max
            and invite._remind_from() <= today[invite.campaign_id]
        )._send('reminder')
        begun._end_due(today)
        for day, checked in campaigns.grouped(today.get).items():
            checked._as_server().write({'checked_on': day})
        campaigns._followup_sync()

    def _has_questionnaire(self):
        """Whether there is something to send: an archived questionnaire goes on with those who have it only.

        :rtype: bool
        """
        self.ensure_one()
        # sudo: whether it is in use
        return bool(self.survey_id) and (self.state == 'running' or self.sudo().survey_id.active)

    def _has_unfinished(self):
        """Whether somebody has opened an anonymous questionnaire and not finished it.

        :rtype: bool
        """
        self.ensure_one()
        # sudo: whether there is one, not whose
        return self.is_anonymous and bool(self.env['survey.user_input'].sudo().search_count(
            [('campaign_id', '=', self.id), ('state', '!=', 'done'), ('test_entry', '=', False)], limit=1))

    def _end_due(self, today):
        """End what nobody is waiting for: all have answered, or the last day has passed."""
        for campaign in self:
            invites = campaign.invite_ids
            open_invites = invites.filtered(lambda invite: invite.state == 'sent')
            if not invites:
                # A session whose learners have all left: nobody is to be asked.
                if campaign.is_automatic and campaign.date_from < today[campaign]:
                    campaign._cancel(campaign.env._("Nobody was to be asked."))
                continue
            to_remind = open_invites.filtered_domain([('reminder_number', '<', campaign.reminder_max)])
            last = max(
                (invite._last_contact() for invite in open_invites), default=campaign.date_from,
            ) + timedelta(days=campaign.reminder_days)
            if open_invites and campaign.date_to < last:
                # Who was written to late, since the job stood still, has the same time to answer.
                campaign._as_server().write({'date_to': last})
            if not open_invites and not invites.filtered(lambda invite: invite.state in ('bounced', 'failed')):
                # Who has opened a ballot may finish it until the last day.
                is_over = campaign.date_to < today[campaign] or not campaign._has_unfinished()
            else:
                is_over = campaign.date_to < today[campaign] and not to_remind
            if is_over:
                campaign._as_server().write({'state': 'done'})

    # === FROM THE RULES === #

    @api.model
    def _create_safely(self, company):
        """Make the campaigns that the rules of a company ask for; when that fails, one by one, so that a rule or
        a session that is broken does not hold up the others."""
        try:
            with self.env.cr.savepoint():
                self._create_from_rules(company)
            return
        except UniqueViolation:
            # Another run made them in this moment.
            self.env.invalidate_all()
            return
        except Exception:  # whatever one rule does, the others and the other companies go on
            self.env.invalidate_all()
            _logger.exception("Not all campaigns of %s could be made", company)
        asking = self.env['qualiopi.feedback.rule'].search([
            ('company_id', 'parent_of', company.id), ('is_off', '=', False)])
        for rule in asking:
            try:
                with self.env.cr.savepoint():
                    self._create_from_rules(company, only=rule)
            except Exception:  # see above
                self.env.invalidate_all()
                _logger.exception("Rule %s made no campaigns of %s", rule, company)

    @api.model
    def _create_from_rules(self, company, only=None):
        """Make the campaigns of a company's sessions that are due within a month, once each.

        :param only: the one rule whose campaigns are made
        :return: the new campaigns
        """
        today = company._qualiopi_local_date(fields.Datetime.now())
        rules = self.env['qualiopi.feedback.rule'].search([('company_id', 'parent_of', company.id)])
        asking = rules.filtered(lambda rule: not rule.is_off)
        if not asking:
            return self.browse()
        first = min(asking.mapped('offset_days'))
        last = max(asking.mapped('offset_days'))
        events = self.env['event.event'].search([
            ('company_id', '=', company.id),
            ('kanban_state', '!=', 'cancel'),
            ('date_end', '>=', today - timedelta(days=_GRACE_DAYS + 1 + max(last, 0))),
            ('date_begin', '<=', today + timedelta(days=_HORIZON_DAYS + 1 - min(first, 0))),
        ])
        existing = {
            (event.id, stakeholder.id, moment)
            for event, stakeholder, moment in self._read_group(
                [('event_id', 'in', events.ids)], ['event_id', 'stakeholder_id', 'moment'],
            )
        }
        kinds = self._stakeholder_kinds()
        people = self._session_people(events, {kinds[key] for key in asking.stakeholder_id.ids if key in kinds})
        vals_list = []
        for event in events:
            for rule in rules._applying(event):
                if only and rule != only:
                    continue
                date = rule._date_of(event)
                key = (event.id, rule.stakeholder_id.id, rule.moment)
                is_near = today - timedelta(days=_GRACE_DAYS) <= date <= today + timedelta(days=_HORIZON_DAYS)
                if is_near and key not in existing and people.get((event, kinds.get(rule.stakeholder_id.id))):
                    existing.add(key)
                    vals_list.append({
                        **rule._campaign_values(event),
                        'user_id': self._automatic_owner(event).id,
                    })
        creator = self.with_context(lang=company.partner_id.lang or self.env.lang, mail_create_nosubscribe=True)
        return creator._as_server().create(vals_list).with_env(self.env)

    @api.model
    def _automatic_owner(self, event):
        """Who looks after a campaign that a rule makes: the quality lead of the company."""
        lead = event.company_id.qualiopi_manager_id
        return lead if lead.active else lead.browse()

    # === FOLLOWING THE SESSION === #

    def _follow_sessions(self):
        """Stop with a session that is cancelled or archived, go on with one that is taken up again, and move
        with its dates; a day that was chosen by hand stays until the session moves."""
        for campaign in self.filtered('event_id'):
            event = campaign.event_id
            is_alive = event.active and event.kanban_state != 'cancel'
            if not is_alive and campaign.state in ('planned', 'running'):
                campaign._cancel(
                    campaign.env._("The session was cancelled.") if event.active
                    else campaign.env._("The session was archived.")
                )
                campaign._as_server().write({'is_stopped_by_session': True})
            elif is_alive and campaign.is_stopped_by_session:
                campaign._reopen(campaign.env._("The session takes place after all."))
            if not is_alive or campaign.state not in ('planned', 'running'):
                continue
            rule = campaign.rule_id
            if not rule or not campaign.is_automatic:
                continue
            if campaign.state == 'planned' and not campaign._is_wanted():
                campaign._cancel(campaign.env._("The rule that made this campaign applies no longer."))
                continue
            date = rule._date_of(event)
            if date != campaign.rule_date:
                campaign._move(date)

    def _is_wanted(self):
        rules = self.env['qualiopi.feedback.rule'].search([('company_id', 'parent_of', self.company_id.id)])
        return self.rule_id in rules._applying(self.event_id)

    def _move(self, date):
        self.ensure_one()
        values = {'rule_date': date, 'checked_on': False}
        days = date - (self.rule_date or self.date_from)
        values['date_from'] = date
        if self.date_to:
            values['date_to'] = max(self.date_to + days, date)
        self._as_server().write(values)
        if self.state == 'running':
            self._log_texts({self.id: self.env._(
                "The session has moved after the invitations: those who have not answered are reminded from %s on,"
                " counted anew.", date + timedelta(days=self.reminder_days),
            )})

    # === PERSONS === #

    def _sync_invites(self):
        """Bring the invitations in line with the persons concerned today: new ones wait for their mail; who
        was cancelled, moved, deleted or merged is asked no more; a mended address is tried again."""
        # sudo: the invitations are written by the program
        campaigns = self.sudo()
        vals_list = []
        order = {'answered': 0, 'sent': 1}
        for campaign, recipients in campaigns._recipients().items():
            by_registration = {
                registration.id: key for key, vals in recipients.items() for registration in vals['registrations']
            }
            known = set()
            invites = campaign.invite_ids.sorted(lambda invite: (order.get(invite.state, 2), invite.id))
            for invite in invites:
                key = invite._person_now()
                if key not in recipients:
                    key = by_registration.get(invite.registration_id.id, key)
                if key in recipients and key not in known:
                    known.add(key)
                    invite._bring_back(recipients[key])
                elif invite.state not in ('answered', 'excluded'):
                    invite.write({'state': 'excluded', 'reason': invite._why_gone(key in known)})
            for key, vals in recipients.items():
                if key not in known:
                    vals_list.append(campaign._invite_values(key, vals))
        # sudo: only the program writes invitations, whose secrets nobody reads
        self.env['qualiopi.feedback.invite'].sudo().create(vals_list)

    def _invite_values(self, key, vals):
        return {
            'campaign_id': self.id,
            'person_key': key,
            'state': 'waiting' if vals['email'] else 'failed',
            'reason': False if vals['email'] else 'no_email',
            **{name: vals[name] for name in ('partner_id', 'registration_id', 'name', 'email')},
        }

    def _note_failures(self):
        """Note what the mail server refused: those persons are asked on paper or by telephone."""
        # sudo: the queue of mails is nobody's
        failed = self.sudo().invite_ids.filtered(
            lambda invite: invite.state == 'sent' and invite.mail_id.state == 'exception'
        )
        failed.write({'state': 'failed', 'reason': 'mail_failed'})

    @api.model
    def _blur(self):
        """Mix what anonymous campaigns that run have collected: otherwise what the database keeps of each row (its
        number, its place, its day, the transaction that wrote it) would tell in which order people answered."""
        # sudo: the daily job is nobody's
        running = self.sudo().search([('is_anonymous', '=', True), ('means', '=', 'survey'), ('state', '=', 'running')])
        for campaign in running:
            try:
                with self.env.cr.savepoint():
                    campaign._shuffle_answers()
            except (ConcurrencyError, TransactionRollbackError):
                # Somebody answered in this moment: mixed with the others the next night.
                self.env.invalidate_all()
            except Exception:  # whatever one campaign does, the others are mixed, and all go on
                self.env.invalidate_all()
                _logger.exception("The answers of %s could not be mixed", campaign)


class QualiopiFeedbackInvite(models.Model):
    _inherit = 'qualiopi.feedback.invite'

    def _bring_back(self, vals):
        """Ask again whom a mended address or a registration taken up again makes reachable."""
        self.ensure_one()
        if self.state == 'answered' or (self.state == 'excluded' and self.reason == 'by_hand'):
            return
        changed = {
            name: vals[name] for name in ('partner_id', 'registration_id', 'email')
            if self._fields[name].convert_to_write(self[name], self) != vals[name]
        }
        if self.state == 'excluded':
            changed.update(state='sent' if self.sent_on else 'waiting', reason=False)
        elif self.state in ('bounced', 'failed') and vals['email'] and vals['email'] != self.email:
            changed.update(state='waiting', reason=False)
        if changed.get('state', self.state) == 'waiting' and not vals['email']:
            changed.update(state='failed', reason='no_email')
        if changed:
            self.write(changed)

    def _follow_registration(self):
        """Ask no more who has left, or moved to another session, since the job has last run."""
        self.ensure_one()
        registration = self.registration_id
        is_there = registration.state in ('open', 'done') and registration.event_id == self.event_id
        if self.campaign_id.state == 'running' and self.state != 'answered' and not is_there:
            self.campaign_id._sync_invites()

    def _why_gone(self, is_duplicate):
        if is_duplicate:
            return 'duplicate'
        registration = self.registration_id
        if registration and registration.state in ('cancel', 'draft'):
            return 'cancelled'
        if registration and self.event_id and registration.event_id != self.event_id:
            return 'moved'
        return 'gone'

    def action_exclude(self):
        """Take persons out who are not to be asked any more; who has answered stays.

        :raise AccessError: unless the user runs the campaigns
        """
        self.campaign_id._check_treat()
        invites = self.filtered(lambda invite: invite.state != 'answered')
        # sudo: the invitations are written by the program, on behalf of who runs the campaign
        invites.sudo().write({'state': 'excluded', 'reason': 'by_hand'})
        self.campaign_id._followup_sync()
        return True

    def action_take_back(self):
        """Ask again persons who were taken out by hand."""
        self.campaign_id._check_treat()
        for invite in self.filtered(lambda invite: invite.state == 'excluded'):
            # sudo: the invitations are written by the program, on behalf of who runs the campaign
            invite.sudo().write({'state': 'sent' if invite.sent_on else 'waiting', 'reason': False})
        return True

    def _message_bounced(self):
        """The mail came back: nobody has read it."""
        self.filtered(lambda invite: invite.state == 'sent').write({'state': 'bounced', 'reason': 'bounced'})
        self.campaign_id._followup_sync()
