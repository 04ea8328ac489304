"""Indicator 32: continuous improvement, from appreciations and from complaints, and (V10) from risks."""

from dateutil.relativedelta import relativedelta

from .rule import Rule, rule

# Days past due from which an action counts as repeatedly late.
_LONG_OVERDUE = 90


@rule('32-A')
class NoAction(Rule):
    is_organisation = True
    is_formalised_first = True

    def check(self):
        actions = self.situation.actions
        return self.verdict('ok', 'ok', actions) if actions else self.verdict('major', 'missing')

    def texts(self):
        return {
            'ok': self.env._("%(count)s actions opened or moved in the last twelve months."),
            'missing': self.env._("No action was opened or moved in the last twelve months."),
        }


class _NoActionFrom(Rule):
    is_organisation = True
    is_formalised_first = True
    _family = None

    def check(self):
        actions = self.situation.actions
        families = self.situation.families(actions)
        found = actions.filtered(lambda action: self._family in families[action])
        return self.verdict('ok', 'ok', found) if found else self.verdict('major', 'missing')


@rule('32-B')
class NoActionFromAppreciations(_NoActionFrom):
    _family = 'appreciation'

    def texts(self):
        return {
            'ok': self.env._("%(count)s actions of the last twelve months come from appreciations."),
            'missing': self.env._(
                "No action of the last twelve months comes from appreciations: one of the two proofs of the"
                " indicator."),
        }


@rule('32-C')
class NoActionFromComplaints(_NoActionFrom):
    _family = 'complaint'

    def not_applicable(self):
        has_complaint = any(entry.nature == 'complaint' for entry in self.situation.entries)
        return None if has_complaint else 'no_complaint'

    def texts(self):
        return {
            'ok': self.env._("%(count)s actions of the last twelve months come from complaints."),
            'no_complaint': self.env._("No complaint in the last twelve months."),
            'missing': self.env._(
                "Complaints were received and no action comes from them: one of the two proofs of the indicator."),
        }


@rule('32-D')
class ActionsOverdue(Rule):
    def check(self):
        situation = self.situation
        running = situation.open_actions.filtered(lambda action: action.phase in ('plan', 'do'))
        late = running.filtered(lambda action: action.date_due and action.date_due < situation.today)
        long_ago = situation.today - relativedelta(days=_LONG_OVERDUE)
        very_late = late.filtered(lambda action: action.date_due < long_ago)
        if very_late:
            return self.verdict('major', 'long', late, len(running), long=len(very_late))
        return self.own('some', late, len(running))

    def texts(self):
        return {
            'ok': self.env._("No action under way is past due (%(total)s under way)."),
            'some': self.env._("%(count)s of %(total)s actions under way are past due."),
            'long': self.env._(
                "%(count)s of %(total)s actions under way are past due, %(long)s of them by more than 90 days."),
        }


@rule('32-E')
class DoneWithoutEvidence(Rule):
    def check(self):
        done = self.situation.carried_out
        return self.own('some', done.filtered(lambda action: not action.evidence_ids), len(done))

    def texts(self):
        return {
            'ok': self.env._("Each action carried out has its evidence (%(total)s actions)."),
            'some': self.env._("%(count)s of %(total)s actions carried out have no evidence."),
        }


@rule('32-F')
class ChecksOverdue(Rule):
    def check(self):
        situation = self.situation
        planned = situation.search('qualiopi.effectiveness.check', [('state', '=', 'planned')])
        late = planned.filtered(
            lambda check: check.planned_on < situation.today and check.action_id.phase in ('check', 'done'))
        return self.none_or('watch', 'some', late, len(planned))

    def texts(self):
        return {
            'ok': self.env._("No effectiveness check is past due (%(total)s planned)."),
            'some': self.env._("%(count)s effectiveness checks of actions carried out are past due."),
        }


@rule('32-G')
class ActionsWithoutSource(Rule):
    def check(self):
        actions = self.situation.actions.filtered(lambda action: not action.is_imported)
        return self.none_or('watch', 'some', actions.filtered(lambda action: not action.finding_ids), len(actions))

    def texts(self):
        return {
            'ok': self.env._("Each action comes from a finding (%(total)s actions)."),
            'some': self.env._("%(count)s of %(total)s actions come from no finding."),
        }


@rule('32-H')
class NoReview(Rule):
    is_organisation = True

    def check(self):
        reviews = self.situation.reviews
        return self.verdict('ok', 'ok', reviews) if reviews else self.verdict('watch', 'missing')

    def texts(self):
        return {
            'ok': self.env._("%(count)s quality reviews held in the last twelve months."),
            'missing': self.env._("No quality review was held in the last twelve months."),
        }


@rule('32-I')
class DecisionsWithoutAction(Rule):
    def check(self):
        items = self.situation.reviews.item_ids.filtered(lambda item: (item.decision or '').strip())
        lacking = items.filtered(lambda item: not item.action_ids and not item.finding_ids)
        return self.none_or('watch', 'some', lacking.review_id, len(items), items=len(lacking))

    def texts(self):
        return {
            'ok': self.env._("Decisions of the reviews lead to actions (%(total)s decisions)."),
            'some': self.env._("%(items)s of %(total)s decisions of the reviews have no action."),
        }


@rule('32-J')
class NoRiskAnalysis(Rule):
    is_organisation = True

    def check(self):
        situation = self.situation
        risks = situation.search('qualiopi.risk', [('state', '=', 'open')])
        if not risks:
            return self.verdict('major', 'missing')
        updated = risks.filtered(lambda risk: risk.evaluated_on and risk.evaluated_on.date() >= situation.first)
        if not updated:
            return self.verdict('major', 'old', risks)
        return self.verdict('ok', 'ok', updated, len(risks))

    def texts(self):
        return {
            'ok': self.env._("%(count)s of %(total)s risks were evaluated in the last twelve months."),
            'missing': self.env._("There is no analysis of the risks for the quality of the training."),
            'old': self.env._("No risk was evaluated in the last twelve months (%(count)s risks)."),
        }


@rule('32-K')
class NoCompleteChain(Rule):
    is_organisation = True
    is_formalised_first = True

    def check(self):
        situation = self.situation
        closed = situation.search('qualiopi.finding', [('closed_on', '>=', situation._midnight)])
        lacks = closed._chain_lacks()
        complete = closed.filtered(lambda finding: not lacks[finding])
        return self.verdict('ok', 'ok', complete) if complete else self.verdict('major', 'missing')

    def texts(self):
        return {
            'ok': self.env._("%(count)s complete chains in the last twelve months, from the source to the verdict."),
            'missing': self.env._("No complete chain, from the source to the verdict, in the last twelve months."),
        }


@rule('32-L')
class NonconformitiesPastDeadline(Rule):

    def check(self):
        situation = self.situation
        findings = situation.search('qualiopi.finding', [
            ('nc_grade', '!=', False), ('lifted_on', '=', False), ('state', '!=', 'cancelled'),
        ])
        late = findings.filtered(lambda finding: finding.legal_deadline and finding.legal_deadline < situation.today)
        return self.none_or('major', 'some', late, len(findings))

    def texts(self):
        return {
            'ok': self.env._("No nonconformity is open past its legal deadline (%(total)s open)."),
            'some': self.env._("%(count)s of %(total)s open nonconformities are past their legal deadline."),
        }
