import base64
import hashlib

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from .qualiopi_guarded_mixin import is_meaningful

_OWNERS = (
    'complaint_id', 'finding_id', 'action_id', 'check_id', 'campaign_id', 'dropout_id', 'review_id', 'audit_id',
)
_MAX_SIZE = 25 * 1024 * 1024
_REFUSED_TYPES = ('text/html', 'application/xhtml+xml', 'image/svg+xml', 'application/javascript',
                  'text/javascript', 'application/x-dosexec', 'application/x-msdownload', 'text/xml')


class QualiopiEvidence(models.Model):
    _name = 'qualiopi.evidence'
    _description = "Evidence"
    _inherit = 'qualiopi.part.mixin'
    _order = 'date desc, id desc'
    _check_company_auto = True
    _server_fields = frozenset({'user_id'})

    name = fields.Char("Label", required=True, compute='_compute_name', store=True, readonly=False, precompute=True)
    kind = fields.Selection([
        ('before', "Before"),
        ('after', "After"),
        ('document', "Updated document"),
        ('minutes', "Minutes"),
        ('procedure', "Procedure"),
        ('invoice', "Invoice"),
        ('activity_return', "Yearly activity return (BPF)"),
        ('other', "Other"),
    ], required=True, default='other')
    type = fields.Selection([
        ('file', "File"),
        ('link', "Link"),
        ('statement', "Written statement"),
    ], required=True, default='file')
    file = fields.Binary(attachment=True)
    file_name = fields.Char()
    url = fields.Char("Link")
    statement = fields.Text(help="What was done, by whom and when, where no document shows it.")
    date = fields.Date(required=True, default=fields.Date.context_today)
    user_id = fields.Many2one(
        'res.users', "Added by", required=True, readonly=True, copy=False, ondelete='restrict',
        default=lambda self: self.env.user,
    )
    sha256 = fields.Char("SHA-256", compute='_compute_sha256', store=True)
    size = fields.Integer("Size (bytes)", compute='_compute_sha256', store=True, aggregator='sum')
    mimetype = fields.Char("Type of file", compute='_compute_sha256', store=True)

    complaint_id = fields.Many2one(
        'qualiopi.complaint', "Register entry", index='btree_not_null', ondelete='restrict', check_company=True,
    )
    finding_id = fields.Many2one('qualiopi.finding', index='btree_not_null', ondelete='restrict', check_company=True)
    action_id = fields.Many2one(
        'qualiopi.improvement.action', index='btree_not_null', ondelete='restrict', check_company=True,
    )
    check_id = fields.Many2one(
        'qualiopi.effectiveness.check', index='btree_not_null', ondelete='restrict', check_company=True,
    )
    campaign_id = fields.Many2one(
        'qualiopi.feedback.campaign', "Feedback campaign", index='btree_not_null', ondelete='restrict',
        check_company=True,
    )
    dropout_id = fields.Many2one('qualiopi.dropout', index='btree_not_null', ondelete='restrict', check_company=True)
    review_id = fields.Many2one('qualiopi.review', index='btree_not_null', ondelete='restrict', check_company=True)
    audit_id = fields.Many2one('qualiopi.audit', index='btree_not_null', ondelete='restrict', check_company=True)
    company_id = fields.Many2one('res.company', compute='_compute_company_id', store=True, index=True, precompute=True)
    is_confidential = fields.Boolean(compute='_compute_is_confidential', store=True, precompute=True)
    is_locked = fields.Boolean(compute='_compute_is_locked')

    # === COMPUTES === #

    def _owner(self):
        """The register record that the piece of evidence belongs to."""
        self.ensure_one()
        for name in _OWNERS:
            if self[name]:
                return self[name]
        return None

    @api.depends('file_name', 'url', 'statement')
    def _compute_name(self):
        for evidence in self:
            if not evidence.name:
                statement = (evidence.statement or '').strip().split('\n', 1)[0][:80]
                evidence.name = evidence.file_name or statement or evidence.url

    @api.depends(*(f'{name}.company_id' for name in _OWNERS))
    def _compute_company_id(self):
        for evidence in self:
            owner = evidence._owner()
            evidence.company_id = owner.company_id if owner else False

    @api.depends(*(f'{name}.is_confidential' for name in _OWNERS))
    def _compute_is_confidential(self):
        for evidence in self:
            owner = evidence._owner()
            evidence.is_confidential = bool(owner and owner.is_confidential)

    def _compute_is_locked(self):
        for evidence in self:
            owner = evidence._owner()
            evidence.is_locked = bool(owner and owner.is_locked)

    @api.depends('file')
    def _compute_sha256(self):
        # sudo: the files of these pieces alone, of which whoever reads the piece learns hash, size and type
        attachments = self.env['ir.attachment'].sudo().search([
            ('res_model', '=', self._name), ('res_field', '=', 'file'), ('res_id', 'in', self.ids),
        ])
        by_id = {attachment.res_id: attachment for attachment in attachments}
        for evidence in self:
            attachment = by_id.get(evidence.id)
            content = attachment.raw if attachment else base64.b64decode(evidence.file or b'')
            evidence.sha256 = hashlib.sha256(content).hexdigest() if content else False
            evidence.size = len(content)
            evidence.mimetype = attachment.mimetype if attachment else False

    # === CONSTRAINTS === #

    @api.constrains(*_OWNERS)
    def _check_one_owner(self):
        for evidence in self:
            if sum(bool(evidence[name]) for name in _OWNERS) != 1:
                raise ValidationError(self.env._("A piece of evidence belongs to exactly one record."))

    @api.constrains('type', 'file', 'url', 'statement', 'date')
    def _check_content(self):
        for evidence in self:
            if evidence.type == 'file' and not evidence.file:
                raise ValidationError(self.env._("Add the file, or choose a link or a written statement."))
            if evidence.type == 'link' and not (evidence.url or '').lower().startswith(('http://', 'https://')):
                raise ValidationError(self.env._("A link starts with https:// or http://."))
            if evidence.type == 'statement' and not is_meaningful(evidence.statement):
                raise ValidationError(self.env._("Write in words what was done, by whom and when."))
            if evidence.size > _MAX_SIZE:
                raise ValidationError(self.env._(
                    "The file is larger than %s MB: add a link to it instead.", _MAX_SIZE // 1024 ** 2,
                ))
            if evidence.mimetype in _REFUSED_TYPES:
                raise ValidationError(self.env._(
                    "Files of this type are not accepted as evidence: add a PDF, an image, an office"
                    " document or an e-mail."
                ))

    # === CRUD === #

    @api.model_create_multi
    def create(self, vals_list):
        evidence = super().create(vals_list)
        evidence._check_unlocked()
        for name in _OWNERS:
            evidence._log_on(name, self.env._("Evidence added: %s"))
        evidence.action_id._followup_sync()
        return evidence

    def write(self, vals):
        self._check_unlocked()
        for name in vals.keys() & set(_OWNERS):
            if any(evidence[name].id != vals[name] for evidence in self):
                raise UserError(self.env._("A piece of evidence stays with its record: add another one."))
        if self.filtered('sha256') and 'file' in vals:
            raise UserError(self.env._("A file given as evidence is not replaced: add another one."))
        result = super().write(vals)
        self._check_unlocked()
        return result

    def unlink(self):
        actions = self.action_id
        result = super().unlink()
        actions._followup_sync()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_locked(self):
        self._check_unlocked()
        for action in self.action_id:
            if action.phase == 'check' and not action.is_imported and not action.evidence_ids - self:
                raise UserError(self.env._(
                    "%s counts as carried out by this evidence: add another piece before withdrawing it.",
                    action.reference,
                ))
        for name in _OWNERS:
            self._log_on(name, self.env._("Evidence withdrawn: %s"))

    def _server_default(self, name):
        return self.env.uid if name == 'user_id' else super()._server_default(name)

    def _check_unlocked(self):
        for name in _OWNERS:
            self.mapped(name)._check_unlocked()

    def _log_on(self, name, text):
        """One note a record in the chatter, in one statement for all of them."""
        bodies = {
            owner.id: text % ", ".join(pieces.mapped('name')) for owner, pieces in self.grouped(name).items() if owner
        }
        if bodies:
            self.mapped(name)._log_texts(bodies)
