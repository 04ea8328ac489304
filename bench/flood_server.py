"""Odoo with two workers, and a proxy before it, for dev/bench flood: both on the loopback, both gone afterwards."""
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from odoo.tools import config

_WAIT_SECONDS = 120
_NGINX = """
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://127.0.0.1:{behind};
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-Host $http_host;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto $scheme;
        }}
    }}
}}
"""


def _free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


class _Process:
    """A program that answers at a port of the loopback while it is entered."""

    def __enter__(self):
        self.folder = Path(tempfile.mkdtemp(prefix='bench-flood-'))
        self.port = _free_port()
        self.log = self.folder / 'log'
        with self.log.open('wb') as log:
            self.process = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        try:
            self._wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _wait(self):
        end = time.monotonic() + _WAIT_SECONDS
        while time.monotonic() < end and self.process.poll() is None:
            try:
                with urllib.request.urlopen(f'http://127.0.0.1:{self.port}/web/login', timeout=30):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.3)
        raise SystemExit(f"{self.command()[0]} does not answer:\n{self.log.read_text()[-2000:]}")


class Server(_Process):

    def __init__(self, database, *options):
        self.database, self.options = database, options

    def command(self):
        # A file of its own: Odoo starts it once more for its bus.
        program = self.folder / 'odoo-bin'
        program.write_text('import odoo.cli\n\nodoo.cli.main()\n')
        return [
            sys.executable, str(program), '-d', self.database, '--workers=2', '--max-cron-threads=0',
            f'--http-port={self.port}', '--http-interface=127.0.0.1', f'--gevent-port={_free_port()}',
            f'--db_host={config["db_host"]}', f'--db_user={config["db_user"]}', f'--data-dir={config["data_dir"]}',
            f'--addons-path={",".join(config["addons_path"])}', '--smtp=127.0.0.1', '--smtp-port=9', *self.options,
        ]

    def lines(self):
        """Number of lines of the log."""
        return len(self.log.read_text(errors='replace').splitlines())

    def errors(self):
        """Lines of the log that report an error."""
        text = self.log.read_text(errors='replace')
        return [line for line in text.splitlines() if ' ERROR ' in line or ' CRITICAL ' in line]


class Proxy(_Process):

    def __init__(self, program, behind):
        """
        :param str program: path of nginx
        :param int behind: port of the server
        """
        self.program, self.behind = program, behind

    def command(self):
        settings = self.folder / 'nginx.conf'
        settings.write_text(_NGINX.format(folder=self.folder, port=self.port, behind=self.behind))
        return [self.program, '-c', str(settings), '-p', str(self.folder), '-e', str(self.folder / 'error.log')]


def find_nginx():
    """Path of nginx: the machine's own, or Debian's package unpacked into the cache, without installing it.

    :return: the path, None when it cannot be had
    """
    if found := shutil.which('nginx'):
        return found
    # The data folder is the checkout's, in the cache.
    folder = Path(config['data_dir']).parent / 'nginx'
    program = folder / 'usr/sbin/nginx'
    if not program.exists():
        print("    nginx is not installed: fetching Debian's package into the cache", flush=True)
        folder.mkdir(exist_ok=True)
        try:
            subprocess.run(['apt-get', 'download', 'nginx'], cwd=folder, check=True, capture_output=True)
            [package] = folder.glob('nginx_*.deb')
            subprocess.run(['dpkg', '-x', package, folder], check=True, capture_output=True)
        except (OSError, ValueError, subprocess.CalledProcessError):
            return None
    return str(program)
