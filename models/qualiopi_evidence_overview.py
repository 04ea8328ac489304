from odoo import api, fields, models, tools
from odoo.tools import SQL

# Records that pieces of evidence belong to, and the columns through which a piece reaches them.
_OWNERS = {
    'complaint_id': 'qualiopi.complaint',
    'finding_id': 'qualiopi.finding',
    'action_id': 'qualiopi.improvement.action',
    'campaign_id': 'qualiopi.feedback.campaign',
    'dropout_id': 'qualiopi.dropout',
    'review_id': 'qualiopi.review',
    'audit_id': 'qualiopi.audit',
}
_RELATION = 'qualiopi_evidence_overview_indicator_rel'


class QualiopiEvidenceOverview(models.Model):
    """All evidence on one screen: one row a piece, and one row for each record that should have one and has none:
    an action carried out without proof, a complaint without its written trace. Nothing confidential."""

    _name = 'qualiopi.evidence.overview'
    _description = "All Evidence"
    _auto = False
    _order = 'date desc, id desc'
    _depends = {
        'qualiopi.evidence': [
            'name', 'kind', 'type', 'date', 'user_id', 'company_id', 'is_confidential', 'check_id', *_OWNERS,
        ],
        'qualiopi.effectiveness.check': ['action_id'],
        **{model: ['company_id', 'reference', 'indicator_ids'] for model in _OWNERS.values()},
        'qualiopi.complaint': [
            'company_id', 'reference', 'indicator_ids', 'name', 'nature', 'received_date', 'user_id', 'event_id',
            'course_id', 'cancelled_on', 'is_imported', 'is_confidential',
        ],
        'qualiopi.improvement.action': [
            'company_id', 'reference', 'indicator_ids', 'name', 'phase', 'done_on', 'user_id', 'event_id', 'course_id',
            'cancelled_on', 'is_imported', 'is_confidential',
        ],
    }

    state = fields.Selection([('present', "There"), ('missing', "Missing")], "Evidence is", readonly=True)
    name = fields.Char("Label", readonly=True)
    reference = fields.Char("No.", readonly=True)
    kind = fields.Selection(selection='_selection_kind', readonly=True)
    date = fields.Date(readonly=True)
    user_id = fields.Many2one('res.users', "Added by, or owner", readonly=True)
    company_id = fields.Many2one('res.company', readonly=True)
    evidence_id = fields.Many2one('qualiopi.evidence', "Piece", readonly=True)
    complaint_id = fields.Many2one('qualiopi.complaint', "Register entry", readonly=True)
    finding_id = fields.Many2one('qualiopi.finding', readonly=True)
    action_id = fields.Many2one('qualiopi.improvement.action', readonly=True)
    campaign_id = fields.Many2one('qualiopi.feedback.campaign', readonly=True)
    dropout_id = fields.Many2one('qualiopi.dropout', readonly=True)
    review_id = fields.Many2one('qualiopi.review', readonly=True)
    audit_id = fields.Many2one('qualiopi.audit', readonly=True)
    event_id = fields.Many2one('event.event', "Session", readonly=True)
    course_id = fields.Many2one('qualiopi.course', readonly=True)
    indicator_ids = fields.Many2many(
        'qualiopi.indicator', _RELATION, 'overview_id', 'indicator_id', "Indicators", readonly=True)

    @api.model
    def _selection_kind(self):
        return self.env['qualiopi.evidence']._fields['kind']._description_selection(self.env)

    def init(self):
        for view in (_RELATION, self._table):
            tools.drop_view_if_exists(self.env.cr, view)
        self.env.cr.execute(SQL("CREATE VIEW %s AS (%s)", SQL.identifier(self._table), self._view()))
        self.env.cr.execute(SQL("CREATE VIEW %s AS (%s)", SQL.identifier(_RELATION), self._indicators()))

    def _view(self):
        # Three kinds of rows, each with numbers of its own.
        return SQL("""
            SELECT e.id * 3 AS id, 'present' AS state, e.name, e.kind, e.date, e.user_id, e.company_id,
                   e.id AS evidence_id, e.complaint_id, e.finding_id, COALESCE(e.action_id, k.action_id) AS action_id,
                   e.campaign_id, e.dropout_id, e.review_id, e.audit_id,
                   COALESCE(c.reference, f.reference, a.reference, p.reference, d.reference, r.reference, u.reference)
                       AS reference,
                   COALESCE(c.event_id, f.event_id, a.event_id, p.event_id, d.event_id) AS event_id,
                   COALESCE(c.course_id, f.course_id, a.course_id, p.course_id, d.course_id) AS course_id
              FROM qualiopi_evidence e
         LEFT JOIN qualiopi_effectiveness_check k ON k.id = e.check_id
         LEFT JOIN qualiopi_complaint c ON c.id = e.complaint_id
         LEFT JOIN qualiopi_finding f ON f.id = e.finding_id
         LEFT JOIN qualiopi_improvement_action a ON a.id = COALESCE(e.action_id, k.action_id)
         LEFT JOIN qualiopi_feedback_campaign p ON p.id = e.campaign_id
         LEFT JOIN qualiopi_dropout d ON d.id = e.dropout_id
         LEFT JOIN qualiopi_review r ON r.id = e.review_id
         LEFT JOIN qualiopi_audit u ON u.id = e.audit_id
             WHERE e.is_confidential IS NOT TRUE
         UNION ALL
            SELECT a.id * 3 + 1, 'missing', a.name, NULL, a.done_on, a.user_id, a.company_id, NULL, NULL, NULL, a.id,
                   NULL, NULL, NULL, NULL, a.reference, a.event_id, a.course_id
              FROM qualiopi_improvement_action a
             WHERE a.phase IN ('check', 'done') AND a.cancelled_on IS NULL AND a.is_imported IS NOT TRUE
               AND a.is_confidential IS NOT TRUE
               AND NOT EXISTS (SELECT 1 FROM qualiopi_evidence e WHERE e.action_id = a.id)
         UNION ALL
            SELECT c.id * 3 + 2, 'missing', c.name, NULL, c.received_date, c.user_id, c.company_id, NULL, c.id, NULL,
                   NULL, NULL, NULL, NULL, NULL, c.reference, c.event_id, c.course_id
              FROM qualiopi_complaint c
             WHERE c.nature = 'complaint' AND c.cancelled_on IS NULL AND c.is_imported IS NOT TRUE
               AND c.is_confidential IS NOT TRUE
               AND NOT EXISTS (SELECT 1 FROM qualiopi_evidence e WHERE e.complaint_id = c.id)
        """)

    def _indicators(self):
        """(row, indicator) pairs: the indicators of the record that a row belongs to."""
        parts = []
        for name, model in _OWNERS.items():
            field = self.env[model]._fields['indicator_ids']
            parts.append(SQL(
                "SELECT o.id AS overview_id, r.%s AS indicator_id FROM %s o JOIN %s r ON r.%s = o.%s",
                SQL.identifier(field.column2), SQL.identifier(self._table), SQL.identifier(field.relation),
                SQL.identifier(field.column1), SQL.identifier(name),
            ))
        return SQL(" UNION ").join(parts)

    def action_open_record(self):
        """Open the record that the piece belongs to, or that lacks one.

        :return: a window action
        :rtype: dict
        """
        self.ensure_one()
        self.check_access('read')
        record = next((self[name] for name in _OWNERS if self[name]), self.evidence_id)
        return {
            'type': 'ir.actions.act_window', 'res_model': record._name, 'res_id': record.id,
            'views': [(False, 'form')], 'name': record.display_name,
        }
