"""Cancel entries of the dropout register that say twice that a learner stopped, so that the index on them can be made:
it waits until the end of the upgrade. The entry that was closed stays, else the first."""

from odoo import SUPERUSER_ID, api


def migrate(cr, version):
    env = api.Environment(cr, SUPERUSER_ID, {})
    Dropout = env['qualiopi.dropout']
    counting = Dropout.search([
        ('registration_id', '!=', False), ('cancelled_on', '=', False),
        '|', ('outcome', '=', False), ('outcome', '!=', 'resumed'),
    ], order='id')
    for dropouts in counting.grouped('registration_id').values():
        kept = dropouts.filtered('closed_on')[:1] or dropouts[:1]
        for double in dropouts - kept:
            double = double.with_context(lang=double.company_id._qualiopi_signal_lang())
            reason = double.env._("Recorded twice: see %s.", kept.reference)
            if double.closed_on:
                double._reopen(reason)
            double._cancel(reason)
