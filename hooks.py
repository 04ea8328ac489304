from odoo.tools import SQL

# In the order in which nothing left refers to what is deleted.
_REGISTERS = (
    'qualiopi_evidence', 'qualiopi_access_log', 'qualiopi_complaint_version', 'qualiopi_postponement',
    'qualiopi_communication', 'qualiopi_effectiveness_check', 'qualiopi_improvement_action',
    'qualiopi_finding', 'qualiopi_complaint', 'qualiopi_number',
)


def uninstall_hook(env):
    """Empty the registers first: their rows hold on to the lists, which Odoo deletes one by one."""
    env.cr.execute(SQL("UPDATE qualiopi_improvement_action SET replaced_by_id = NULL"))
    env.cr.execute(SQL("UPDATE qualiopi_complaint SET duplicate_of_id = NULL"))
    env.cr.execute(SQL("UPDATE event_event SET course_id = NULL"))
    env.cr.execute(SQL("UPDATE event_type SET course_id = NULL"))
    for table in _REGISTERS:
        env.cr.execute(SQL("DELETE FROM %s", SQL.identifier(table)))
    env.invalidate_all()
