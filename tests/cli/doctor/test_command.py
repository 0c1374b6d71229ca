"""``kinto doctor``, as an operator or a script runs it."""

import json
import os
import pty
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from kinto.__main__ import main
from tests.support.api import postgresql_app
from tests.support.doctor import SECRET
from tests.support.postgresql import running_postgresql
from tests.support.processes import free_port, stalled
from tests.support.services import MEMORY_SETTINGS, postgresql_settings, write_ini


Run = Callable[..., "Done"]
DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
GOOD_SETTINGS = {
    "kinto.http_scheme": "https",
    "kinto.userid_hmac_secret": SECRET,
    "kinto.bucket_create_principals": "account:admin",
}


@dataclass(frozen=True, slots=True)
class Done:
    """What a command did."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run ``kinto`` in this process, which takes less time than one of its own."""
    monkeypatch.delenv("KINTO_INI", raising=False)

    def run_here(*args: object) -> Done:
        capsys.readouterr()
        returncode = main([str(arg) for arg in args])
        return Done(returncode, *capsys.readouterr())

    return run_here


def make_ini(folder: Path, settings: dict[str, Any], *, uwsgi: str = "") -> Path:
    ini = write_ini(folder / "kinto.ini", settings)
    with ini.open("a", encoding="utf-8") as file:
        file.write(uwsgi)
    ini.chmod(0o600)
    return ini


def found_by(done: Done) -> dict[str, dict[str, Any]]:
    """What is not fine in a JSON answer, by check."""
    document = json.loads(done.stdout)
    assert done.stderr == ""
    return {each["check"]: each for each in document["checks"] if each["verdict"] != "ok"}


@pytest.fixture(scope="module")
def memory_ini(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("memory")
    return make_ini(folder, {**MEMORY_SETTINGS, **GOOD_SETTINGS})


def test_a_service_without_fault_passes_strictly_and_fails_when_its_database_stalls(
    run: Run, run_kinto: Callable[..., Done], tmp_path: Path
) -> None:
    with running_postgresql(DURABLE) as server:
        url = server.create_database()
        postgresql_app(url)
        ini = make_ini(
            tmp_path,
            {**postgresql_settings(url), **GOOD_SETTINGS},
            uwsgi="[uwsgi]\nprocesses = 4\nthreads = 2\n",
        )

        done = run("doctor", "--ini", ini, "--json", "--strict")

        # On a busy machine a round trip takes longer.
        assert found_by(done).keys() <= {"database.round_trip"}
        connections = next(
            each
            for each in json.loads(done.stdout)["checks"]
            if each["check"] == "database.connections"
        )
        assert "4 processes of 2 threads ([uwsgi])" in connections["found"]
        assert connections["subject"] == "storage, permission, cache"

        assert server.daemon is not None
        with stalled(server.daemon):
            start = monotonic()
            # The process has to end, too, whatever its threads still wait for.
            done = run_kinto("doctor", "--ini", ini, "--json")
            # About five seconds, on a machine that has nothing else to do.
            assert monotonic() - start < 30

        found = found_by(done)
        assert done.returncode == 1
        assert found["database.reachable"]["verdict"] == "failure"
        assert "did not answer in time" in found["database.reachable"]["found"]
        assert {each["verdict"] for each in found.values()} == {"failure", "not checked"}
        assert url.rpartition("@")[0].rpartition(":")[2] not in done.stdout


def test_warnings_count_when_that_is_asked_for(run: Run, memory_ini: Path) -> None:
    done = run("doctor", "--ini", memory_ini)
    assert (done.returncode, done.stderr) == (0, "")
    assert "the storage is in memory" in " ".join(done.stdout.split())

    assert run("doctor", "--ini", memory_ini, "--strict").returncode == 1
    # As of every command, the file may be named before it.
    assert run("--ini", memory_ini, "doctor").returncode == 0


def test_the_table_has_80_columns_and_no_colours_where_it_is_no_terminal(
    run: Run, memory_ini: Path
) -> None:
    lines = run("doctor", "--ini", memory_ini).stdout.splitlines()

    assert lines[0].split() == ["VERDICT", "CHECK", "FOUND"]
    assert max(map(len, lines)) <= 80
    assert "\x1b" not in "".join(lines)


def test_a_terminal_has_colours(memory_ini: Path, environment: dict[str, str]) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "kinto", "doctor", "--ini", str(memory_ini)],
        env={**environment, "COLUMNS": "100"},
        stdin=subprocess.DEVNULL,
        stdout=theirs,
    )
    os.close(theirs)
    shown = b""
    while chunk := _read(ours):
        shown += chunk
    os.close(ours)

    assert process.wait(30) == 0
    assert b"\x1b[33mwarning" in shown


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # the other side is closed
        return b""


def test_everything_that_is_wrong_is_told_at_once(run: Run, tmp_path: Path) -> None:
    settings = {
        **MEMORY_SETTINGS,
        "kinto.storage_backend": "kinto.core.storage.postgresql",
        "kinto.storage_url": f"postgresql://kinto:hidden-word@127.0.0.1:{free_port()}/kinto",
        "kinto.cache_backend": "kinto.core.cache.redis",
        "kinto.cache_url": f"redis://:hidden-word@127.0.0.1:{free_port()}/0",
        "kinto.sentry_dsn": "https://sentry.example/hidden-word",
        "kinto.userid_hmac_secret": "hidden-word",
        "kinto.readonly": "maybe",
        "kinto.pagnate_by": "100",
        "kinto.flush_endpoint_enabled": "true",
    }
    ini = make_ini(tmp_path, settings)
    ini.chmod(0o644)

    done = run("doctor", "--ini", ini, "--json")

    found = found_by(done)
    assert done.returncode == 1
    assert "hidden-word" not in done.stdout
    failures = {name for name, each in found.items() if each["verdict"] == "failure"}
    assert failures == {
        "configuration.file",
        "configuration.values",
        "security.secrets",
        "http.flush",
        "database.reachable",
        "cache.works",
        "monitoring.sentry",
    }
    assert "kinto.paginate_by" in found["configuration.names"]["found"]
    assert found["configuration.start"]["verdict"] == "not checked"
    assert all(each["fix"] for each in found.values() if each["verdict"] != "not checked")


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"kinto.includes": "no_such_plugin"}, "no_such_plugin"),
        ({"kinto.storage_backend": "kinto.core.cache.memory"}, "Invalid storage backend"),
        (
            {
                "kinto.cache_backend": "kinto.core.cache.redis",
                "kinto.cache_url": "http://:hidden-word@redis/0",
            },
            "cache_url",
        ),
    ],
)
def test_what_start_up_refuses_is_told_before(
    run: Run, tmp_path: Path, settings: dict[str, str], text: str
) -> None:
    ini = make_ini(tmp_path, {**MEMORY_SETTINGS, **GOOD_SETTINGS, **settings})

    done = run("doctor", "--ini", ini, "--json")

    assert done.returncode == 1
    found = found_by(done)["configuration.start"]
    assert found["verdict"] == "failure"
    assert text in found["found"]
    assert "hidden-word" not in done.stdout


def test_a_file_that_is_missing_is_a_failure_in_one_line(run: Run, tmp_path: Path) -> None:
    done = run("doctor", "--ini", tmp_path / "none.ini", "--json")

    assert done.returncode == 1
    assert done.stderr == f"ERROR  Could not find config file at {tmp_path}/none.ini\n"
    (check,) = json.loads(done.stdout)["checks"]
    assert (check["check"], check["verdict"]) == ("configuration.file", "failure")


def test_a_misspelt_option_is_wrong_usage(run: Run) -> None:
    with pytest.raises(SystemExit) as raised:
        run("doctor", "--jsn")

    assert raised.value.code == 2


def test_those_who_want_to_see_everything_do(run: Run, memory_ini: Path) -> None:
    done = run("doctor", "--ini", memory_ini, "--debug", "--json")

    assert json.loads(done.stdout)["verdict"] == "warning"
    assert "Running kinto" in done.stderr


def test_an_embedded_database_is_not_started(run: Run, tmp_path: Path) -> None:
    settings = {
        **MEMORY_SETTINGS,
        **GOOD_SETTINGS,
        "kinto.storage_backend": "kinto.core.storage.postgresql",
        "kinto.storage_url": "embedded:data",
    }
    ini = make_ini(tmp_path, settings)

    done = run("doctor", "--ini", ini, "--json")

    found = found_by(done)
    assert done.returncode == 0
    assert found["configuration.start"]["verdict"] == "not checked"
    assert found["database.reachable"]["verdict"] == "not checked"
    assert found["database.reachable"]["fix"] == "kinto start, which starts it"
    assert [path.name for path in tmp_path.iterdir()] == ["kinto.ini"]


def test_sentry_is_not_told_of_a_start(run_kinto: Callable[..., Done], tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        dsn = f"http://key@127.0.0.1:{listener.getsockname()[1]}/1"
        ini = make_ini(tmp_path, {**MEMORY_SETTINGS, **GOOD_SETTINGS, "kinto.sentry_dsn": dsn})

        assert run_kinto("doctor", "--ini", ini).returncode == 0

        listener.settimeout(0.1)
        with pytest.raises(TimeoutError):
            listener.accept()


def test_nothing_that_serves_imports_it() -> None:
    code = (
        "import sys, kinto; kinto.main({});"
        "sys.exit(any(name.startswith('kinto.cli') for name in sys.modules))"
    )

    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=False)

    assert done.returncode == 0
