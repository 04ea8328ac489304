"""The acknowledgement names all the messages that it answers: bring templates up to date that nobody has edited."""

from odoo import SUPERUSER_ID, api


def migrate(cr, version):
    env = api.Environment(cr, SUPERUSER_ID, {})
    template = env.ref('qualiopi.mail_template_acknowledgement', raise_if_not_found=False)
    # What a person has written stays: their letter goes on naming one number at a time.
    if template and template.write_date == template.create_date and template.write_uid.id == SUPERUSER_ID:
        template.reset_template()
