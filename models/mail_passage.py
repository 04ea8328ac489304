"""One e-mail of ours on its way through Odoo's gateway: where it goes, and what becomes of it."""

from typing import NamedTuple

from odoo import SUPERUSER_ID, models

from .qualiopi_guarded_mixin import QualiopiGuardedMixin

# What a mail becomes.
ENTRY_MODEL = 'qualiopi.complaint'


class Target(NamedTuple):
    """Where a mail goes: values of the entry to be made by company id, or the record that it answers; whether
    it goes to other applications too; whether its sender is one of our own addresses."""

    places: dict
    record: models.Model = None
    has_others: bool = False
    is_own_sender: bool = False


class Passage:
    """One mail of ours on its way through Odoo's gateway, and what becomes of it."""

    def __init__(self, mail, rows, has_others):
        """
        :param MailReader mail: the message
        :param dict rows: its line in the list of incoming mails, by company id; a company whose line is not
            there has had the message before
        """
        self.mail = mail
        self.rows = rows
        self.has_others = has_others
        self.is_routed = False
        self.own_addresses = {}
        self.outcome = None
        self.entry_ids = []

    @staticmethod
    def is_ours(env, model):
        return model in env and isinstance(env[model], QualiopiGuardedMixin)

    def own_routes(self, env, routes):
        """The routes as they are followed: ours once a company, in nobody's name, and counted by the loop
        limit also without an alias (quality.md, G4)."""
        kept, by_company = [], {}
        for route in routes or ():
            model, thread_id, values, __, alias = route
            if not self.is_ours(env, model):
                kept.append(route)
            elif thread_id:
                if self.rows:
                    kept.append((model, thread_id, values, SUPERUSER_ID, alias))
            elif model == ENTRY_MODEL:
                place = env['qualiopi.incoming.mail']._place_of(values, alias)
                company = place['company_id']
                if company in self.rows and (company not in by_company or place['event_id']):
                    by_company[company] = (model, 0, values, SUPERUSER_ID, alias)
        return kept + list(by_company.values())
