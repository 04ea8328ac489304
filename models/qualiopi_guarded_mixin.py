from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL, plaintext2html

from .qualiopi_list_mixin import QualiopiListMixin

# Fields of Odoo's own mechanisms, which a closed record lets pass (design, rule 5).
_OPEN_PREFIXES = ('message_', 'activity_', 'website_message_', 'rating_', 'my_activity_')
_OPEN_FIELDS = {'access_token', 'color'}


def is_meaningful(text):
    """Whether a reason or a statement says anything: a dot or a dash is not an answer.

    :param str text: what the user typed
    :rtype: bool
    """
    return sum(char.isalnum() for char in text or '') >= 3


class QualiopiGuardedMixin(models.AbstractModel):
    _name = 'qualiopi.guarded.mixin'
    _description = "Lock and Confidentiality of Quality Records"
    _inherit = ['qualiopi.program.mixin', 'mail.thread', 'mail.activity.mixin']
    _check_company_auto = True

    # Reading one of these is opening the record (design, rule 8).
    _narrative_fields = {'description'}
    # Whose the record is.
    _owner_field = 'user_id'

    is_locked = fields.Boolean(compute='_compute_is_locked')

    # === COMPANY === #

    def _check_company(self, fnames=None):
        # Records of a batch that name the same company, people and records are compared once.
        everything = fnames is None or 'company_id' in fnames
        names = [
            name for name, field in self._fields.items()
            if field.relational and field.check_company and (everything or name in fnames)
        ]
        # sudo: as Odoo's own comparison
        records = self.sudo()
        # What the cache knows of the values of lists is not read again.
        names = [name for name in names if not all(record._is_at_home(record[name]) for record in records)]
        kept = {(record.company_id, *(record[name]._ids for name in names)): record.id for record in records}
        return super(QualiopiGuardedMixin, self.browse(kept.values()))._check_company(names)

    def _is_at_home(self, values):
        return isinstance(values, QualiopiListMixin) and all(
            value._cached_company_id() in (False, self.company_id.id) for value in values
        )

    # === LOCK === #

    def _compute_is_locked(self):
        for record in self:
            # The saved record decides: a form that is about to end it must still be able to say so.
            record.is_locked = bool(record._origin) and record._origin._is_ended()

    def _is_ended(self):
        """Whether the record is closed or cancelled, and so refuses changes (design, rule 5)."""
        return bool(self.closed_on or self.cancelled_on)

    def _closed_to(self, vals):
        """Whether ``vals`` touches what a closed record refuses."""
        return any(
            name not in _OPEN_FIELDS and not name.startswith(_OPEN_PREFIXES) for name in vals
        )

    def _check_unlocked(self):
        """Refuse when one of the records is closed or cancelled.

        :raise UserError: names the record and says to reopen it (design, rule 5)
        """
        # sudo: a closed record refuses also those who may not read it, and tells them nothing
        for record in self.sudo():
            if record._is_ended() and not record._is_server():
                # A refusal tells nobody about a record that is not theirs.
                is_known = record.with_env(self.env).has_access('read')
                raise UserError(self.env._(
                    "%s is closed: it keeps what it says. Reopen it, with a reason, to change it.",
                    record.display_name if is_known else self.env._("This record"),
                ))

    def _process_attachments_for_post(self, attachments, attachment_ids, message_values):
        # What comes with a message is chatter, which a closed record lets pass.
        return super(QualiopiGuardedMixin, self._as_server())._process_attachments_for_post(
            attachments, attachment_ids, message_values,
        )

    # === ALL THAT IS LINKED === #

    def _linked_pairs(self, name):
        """Links of a many2many, whatever the user may see of the other side.

        Read from its table: the cache of an x2many is shared by sudo and user, and reading it here
        would give one the other's view.

        :param str name: a stored many2many
        :return: pairs (id, id on the other side)
        :rtype: list[tuple[int, int]]
        """
        field = self._fields[name]
        ids = tuple(self._origin.ids)
        if not ids:
            return []
        self.env[field.comodel_name].flush_model(['id'])
        return self.env.execute_query(SQL(
            "SELECT %(own)s, %(other)s FROM %(table)s WHERE %(own)s IN %(ids)s ORDER BY %(own)s, %(other)s",
            own=SQL.identifier(field.column1), other=SQL.identifier(field.column2),
            table=SQL.identifier(field.relation), ids=ids,
        ))

    def _all_linked(self, name):
        """Records of a many2many, also those that the user may not see, as superuser: for gates, which
        count all of them, never to be shown.

        :param str name: a stored many2many
        """
        # sudo: what is decided depends on all records, and nothing of them is given away
        comodel = self.env[self._fields[name].comodel_name].sudo()
        return comodel.browse({other for __, other in self._linked_pairs(name)})

    def _visible_links(self, name):
        """Records of a many2many that the user sees, and which of them each record has; in three queries
        for all records.

        :param str name: a stored many2many
        :return: all records, and recordsets by id
        :rtype: tuple[recordset, dict]
        """
        pairs = self._linked_pairs(name)
        comodel = self.env[self._fields[name].comodel_name]
        visible = comodel.browse({other for __, other in pairs})._filtered_access('read')
        kept = set(visible.ids)
        by_id = {}
        for own, other in pairs:
            if other in kept:
                by_id.setdefault(own, []).append(other)
        return visible, {own: comodel.browse(others).with_prefetch(visible.ids) for own, others in by_id.items()}

    # === CONFIDENTIALITY === #

    def _check_confidential_access(self):
        """Somebody outside the confidential group would lose the record in the middle of saving it."""
        if not self.env.su and not self.env.user.has_group('qualiopi.group_confidential'):
            raise UserError(self.env._(
                "This would make the record confidential, and you would no longer see it."
                " Use the button \"Hand over as confidential\" instead."
            ))

    def _excluded_users(self):
        """Users who are named in the report and may not see it (design, rule 8)."""
        return self.env['res.users']

    def _filter_audience(self, users):
        """Which of ``users`` may see the record: active internal users of its company with a role, and
        for a confidential record the confidential group without the persons excluded."""
        self.ensure_one()
        # sudo: rights of others are asked, not shown; the users given come back with the caller's rights
        record = self.sudo()
        group = 'qualiopi.group_confidential' if record.is_confidential else None
        return users.sudo().filtered(
            lambda user: user.active and not user.share
            and record.company_id in user.company_ids
            and (user.has_group(group) if group else self._has_role(user))
            and user not in record._excluded_users()
        ).with_env(users.env)

    @api.model
    def _has_role(self, user):
        return any(user.has_group(f'qualiopi.group_{role}') for role in ('declarant', 'auditor'))

    def _allowed_partners(self, partners):
        """Which of ``partners`` may receive what is written on a confidential record."""
        self.ensure_one()
        # sudo: which of the partners given have an account with access
        users = self._filter_audience(partners.sudo().user_ids)
        return partners.filtered(lambda partner: partner in users.partner_id)

    def _allowed_addresses(self):
        """Addresses without a partner that may receive what is written on a confidential record."""
        return set()

    def _restrict_audience(self):
        """Take followers, activities and ownership from people without access, since they would get
        the text by mail (design, rule 8)."""
        # sudo: whoever makes a record confidential need not be able to read it afterwards
        for record in self.sudo().with_context(mail_notrack=True):
            kept = record._allowed_partners(record.message_partner_ids)
            record.message_unsubscribe((record.message_partner_ids - kept).ids)
            activities = record.activity_ids
            allowed = record._filter_audience(activities.user_id)
            (activities - activities.filtered_domain([('user_id', 'in', allowed.ids)])).unlink()
            owner = record[self._owner_field]
            if owner and not record._filter_audience(owner):
                manager = record.company_id.qualiopi_manager_id
                record._as_server()[self._owner_field] = record._filter_audience(manager)
        neighbours = self._confidential_neighbours()
        if neighbours:
            neighbours._restrict_audience()

    def _confidential_neighbours(self):
        """The records downstream, to which confidentiality passes."""
        return self.browse()

    def _notify_get_recipients(self, message, msg_vals=False, **kwargs):
        recipients = super()._notify_get_recipients(message, msg_vals=msg_vals, **kwargs)
        # sudo: whether the record is confidential is asked, not shown
        if not self or not self.sudo().is_confidential:
            return recipients
        partners = self.env['res.partner'].browse([data['id'] for data in recipients if data['id']])
        allowed = set(self._allowed_partners(partners).ids)
        addresses = self._allowed_addresses()
        return [
            data for data in recipients
            if (data['id'] in allowed if data['id'] else data['email_normalized'] in addresses)
        ]

    def _read_format(self, fnames, load='_classic_read'):
        if not self.env.su and self._narrative_fields & set(fnames):
            self._note_access('open')
        return super()._read_format(fnames, load=load)

    def export_data(self, fields_to_export):
        self._note_access('export')
        return super().export_data(fields_to_export)

    def _note_access(self, operation):
        """Note in the access log that confidential records among these were seen.

        :param str operation: see qualiopi.access.log
        """
        # sudo: whether records are confidential is asked; they go on with the caller's rights
        confidential = self.sudo().filtered('is_confidential').with_env(self.env)
        self.env['qualiopi.access.log']._log(confidential, operation)

    # === CHATTER === #

    def _creation_message(self):
        # Nothing of the subject: messages travel further than the record.
        return self.env._("Recorded")

    def _log_texts(self, texts):
        """Note plain texts in the chatters, in one statement for all records.

        :param dict texts: plain text by record id
        :return: the messages
        """
        # sudo: notes of the program, as of what the caller just did
        return self.sudo()._message_log_batch({key: plaintext2html(text) for key, text in texts.items()})
