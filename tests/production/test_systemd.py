"""The unit for systemd: systemd accepts it, and what it tells systemd to run does what it says."""

import re
import shlex
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping
from configparser import RawConfigParser
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.production.adapted import recommended_uwsgi
from tests.support.deployment import ROOT, Deployment
from tests.support.http import Site, wait_until
from tests.support.pages import adapt
from tests.support.processes import Daemon, daemon_user, find_program, running
from tests.support.webservers import new_site, wait_for_service


UNIT = ROOT / "contrib" / "systemd" / "kinto.service"
# Of `systemd-analyze security`: 0 is what has no rights at all, 100 what may do everything.
MOST_EXPOSED = 20


@pytest.fixture(scope="module")
def unit(deployment: Deployment) -> str:
    """The unit, for the folder of a test."""
    changes = {
        "/opt/kinto/bin": deployment.virtualenv / "bin",
        "/run/kinto": deployment.folder,
        "/etc/kinto/kinto.ini": deployment.folder / "config" / "kinto.ini",
    }
    return adapt(UNIT.read_text(encoding="utf-8"), changes)


@pytest.fixture(scope="module")
def service_section(unit: str) -> Mapping[str, str]:
    """Its section on the process."""
    parser = RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment]  # names keep their case
    parser.read_string(unit)
    return dict(parser["Service"])


@pytest.fixture
def unit_file(unit: str, tmp_path: Path) -> Path:
    path = tmp_path / "kinto.service"
    path.write_text(unit, encoding="utf-8")
    return path


def analyze(*arguments: object) -> subprocess.CompletedProcess[str]:
    program = find_program("systemd-analyze", package="systemd")
    return subprocess.run(
        [program, *map(str, arguments)], capture_output=True, text=True, check=False
    )


def test_systemd_accepts_the_unit(unit_file: Path) -> None:
    done = analyze("verify", "--man=no", unit_file)

    # It looks at other units of the machine too.
    assert [line for line in done.stderr.splitlines() if "kinto" in line] == []
    assert done.returncode == 0, done.stderr


def test_the_service_has_few_rights(unit_file: Path) -> None:
    done = analyze("security", "--offline=true", f"--threshold={MOST_EXPOSED}", unit_file)

    assert done.returncode == 0, done.stdout


@contextmanager
def started(
    deployment: Deployment, section: Mapping[str, str], *, port: int
) -> Iterator[tuple[Daemon, socket.socket]]:
    """What ExecStart runs, as systemd would; and the socket on which it tells its state."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notifications:
        address = str(deployment.folder / "notify")
        notifications.bind(address)
        notifications.settimeout(60)
        if user := daemon_user():
            shutil.chown(address, user)
        name, _, value = section["Environment"].partition("=")
        command = shlex.split(section["ExecStart"].replace(f"${{{name}}}", value))
        with running(
            [*command, "--http-socket", f"127.0.0.1:{port}"],
            log_file=deployment.folder / "service.log",
            user=daemon_user(),
            env=deployment.environment(NOTIFY_SOCKET=address, **{name: value}),
        ) as daemon:
            yield daemon, notifications


def run_as_service(command: str) -> None:
    """Run a command of the unit as its user."""
    user = daemon_user()
    subprocess.run(
        shlex.split(command), check=True, user=user, extra_groups=None if user is None else []
    )


def test_its_commands_start_reload_and_stop_the_service(
    deployment: Deployment, settings: Mapping[str, str], service_section: Mapping[str, str]
) -> None:
    assert service_section["Type"] == "notify"
    port, site = new_site()
    uwsgi = recommended_uwsgi(deployment)
    deployment.write_ini(settings, more=uwsgi)

    with started(deployment, service_section, port=port) as (daemon, notifications):
        assert "READY=1" in _told(notifications)
        wait_for_service(daemon, site)
        assert site.get("/v1/").headers["Backoff"] is None
        wait_until(lambda: daemon.log().count(" ready in ") >= 4, what="four workers")

        deployment.write_ini({**settings, "kinto.backoff": "10"}, more=uwsgi)
        run_as_service(service_section["ExecReload"])
        wait_until(lambda: _backoffs(site) == {"10"}, what="the changed configuration")
        wait_until(
            lambda: "chain reloading complete" in daemon.log(), what="the end of the reload"
        )

        # There is no ExecStop: systemd sends this.
        assert "ExecStop" not in service_section
        daemon.process.send_signal(signal.SIGTERM)
        limit = int(service_section["TimeoutStopSec"])
        assert daemon.process.wait(limit) == 0


def test_a_stop_takes_no_longer_than_systemd_waits(
    deployment: Deployment, service_section: Mapping[str, str]
) -> None:
    mercy = re.search(
        r"^worker-reload-mercy = (\d+)$", recommended_uwsgi(deployment), re.MULTILINE
    )

    assert mercy
    assert int(mercy[1]) < int(service_section["TimeoutStopSec"])


def _told(notifications: socket.socket) -> str:
    """What the service told systemd, until it was ready."""
    told = ""
    while "READY=1" not in told:
        told += notifications.recv(4096).decode()
    return told


def _backoffs(site: Site) -> set[str | None]:
    return {site.get("/v1/").headers["Backoff"] for _ in range(12)}
