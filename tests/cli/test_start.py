import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import closing, contextmanager
from types import SimpleNamespace

import pytest

from kinto.cli.databases import find_embedded_folders
from kinto.cli.first_session import first_session_settings
from kinto.cli.server import describe_address, listening_urls, with_port
from kinto.core.postgresql.embedded import default_folder
from tests.support.processes import daemon_user, free_port, service_directory
from tests.support.services import MEMORY_SETTINGS, write_ini


STARTUP_SECONDS = 60


@pytest.fixture
def memory_ini(tmp_path):
    return write_ini(tmp_path / "memory.ini", MEMORY_SETTINGS)


@pytest.fixture
def starting(tmp_path, environment):
    """Starts a server in the background: ``with starting("--port", 1) as process``."""

    @contextmanager
    def start(*args, **variables):
        with (tmp_path / "stdout").open("w") as out, (tmp_path / "stderr").open("w") as err:
            process = subprocess.Popen(
                [sys.executable, "-m", "kinto", "start", *map(str, args)],
                cwd=tmp_path,
                env={**environment, **variables},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()

    return start


@pytest.fixture
def server_folder():
    """A folder where a database may run, whoever runs the tests."""
    with service_directory("start") as folder:
        yield folder


@pytest.fixture
def stderr(tmp_path):
    return (tmp_path / "stderr").read_text


def get_root(port, *, process):
    """The root page, as soon as there is one."""
    deadline = time.monotonic() + STARTUP_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with closing(urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/")) as answer:
                return json.load(answer)
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"no answer, exit code {process.poll()}")


def stop(process, signum=signal.SIGTERM):
    process.send_signal(signum)
    return process.wait(30)


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_serves_until_a_signal_comes(starting, tmp_path, memory_ini, stderr, signum):
    port = free_port()

    with starting("--ini", memory_ini, "--port", port) as process:
        assert get_root(port, process=process)["http_api_version"]
        assert stop(process, signum) == 0

    assert f"Starting server in PID {process.pid}." in stderr()
    assert f"Serving on http://localhost:{port}/v1/" in stderr()
    assert (tmp_path / "stdout").read_text() == ""


def test_literal_port_is_kept_unless_another_is_given(starting, memory_ini):
    literal, explicit = free_port(), free_port()
    text = memory_ini.read_text().replace("%(http_port)s", str(literal))
    memory_ini.write_text(text)

    with starting("--ini", memory_ini) as process:
        assert get_root(literal, process=process)
    with starting("--ini", memory_ini, "--port", explicit) as process:
        assert get_root(explicit, process=process)


def test_port_in_use_is_told(starting, run_kinto, memory_ini):
    port = free_port()

    with starting("--ini", memory_ini, "--port", port) as process:
        get_root(port, process=process)
        result = run_kinto("start", "--ini", memory_ini, "--port", port)

    assert result.returncode == 1
    assert f"Cannot listen on 127.0.0.1:{port}: Address already in use" in result.stderr
    assert "Traceback" not in result.stderr


def test_logging_of_the_file_is_applied(starting, memory_ini, stderr):
    logging_sections = """
[loggers]
keys = root
[handlers]
keys = console
[formatters]
keys = marked
[logger_root]
level = INFO
handlers = console
[handler_console]
class = StreamHandler
args = (sys.stderr,)
formatter = marked
[formatter_marked]
format = MARKED %(message)s
"""
    with memory_ini.open("a") as file:
        file.write(logging_sections)
    port = free_port()

    with starting("--ini", memory_ini, "--port", port) as process:
        get_root(port, process=process)

    assert f"MARKED Serving on http://localhost:{port}/v1/" in stderr()


def test_failure_is_told_on_stderr_wherever_the_file_logs(run_kinto, tmp_path, memory_ini):
    text = memory_ini.read_text().replace("[app:main]", "[app:main]\nkinto.readonly = maybe")
    log = tmp_path / "kinto.log"
    memory_ini.write_text(
        f"{text}[loggers]\nkeys = root\n[handlers]\nkeys = file\n[formatters]\nkeys =\n"
        f"[logger_root]\nlevel = INFO\nhandlers = file\n"
        f"[handler_file]\nclass = FileHandler\nargs = ({str(log)!r},)\n"
    )

    result = run_kinto("start", "--ini", memory_ini)

    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("ERROR  Invalid value for setting 'kinto.readonly'")
    assert "kinto.readonly" in log.read_text()


def test_reload_starts_again_when_the_file_changes(starting, memory_ini, stderr):
    port = free_port()

    with starting("--ini", memory_ini, "--port", port, "--reload") as process:
        get_root(port, process=process)
        deadline = time.monotonic() + STARTUP_SECONDS
        # Touched again later, it would start again before it has started.
        while "changed; reloading" not in stderr() and time.monotonic() < deadline:
            # Its watcher compares times of modification.
            os.utime(memory_ini, (time.time(), time.time()))
            time.sleep(0.5)
        while stderr().count("Starting server in PID") < 2 and time.monotonic() < deadline:
            time.sleep(0.1)
        assert stderr().count("Starting server in PID") >= 2
        stop(process)


@pytest.mark.parametrize(
    ("options", "expected", "address"),
    [
        ({"port": "1"}, {"port": "2"}, "0.0.0.0:2"),
        ({"host": "h"}, {"host": "h", "port": "2"}, "h:2"),
        ({"listen": "*:1 h:1"}, {"listen": "*:2 h:2"}, "*:2 h:2"),
        ({"unix_socket": "/s"}, {"unix_socket": "/s"}, "/s"),
    ],
)
def test_explicit_port_stands_for_the_written_one(options, expected, address):
    assert with_port(options, 2) == expected
    assert describe_address(expected) == address


@pytest.mark.parametrize(
    ("listening", "urls"),
    [
        ([("127.0.0.1", "1")], ["http://localhost:1/v1/"]),
        ([("0.0.0.0", "1"), ("::", "2")], ["http://0.0.0.0:1/v1/", "http://[::]:2/v1/"]),
        ([("unix", "/run/kinto.sock")], ["unix:/run/kinto.sock"]),
    ],
)
def test_where_it_listens_is_told(listening, urls):
    several = SimpleNamespace(effective_listen=listening)
    host, port = listening[0]
    one = SimpleNamespace(effective_host=host, effective_port=port)

    assert list(listening_urls(several, path="/v1/")) == urls
    assert list(listening_urls(one, path="/v1/")) == urls[:1]


class TestWithoutFile:
    def test_everything_is_in_an_embedded_database(self, tmp_path):
        settings = first_session_settings()

        for kind in ("storage", "cache", "permission"):
            assert settings[f"{kind}_backend"] == f"kinto.core.{kind}.postgresql"
        assert find_embedded_folders(settings, tmp_path) == (default_folder(),)

    def test_environment_may_ask_for_other_backends(self, tmp_path, monkeypatch):
        for kind in ("STORAGE", "CACHE", "PERMISSION"):
            monkeypatch.setenv(f"KINTO_{kind}_BACKEND", f"kinto.core.{kind.lower()}.memory")

        assert find_embedded_folders(first_session_settings(), tmp_path) == ()

    def test_relative_folders_start_at_that_of_the_file(self, tmp_path):
        settings = {
            "kinto.storage_backend": "kinto.core.storage.postgresql",
            "kinto.storage_url": "embedded:./var",
            "kinto.cache_backend": "kinto.core.cache.memory",
        }

        assert find_embedded_folders(settings, tmp_path) == (tmp_path / "var",)

    def test_memory_backends_by_environment(self, starting, stderr):
        port = free_port()
        variables = {
            f"KINTO_{kind.upper()}_BACKEND": f"kinto.core.{kind}.memory"
            for kind in ("storage", "cache", "permission")
        }

        with starting("--port", port, **variables) as process:
            root = get_root(port, process=process)
            assert stop(process) == 0

        assert "basicauth" in root["capabilities"]
        assert f"Serving on http://localhost:{port}/v1/" in stderr()

    def test_first_session_keeps_its_data(self, starting, server_folder, stderr):
        pytest.importorskip("psycopg2")
        folder = server_folder / "embedded"
        variables = {"KINTO_EMBEDDED_USER": daemon_user() or "kinto"} | {
            f"KINTO_{kind}_URL": f"embedded://{folder}"
            for kind in ("STORAGE", "CACHE", "PERMISSION")
        }
        created = []
        for _ in range(2):
            port = free_port()
            with starting("--port", port, **variables) as process:
                get_root(port, process=process)
                request = urllib.request.Request(
                    f"http://127.0.0.1:{port}/v1/buckets/mine",
                    method="PUT",
                    headers={"Authorization": "Basic bWU6bWU="},
                )
                with closing(urllib.request.urlopen(request)) as answer:
                    created.append(answer.status)
                assert stop(process) == 0

        assert created == [201, 200], stderr()
