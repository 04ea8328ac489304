from odoo.tools import SQL

# In the order in which nothing left refers to what is deleted.
_REGISTERS = (
    'qualiopi_signal', 'qualiopi_publication', 'qualiopi_feedback_return', 'qualiopi_audit_visit',
    'qualiopi_audit_link', 'qualiopi_evidence_piece', 'qualiopi_evidence_file', 'qualiopi_pseudonym',
    'qualiopi_readiness_run', 'qualiopi_readiness_result',
    'qualiopi_evidence', 'qualiopi_dropout_contact', 'qualiopi_dropout', 'qualiopi_result',
    'qualiopi_feedback_invite', 'qualiopi_feedback_campaign', 'qualiopi_feedback_rule',
    'qualiopi_review_item', 'qualiopi_access_log', 'qualiopi_complaint_version', 'qualiopi_postponement',
    'qualiopi_risk_evaluation', 'qualiopi_risk', 'qualiopi_nil_statement',
    'qualiopi_communication', 'qualiopi_review', 'qualiopi_procedure', 'qualiopi_effectiveness_check',
    'qualiopi_improvement_action', 'qualiopi_audit_slot', 'qualiopi_audit_question',
    'qualiopi_finding', 'qualiopi_complaint', 'qualiopi_audit', 'qualiopi_certificate', 'qualiopi_number',
)


def uninstall_hook(env):
    """Let go of what Odoo deletes one by one: the lists, which the rows of the registers hold on to, our
    types, which activities have, and calendars of ours (the demo data have one), which companies work by."""
    env.cr.execute(SQL("UPDATE qualiopi_improvement_action SET replaced_by_id = NULL"))
    env.cr.execute(SQL("UPDATE qualiopi_complaint SET duplicate_of_id = NULL"))
    env.cr.execute(SQL("UPDATE event_event SET course_id = NULL"))
    env.cr.execute(SQL("UPDATE event_type SET course_id = NULL"))
    # Appreciations go with their campaigns: left behind, they would be read by all who make surveys.
    env.cr.execute(SQL("UPDATE qualiopi_publication SET line_id = NULL"))
    env.cr.execute(SQL("DELETE FROM survey_user_input WHERE campaign_id IS NOT NULL"))
    for table in _REGISTERS:
        env.cr.execute(SQL("DELETE FROM %s", SQL.identifier(table)))
    env.invalidate_all()
    env.cr.execute(SQL("DELETE FROM mail_activity WHERE res_model LIKE %s", 'qualiopi.%'))
    env['mail.activity'].with_context(active_test=False).search([
        ('activity_type_id', 'in', _ours(env, 'mail.activity.type')),
    ]).activity_type_id = env.ref('mail.mail_activity_data_todo')
    calendars = _ours(env, 'resource.calendar')
    for company in env['res.company'].search([('resource_calendar_id', 'in', calendars)]):
        other = env['resource.calendar'].search([
            ('id', 'not in', calendars), ('company_id', 'in', [company.id, False]),
        ], order='company_id, id', limit=1)
        if other:
            company.resource_calendar_id = other
        else:
            company._create_resource_calendar()


def _ours(env, model):
    """Ids of the records of ``model`` that came with the addon."""
    return env['ir.model.data'].search([('module', '=', 'qualiopi'), ('model', '=', model)]).mapped('res_id')
