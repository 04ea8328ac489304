import logging
import os
import subprocess
import tempfile

from odoo import api, models
from odoo.exceptions import UserError
from odoo.tools.misc import find_in_path

_logger = logging.getLogger(__name__)

# Below Odoo's own limit for a request (limit_time_real, 120 s), so that the user gets our words.
PDF_TIME_LIMIT = 100


class IrActionsReport(models.Model):
    _inherit = 'ir.actions.report'

    @api.model
    def _is_qualiopi_report(self, report_ref):
        """Whether the report is one of ours: the overrides below leave all others alone."""
        if not report_ref:
            return False
        return (self._get_report(report_ref).report_name or '').startswith('qualiopi.report_')

    def _get_layout(self):
        if len(self) == 1 and self._is_qualiopi_report(self):
            layout = self.env.ref('qualiopi.report_minimal_layout', raise_if_not_found=False)
            if layout:
                return layout
        return super()._get_layout()

    @api.model
    def _run_wkhtmltopdf(
            self, bodies, report_ref=False, header=None, footer=None, landscape=False,
            specific_paperformat_args=None, set_viewport_size=False):
        """For our reports: no session cookie handed out and no waiting time, since our pages load
        nothing, and a time limit, which Odoo's own call lacks (quality.md, F1).

        :raise UserError: says what to do when wkhtmltopdf is missing, fails or takes too long
        """
        if not self._is_qualiopi_report(report_ref):
            return super()._run_wkhtmltopdf(
                bodies, report_ref=report_ref, header=header, footer=footer, landscape=landscape,
                specific_paperformat_args=specific_paperformat_args,
                set_viewport_size=set_viewport_size,
            )
        arguments = self._build_wkhtmltopdf_args(
            self._get_report(report_ref).get_paperformat(), landscape,
            specific_paperformat_args=specific_paperformat_args, set_viewport_size=set_viewport_size,
        )
        arguments[arguments.index('--javascript-delay') + 1] = '0'
        with tempfile.TemporaryDirectory(prefix='qualiopi.report.') as folder:

            def save(name, content):
                path = os.path.join(folder, name)
                with open(path, 'w', encoding='utf-8') as file:
                    file.write(str(content))
                return path

            if header:
                arguments += ['--header-html', save('header.html', header)]
            if footer:
                arguments += ['--footer-html', save('footer.html', footer)]
            # The running heads find their article by the number in this name.
            arguments += [
                save(f'report.body.tmp.{index}.html', body) for index, body in enumerate(bodies)
            ]
            target = os.path.join(folder, 'report.pdf')
            return self._qualiopi_call_wkhtmltopdf([*arguments, target], target)

    @api.model
    def _qualiopi_call_wkhtmltopdf(self, arguments, target):
        """Run wkhtmltopdf and return the PDF.

        :param list[str] arguments: command line without the program, target file included
        :param str target: path of the PDF that the command writes
        :rtype: bytes
        :raise UserError: when no PDF comes of it
        """
        try:
            process = subprocess.run(
                [find_in_path('wkhtmltopdf'), *arguments], capture_output=True, check=False,
                encoding='utf-8', errors='replace', timeout=PDF_TIME_LIMIT,
            )
        except subprocess.TimeoutExpired as error:
            _logger.warning("wkhtmltopdf: stopped after %s s", PDF_TIME_LIMIT)
            raise UserError(self.env._(
                "The PDF was not ready after %s seconds. Print a shorter period or fewer records, "
                "or take the spreadsheet (XLSX).", PDF_TIME_LIMIT,
            )) from error
        except OSError as error:
            _logger.warning("wkhtmltopdf: %s", error)
            raise UserError(self.env._(
                "The program that makes PDF files (wkhtmltopdf) is not installed on the server. Ask "
                "your administrator; until then, take the spreadsheet (XLSX).",
            )) from error
        content = b''
        if os.path.exists(target):
            with open(target, 'rb') as file:
                content = file.read()
        # 1 means that something on a page could not be loaded: the PDF is there all the same.
        if process.returncode not in (0, 1) or not content.startswith(b'%PDF'):
            _logger.warning("wkhtmltopdf: code %s: %s", process.returncode, process.stderr[-1000:])
            raise UserError(self.env._(
                "The program that makes PDF files (wkhtmltopdf) failed on the server (code %(code)s). "
                "Print fewer records or take the spreadsheet (XLSX), and tell your administrator.",
                code=process.returncode,
            ))
        return content
