import re

from odoo import api, fields, models

# Shorter parts of a name are words as well.
_NAME_LENGTH = 3
# The lookbehind lets each run of characters be read once, however long it is.
_ADDRESS = re.compile(r'(?<!\S)\S+@\S+|\+?\d(?:[\s.-]?\d){8,}')


class QualiopiFeedbackReturn(models.Model):
    """Results given back to a stakeholder: what, to whom, when (RNQ, indicator 30). Written when it is sent."""

    _name = 'qualiopi.feedback.return'
    _description = "Results Given Back"
    _inherit = 'qualiopi.part.mixin'
    _order = 'date desc, id desc'
    _check_company_auto = True
    _server_fields = frozenset({'user_id'})

    name = fields.Char(required=True)
    company_id = fields.Many2one('res.company', required=True, index=True, ondelete='restrict')
    stakeholder_id = fields.Many2one(
        'qualiopi.stakeholder', required=True, index=True, check_company=True, ondelete='restrict',
    )
    event_id = fields.Many2one(
        'event.event', "Session", index='btree_not_null', check_company=True, ondelete='restrict',
    )
    date = fields.Date("Sent on", required=True, default=fields.Date.context_today, index=True)
    partner_ids = fields.Many2many('res.partner', string="Recipients", check_company=True)
    user_id = fields.Many2one(
        'res.users', "Sent by", required=True, readonly=True, copy=False, ondelete='restrict',
        default=lambda self: self.env.user,
    )
    file = fields.Binary(attachment=True)
    file_name = fields.Char()

    def _server_default(self, name):
        return self.env.uid if name == 'user_id' else super()._server_default(name)


class QualiopiFeedbackCampaign(models.Model):
    _inherit = 'qualiopi.feedback.campaign'

    def _shareable_comments(self):
        """Comments of these campaigns that the user may read, with the names of those concerned, addresses and
        telephone numbers struck out.

        :rtype: list[str]
        """
        # Also for callers without rules: nothing of an anonymous campaign before its time.
        readable = self.filtered(lambda campaign: not campaign.is_anonymous or campaign.is_released)
        lines = self.env['survey.user_input.line'].search(
            [('campaign_id', 'in', readable.ids), *self._verbatim_domain()])
        texts = [' '.join((line.value_text_box or line.value_char_box or '').split()) for line in lines]
        return self._strike_names([text for text in texts if text])

    def _strike_names(self, texts):
        # sudo: names only to strike them out
        campaigns = self.sudo()
        events = campaigns.event_id.with_context(active_test=False)
        registrations = events.registration_ids
        partners = registrations.learner_id | registrations.partner_id | events.trainer_ids | campaigns.partner_ids
        names = {
            *registrations.mapped('name'), *campaigns.invite_ids.mapped('name'), *partners.mapped('name'),
            *events.user_id.mapped('name'),
        }
        whole = sorted(filter(None, names), key=len, reverse=True)
        parts = sorted({
            part for name in whole for part in re.split(r"[\s,'’()-]+", name) if len(part) >= _NAME_LENGTH
        }, key=len, reverse=True)
        # A part alone is a name with its capital only: "Pierre", not "pierre".
        shapes = {shape for part in parts for shape in (part[0].upper() + part[1:], part.title(), part.upper())}
        patterns = [_ADDRESS]
        if whole:
            patterns.append(re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, whole))})(?!\w)", re.IGNORECASE))
        if shapes:
            ordered = sorted(shapes, key=len, reverse=True)
            patterns.append(re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, ordered))})(?!\w)"))
        struck = []
        for text in texts:
            for pattern in patterns:
                text = pattern.sub("[…]", text)
            struck.append(text)
        return struck


class QualiopiSatisfactionReport(models.Model):
    _inherit = 'qualiopi.satisfaction.report'

    @api.model
    def _rates_by(self, domain, groupby):
        """Rates of each group of campaigns; those that cannot be given are None.

        :param domain: on this model
        :param list groupby: as ``_read_group`` takes it
        :return: (group values, dict of ``asked``, ``n``, ``response_rate``, ``satisfaction``, ``satisfaction_n``,
            ``nps``, ``nps_n``)
        :rtype: list[tuple]
        """
        self.env.flush_all()
        rows = self._read_group(domain, groupby, [
            'asked_count:sum', 'answer_count:sum', 'response_rate:avg', 'satisfaction:avg', 'satisfaction_n:sum',
            'nps:avg', 'nps_n:sum',
        ])
        result = []
        for row in rows:
            group, (asked, n, rate, satisfaction, satisfaction_n, nps, nps_n) = row[:len(groupby)], row[len(groupby):]
            result.append((group, {
                'asked': int(asked or 0), 'n': int(n or 0),
                'response_rate': None if rate in (False, None) else float(rate),
                'satisfaction': float(satisfaction or 0) if satisfaction_n else None,
                'satisfaction_n': int(satisfaction_n or 0),
                'nps': float(nps or 0) if nps_n else None, 'nps_n': int(nps_n or 0),
            }))
        return result
