"""A server and tables that do not go together say so (operations 3.9)."""

import logging
from collections.abc import Callable
from typing import Any

import pytest

from kinto import main
from kinto.__main__ import main as command_line
from kinto.core.postgresql import client as client_module
from kinto.core.storage.postgresql import Storage
from tests.startup.conftest import process_is_restored  # noqa: F401  # for every test here
from tests.support.api import Client, postgresql_app
from tests.support.old_databases import make_database_of, make_database_of_26_5, run_sql
from tests.support.processes import free_port
from tests.support.services import postgresql_settings, write_ini


pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

NEWER = Storage.schema_version + 1
TOO_NEW = f"Storage schema version {NEWER} found, {NEWER - 1} expected. Upgrade this server."
TOO_OLD = 'Storage schema version {} found, {} expected. Run "kinto migrate".'


@pytest.fixture
def newer(new_database: Callable[[], str]) -> str:
    """URL of a database that a later version has migrated."""
    url = new_database()
    postgresql_app(url)
    client_module._CLIENTS.clear()  # as in a process that connects for the first time
    run_sql(url, f"INSERT INTO metadata VALUES ('storage_schema_version', '{NEWER}')")
    return url


def errors(records: list[logging.LogRecord]) -> list[str]:
    return [record.getMessage() for record in records if record.levelno == logging.ERROR]


def heartbeat(url: str) -> tuple[int, Any]:
    answer = Client(main({}, **postgresql_settings(url))).get("/__heartbeat__")
    return answer.status, answer.json


def test_old_server_on_newer_tables_says_so_at_the_first_connection(
    newer: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert heartbeat(newer) == (503, {"storage": False, "permission": True, "cache": True})
    assert TOO_NEW in errors(caplog.records)


@pytest.fixture
def started_once(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], int]:
    """Runs `kinto start` until it would serve."""
    monkeypatch.setattr("kinto.cli.start.run_server", lambda serve, address: None)

    def start(url: str) -> int:
        ini = write_ini(tmp_path / "kinto.ini", postgresql_settings(url))
        return command_line(["start", "--ini", str(ini), "--port", str(free_port())])

    return start


def test_old_server_on_newer_tables_says_so_at_start_up(
    newer: str, started_once: Callable[[str], int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert started_once(newer) == 0
    assert TOO_NEW in capsys.readouterr().err


def test_migrate_refuses_newer_tables_in_one_line(
    newer: str, tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    ini = write_ini(tmp_path / "kinto.ini", postgresql_settings(newer))

    assert command_line(["migrate", "--ini", str(ini)]) == 1

    assert capsys.readouterr().err.splitlines()[-1] == (
        f"ERROR  PostgreSQL storage schema: Expected version {NEWER - 1}. Found version {NEWER}."
    )


@pytest.fixture(params=[11, 26], ids=["3.0", "26.5"])
def older(request: pytest.FixtureRequest, new_database: Callable[[], str]) -> tuple[str, str]:
    """URL of a database that was not migrated, and what is to be said about it."""
    url = new_database()
    if request.param == 11:
        make_database_of(11, url, user="basicauth:owner")
    else:
        make_database_of_26_5(url)
    return url, TOO_OLD.format(request.param, Storage.schema_version)


def test_new_server_on_older_tables_says_so_at_the_first_connection(
    older: tuple[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    url, message = older
    status, checks = heartbeat(url)
    assert (status, checks["storage"]) == (503, False)
    assert message in errors(caplog.records)


def test_new_server_on_older_tables_says_so_at_start_up(
    older: tuple[str, str],
    started_once: Callable[[str], int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    url, message = older
    assert started_once(url) == 0
    assert message in capsys.readouterr().err
