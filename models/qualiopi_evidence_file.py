import logging

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import ConcurrencyError, UserError, ValidationError
from odoo.fields import NO_ACCESS
from odoo.tools.misc import formatLang

_logger = logging.getLogger(__name__)

# A step that was begun this often without an end is not begun again by itself.
_ATTEMPTS = 3
_USER_FIELDS = {'name', 'company_id', 'date_from', 'date_to', 'indicator_ids', 'is_anonymised'}


class QualiopiEvidenceFile(models.Model):
    """A dated snapshot of what the registers say for a period and some indicators, as one ZIP to hand over.

    This file holds what people see and the job; report/evidence_*.py hold what goes into the ZIP.
    """

    _name = 'qualiopi.evidence.file'
    _description = "Evidence File"
    _inherit = ['qualiopi.program.mixin', 'mail.thread', 'qualiopi.menu.mixin']
    _menu_part = 'audit'
    _order = 'snapshot_on desc, id desc'
    _server_fields = frozenset({
        'state', 'user_id', 'snapshot_on', 'finished_on', 'is_gathered', 'attempts', 'progress', 'progress_text',
        'note', 'error', 'piece_ids', 'file_count', 'missing_count', 'size', 'sha256', 'manifest_sha256',
        'cover_sha256', 'totals',
    })

    name = fields.Char(required=True, compute='_compute_name', store=True, readonly=False, precompute=True)
    company_id = fields.Many2one(
        'res.company', required=True, index=True, ondelete='restrict', default=lambda self: self.env.company,
    )
    date_from = fields.Date("From", required=True, default=lambda self: self._default_date_from())
    date_to = fields.Date("To", required=True, default=fields.Date.context_today)
    indicator_ids = fields.Many2many(
        'qualiopi.indicator', string="Indicators", help="Without any: all indicators.",
    )
    is_anonymised = fields.Boolean(
        "Anonymised", help="Codes stand for names, also inside texts. Originals and attachments are left out: their"
        " fingerprints are listed. What the codes stand for is kept apart.",
    )
    state = fields.Selection([
        ('draft', "Draft"),
        ('making', "Being made"),
        ('done', "Ready to hand over"),
        ('failed', "Stopped"),
    ], required=True, readonly=True, default='draft', copy=False, tracking=True)
    user_id = fields.Many2one(
        'res.users', "Made by", required=True, readonly=True, copy=False, ondelete='restrict', index=True,
        default=lambda self: self.env.user,
    )
    snapshot_on = fields.Datetime("Snapshot of", readonly=True, copy=False)
    finished_on = fields.Datetime(readonly=True, copy=False)
    is_gathered = fields.Boolean(readonly=True, copy=False, export_string_translation=False)
    attempts = fields.Integer(readonly=True, copy=False, export_string_translation=False)
    progress = fields.Integer("Progress (%)", readonly=True, copy=False, aggregator=None)
    progress_text = fields.Char("Step", readonly=True, copy=False)
    note = fields.Text("Remarks", readonly=True, copy=False)
    error = fields.Text("Why it stopped", readonly=True, copy=False)
    piece_ids = fields.One2many('qualiopi.evidence.piece', 'file_id', "Contents", readonly=True, copy=False)
    file_count = fields.Integer("Files", readonly=True, copy=False, aggregator=None)
    missing_count = fields.Integer("Missing files", readonly=True, copy=False, aggregator=None)
    size = fields.Integer("Size (bytes)", readonly=True, copy=False, aggregator=None)
    size_text = fields.Char("Size", compute='_compute_size_text')
    sha256 = fields.Char("SHA-256 of the ZIP", readonly=True, copy=False)
    manifest_sha256 = fields.Char("SHA-256 of the manifest", readonly=True, copy=False, index='btree_not_null')
    cover_sha256 = fields.Char("SHA-256 of the cover", readonly=True, copy=False)
    totals = fields.Json(readonly=True, copy=False, export_string_translation=False)
    # Handed out by the controller alone, which notes each download.
    zip_file = fields.Binary("ZIP", attachment=True, groups=NO_ACCESS, copy=False)

    # === DEFAULTS AND COMPUTES === #

    def _default_date_from(self):
        return fields.Date.context_today(self) - relativedelta(years=1) + relativedelta(days=1)

    @api.depends('date_from', 'date_to', 'is_anonymised')
    def _compute_name(self):
        for file in self:
            if file.date_from and file.date_to:
                file.name = self.env._(
                    "Evidence file %(first)s – %(last)s", first=file.date_from.strftime('%Y-%m-%d'),
                    last=file.date_to.strftime('%Y-%m-%d'),
                )
            else:
                file.name = self.env._("Evidence file")

    @property
    def reference(self):
        """What the access log calls the file."""
        return self.name

    @api.depends('size')
    @api.depends_context('lang')
    def _compute_size_text(self):
        for file in self:
            megabytes = formatLang(self.env, file.size / 1024 ** 2, digits=1)
            file.size_text = self.env._("%s MB", megabytes) if file.size else False

    @api.constrains('date_from', 'date_to')
    def _check_dates(self):
        for file in self:
            if file.date_from > file.date_to:
                raise ValidationError(self.env._("The period ends before it begins."))

    # === LOCK === #

    @api.model_create_multi
    def create(self, vals_list):
        if not self._is_server():
            vals_list = [
                {name: value for name, value in vals.items()
                 if name in _USER_FIELDS or name.startswith(('message_', 'activity_'))}
                for vals in vals_list
            ]
        return super().create(vals_list)

    def write(self, vals):
        names = {name for name in vals if not name.startswith(('message_', 'activity_'))}
        if names and not self._is_server():
            self.check_access('write')
            if names - _USER_FIELDS:
                raise UserError(self.env._("The state and the contents of an evidence file are the program's to say."))
            if any(file.state != 'draft' for file in self):
                raise UserError(self.env._(
                    "An evidence file is a snapshot: it stays as it was made. Create another one.",
                ))
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_done(self):
        if any(file.state in ('making', 'done') for file in self):
            raise UserError(self.env._("An evidence file that was made is kept: it proves what was handed over."))

    # === ACTIONS === #

    def action_make(self):
        """Have the file made in the background, from the start or from where it stopped.

        :raise UserError: when it is made already, or by somebody else
        """
        self.check_access('write')
        for file in self:
            if file.state not in ('draft', 'failed'):
                raise UserError(self.env._("This evidence file is made already, or just being made."))
            file._as_server().write({
                'state': 'making', 'user_id': file.user_id.id if file.is_gathered else self.env.uid,
                'snapshot_on': file.snapshot_on if file.is_gathered else fields.Datetime.now(),
                'attempts': 0, 'error': False, 'progress_text': self.env._("Waiting for its turn"),
            })
        # sudo: the job is started, by whoever may have a file made
        self.env.ref('qualiopi.ir_cron_evidence_file').sudo()._trigger()
        return True

    def action_download(self):
        """The ZIP.

        :raise UserError: before it is done
        """
        self.ensure_one()
        if self.state != 'done':
            raise UserError(self.env._("The evidence file is not ready yet."))
        return {'type': 'ir.actions.act_url', 'url': f'/qualiopi/evidence-file/{self.id}', 'target': 'download'}

    def _attachment(self):
        """The attachment that holds the ZIP, as superuser: the caller has checked who asks."""
        self.ensure_one()
        # sudo: nobody reads the attachment itself; the download is noted
        return self.env['ir.attachment'].sudo().search([
            ('res_model', '=', self._name), ('res_field', '=', 'zip_file'), ('res_id', '=', self.id),
        ], limit=1, order='id desc')

    # === JOB === #

    @api.model
    def _cron_make(self):
        """Make the files that wait, step by step: each step is kept, whatever happens to the next."""
        progress = self.env['ir.cron']._commit_progress
        files = self.search([('state', '=', 'making')], order='snapshot_on, id')
        if not progress(remaining=len(files)):
            return
        for file in files:
            while file.state == 'making':
                if not file.try_lock_for_update():
                    break
                file._run_step()
                is_over = file.state != 'making'
                if not progress(int(is_over)):
                    return

    def _run_step(self):
        """Run one step as the owner of the file; what fails stops the file with a plain reason."""
        self.ensure_one()
        server = self._as_server()
        if self.attempts >= _ATTEMPTS:
            server.write({'state': 'failed', 'error': self.env._(
                "The step \"%s\" was begun three times and never came to its end. Ask your administrator for more"
                " memory or time for scheduled actions, or choose a shorter period.", self.progress_text,
            )})
            return
        server.attempts += 1
        # A process that is killed leaves this behind.
        self.env['ir.cron']._commit_progress()
        # sudo: none; the job acts with the owner's rights, never with more
        owner = self.with_user(self.user_id).with_context(
            allowed_company_ids=self.company_id.ids, lang=self.user_id.lang, tz=self.user_id.tz,
        )
        try:
            with self.env.cr.savepoint():
                owner._step()
                self.env.flush_all()
        except OSError as error:
            _logger.exception("Evidence file %s", self.id)
            self._stop(owner.env._(
                "The server could not write the file (%s). Ask your administrator to make room on its disk; then try"
                " again: what was made so far is kept.", error.strerror or type(error).__name__,
            ))
        except UserError as error:
            self._stop(str(error))
        except ConcurrencyError:
            # Somebody else gave codes at the same time: the next run begins the step again.
            self.env.invalidate_all()
        except Exception as error:
            if hasattr(error, 'pgcode'):
                # The database says when a transaction is to be run again.
                raise
            _logger.exception("Evidence file %s", self.id)
            self._stop(owner.env._(
                "An unexpected error stopped the file. Try again; when it happens again, tell your administrator (%s).",
                type(error).__name__,
            ))
        else:
            server.attempts = 0

    def _stop(self, reason):
        self.env.invalidate_all()
        self._as_server().write({'state': 'failed', 'error': reason})


class QualiopiEvidencePiece(models.Model):
    """One file of a ZIP: planned, made, and then listed."""

    _name = 'qualiopi.evidence.piece'
    _description = "File of an Evidence File"
    _order = 'file_id, path, id'
    _rec_name = 'path'

    file_id = fields.Many2one(
        'qualiopi.evidence.file', required=True, readonly=True, index=True, ondelete='cascade',
    )
    company_id = fields.Many2one(related='file_id.company_id', store=True, index=True)
    kind = fields.Selection([
        ('document', "Document"),
        ('workbook', "Spreadsheet"),
        ('original', "Original"),
        ('index', "Index"),
    ], required=True, readonly=True)
    state = fields.Selection([
        ('todo', "To make"),
        ('ready', "Made"),
        ('missing', "Missing"),
        ('left_out', "Left out"),
    ], required=True, readonly=True, default='todo')
    path = fields.Char(readonly=True)
    title = fields.Char(readonly=True)
    numbers = fields.Char("Indicators", readonly=True)
    record = fields.Char(readonly=True)
    date = fields.Date(readonly=True)
    author = fields.Char(readonly=True)
    sha256 = fields.Char("SHA-256", readonly=True)
    size = fields.Integer("Size (bytes)", readonly=True, aggregator='sum')
    note = fields.Char("Remark", readonly=True)
    report = fields.Char(readonly=True, export_string_translation=False)
    attachment_id = fields.Many2one('ir.attachment', readonly=True, ondelete='set null')
    expected_sha256 = fields.Char(readonly=True, export_string_translation=False)
    # What is made between two steps; the ZIP has it in the end.
    content = fields.Binary(attachment=True, groups=NO_ACCESS)
