"""The servers that stand in front of the application, or have it inside: each a real one."""

import itertools
import os
import pwd
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.support.deployment import Deployment
from tests.support.http import Site, wait_until
from tests.support.processes import (
    Daemon,
    DaemonError,
    daemon_user,
    find_program,
    free_port,
    running,
    service_directory,
    unavailable,
    wait_for_port,
)


# Of log files: each process has its own.
_numbers = itertools.count(1)
UWSGI_PARAMS = Path("/etc/nginx/uwsgi_params")
_APACHE_MODULES = Path("/usr/lib/apache2/modules")
_NGINX = """\
{user}
daemon off;
pid nginx.pid;
error_log nginx.log;
worker_processes 1;
events {{ worker_connections 512; }}
http {{
    access_log access.log;
    client_body_temp_path body;
    proxy_temp_path proxy;
    uwsgi_temp_path uwsgi;
    fastcgi_temp_path fastcgi;
    scgi_temp_path scgi;
    {site}
}}
"""
_APACHE = """\
ServerRoot {directory}
ServerName localhost
DefaultRuntimeDir {directory}
PidFile {directory}/apache.pid
Listen 127.0.0.1:{port}
ErrorLog {directory}/apache.log
LogLevel info
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule authz_host_module {modules}/mod_authz_host.so
LoadModule env_module {modules}/mod_env.so
LoadModule wsgi_module {modules}/mod_wsgi.so
WSGISocketPrefix {directory}/wsgi
StartServers 1
ServerLimit 2
ThreadsPerChild 8
MaxRequestWorkers 16
MinSpareThreads 1
MaxSpareThreads 16
{user}
{site}
"""


@contextmanager
def running_nginx(site: str) -> Iterator[tuple[Daemon, Path]]:
    """nginx with that configuration in its ``http`` block.

    :param site: ``{port}`` in it is where it listens: the caller has filled that in.
    :returns: its process, and its folder with ``access.log`` and ``nginx.log``.
    """
    program = find_program("nginx", package="nginx-light")
    with service_directory("nginx") as directory:
        configuration = directory / "nginx.conf"
        user = f"user {daemon_user()} nogroup;" if daemon_user() else ""
        configuration.write_text(_NGINX.format(user=user, site=site), encoding="utf-8")
        command = [program, "-p", f"{directory}/", "-e", "nginx.log", "-c", str(configuration)]
        with running(command, log_file=directory / "output.log") as daemon:
            yield daemon, directory


@contextmanager
def running_apache(site: str, *, port: int) -> Iterator[tuple[Daemon, Path]]:
    """Apache with that configuration, mod_wsgi loaded.

    :returns: its process, and its folder with ``apache.log``.
    """
    program = find_program("apache2", package="apache2")
    if not (_APACHE_MODULES / "mod_wsgi.so").exists():
        unavailable("mod_wsgi", hint="install the package libapache2-mod-wsgi-py3")
    with service_directory("apache") as directory:
        user = f"User {daemon_user()}\nGroup nogroup" if daemon_user() else ""
        configuration = directory / "apache.conf"
        text = _APACHE.format(
            directory=directory, port=port, modules=_APACHE_MODULES, user=user, site=site
        )
        configuration.write_text(text, encoding="utf-8")
        command = [program, "-f", str(configuration), "-D", "FOREGROUND"]
        with running(command, log_file=directory / "output.log") as daemon:
            try:
                wait_for_port(daemon, port=port)
            except DaemonError as error:
                log = directory / "apache.log"
                raise DaemonError(f"{error}{log.read_text() if log.exists() else ''}") from error
            yield daemon, directory


@contextmanager
def running_uwsgi(
    deployment: Deployment,
    ini: Path,
    *,
    program: str | None = None,
    options: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
) -> Iterator[Daemon]:
    """uWSGI with the section of that file.

    :param program: the one of the virtual environment, unless another is named.
    """
    command = [program or deployment.script("pyuwsgi"), "--ini", str(ini), *options]
    with running(
        command,
        log_file=deployment.folder / f"uwsgi-{next(_numbers)}.log",
        env=deployment.environment(**(environment or {})),
        stop_signal=signal.SIGINT,
    ) as daemon:
        yield daemon


@contextmanager
def running_gunicorn(
    deployment: Deployment, command: Sequence[str], *, environment: Mapping[str, str]
) -> Iterator[Daemon]:
    """gunicorn, started with these arguments in the folder of the service."""
    with running(
        [deployment.script("gunicorn"), *command],
        log_file=deployment.folder / f"gunicorn-{next(_numbers)}.log",
        user=daemon_user(),
        env=deployment.environment(**environment),
    ) as daemon:
        yield daemon


def wait_for_service(daemon: Daemon, site: Site) -> None:
    """Return when the service behind a server answers.

    :raises DaemonError: its process has ended.
    """

    def is_up() -> bool:
        if daemon.process.poll() is not None:
            raise DaemonError(daemon.log_tail())
        try:
            return site.get("/v1/__lbheartbeat__").status == 200
        except OSError:
            return False

    try:
        wait_until(is_up, what=f"an answer of {site.url}")
    except AssertionError as error:
        raise DaemonError(f"{error}\n{daemon.log_tail()}") from error


def new_site(*, scheme: str = "http", host: str | None = None) -> tuple[int, Site]:
    """A free port, and the address of the server that will listen there."""
    port = free_port()
    return port, Site(f"{scheme}://127.0.0.1:{port}", host=host)


def service_ids() -> tuple[int, int]:
    """Numbers of the user and the group that a service runs as."""
    user = daemon_user()
    entry = pwd.getpwnam(user) if user else pwd.getpwuid(os.geteuid())
    return entry.pw_uid, entry.pw_gid


def make_certificate(directory: Path, *, name: str) -> tuple[Path, Path]:
    """A certificate that nobody signed, and its key."""
    program = find_program("openssl", package="openssl")
    certificate, key = directory / "kinto.pem", directory / "kinto.key"
    command = [
        program, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
        "-nodes", "-days", "2", "-subj", f"/CN={name}", "-out", certificate, "-keyout", key,
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL)
    return certificate, key
