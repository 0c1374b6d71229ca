"""Several processes of one service, under a real uWSGI: each scrape shows the sum of all."""

import os
import shutil
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from kinto.plugins.prometheus.multiprocess import find_service, prepare_folder
from tests.support.processes import (
    Daemon,
    find_program,
    free_port,
    running,
    service_directory,
)
from tests.support.services import MEMORY_SETTINGS, _wait_until_answering, write_ini


ROOT = Path(__file__).parent.parent.parent.parent
REQUESTS = 60


@dataclass(frozen=True, slots=True)
class Service:
    """A running service of two processes."""

    url: str
    folder: Path
    daemon: Daemon

    def get(self, path: str) -> tuple[int, str]:
        """Status and body."""
        try:
            with urllib.request.urlopen(f"{self.url}{path}", timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, ""

    def send_requests(self) -> None:
        """Enough at once for both processes to get some."""
        with ThreadPoolExecutor(8) as pool:
            statuses = set(pool.map(lambda _: self.get("/")[0], range(REQUESTS)))
        assert statuses == {200}

    def worker_pids(self) -> set[int]:
        """Processes that have answered."""
        return {int(path.stem.rpartition("_")[2]) for path in self.folder.glob("*.db")}

    def hello_count(self) -> float:
        """How often the root URL was answered, by whichever process is asked."""
        status, text = self.get("/__metrics__")
        assert status == 200
        beginning = "kinto_request_summary_total{"
        return sum(
            float(line.rpartition(" ")[2])
            for line in text.splitlines()
            if line.startswith(beginning) and 'endpoint="hello"' in line
        )


@contextmanager
def running_uwsgi(*options: str) -> Iterator[Service]:
    beside = Path(sys.executable).parent / "uwsgi"
    program = str(beside) if beside.exists() else find_program("uwsgi", package="pyuwsgi (PyPI)")
    with service_directory("metrics") as directory:
        settings = {**MEMORY_SETTINGS, "kinto.includes": "kinto.plugins.prometheus"}
        ini = write_ini(directory / "kinto.ini", settings)
        folder = directory / "metrics"
        folder.mkdir()
        (folder / "counter_99999999.db").write_bytes(b"of an earlier run, and damaged")
        port = free_port()
        command = [program, "--http-socket", f"127.0.0.1:{port}", "--master", "--need-app"]
        command += ["--processes", "2", "--die-on-term", "--wsgi-file", str(ROOT / "app.wsgi")]
        command += ["--binary-path", sys.executable, *options]
        environment = {
            **os.environ,
            "KINTO_INI": str(ini),
            "PROMETHEUS_MULTIPROC_DIR": str(folder),
            "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)]),
        }
        with running(command, log_file=directory / "uwsgi.log", env=environment) as daemon:
            url = f"http://127.0.0.1:{port}/v1"
            _wait_until_answering(daemon, url=f"{url}/__lbheartbeat__")
            yield Service(url, folder, daemon)


@pytest.fixture(scope="module", params=["--lazy-apps", "--enable-threads"], ids=["lazy", "fork"])
def service(request: pytest.FixtureRequest) -> Iterator[Service]:
    with running_uwsgi(request.param) as found:
        yield found


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def until_both_have_answered(service: Service) -> int:
    """How many requests that took."""
    sent = 0
    before = service.worker_pids()
    while len(service.worker_pids() | before) < 2:
        service.send_requests()
        sent += REQUESTS
    return sent


def test_what_an_earlier_run_has_left_is_gone(service: Service) -> None:
    assert not (service.folder / "counter_99999999.db").exists()


def test_every_process_shows_the_sum_of_all(service: Service) -> None:
    before = service.hello_count()
    service.send_requests()
    sent = REQUESTS + until_both_have_answered(service)

    counts = {service.hello_count() for _ in range(10)}

    assert counts == {before + sent}


def test_a_process_that_is_replaced_takes_nothing_away(service: Service) -> None:
    until_both_have_answered(service)
    before, pids = service.hello_count(), service.worker_pids()
    victim = max(pids)
    os.kill(victim, signal.SIGKILL)
    sent = 0

    def has_a_new_one() -> bool:
        nonlocal sent
        service.send_requests()
        sent += REQUESTS
        return bool(service.worker_pids() - pids)

    wait_until(has_a_new_one)
    assert {service.hello_count() for _ in range(10)} == {before + sent}


def test_a_folder_that_vanishes_hurts_no_request() -> None:
    with running_uwsgi("--lazy-apps") as service:
        until_both_have_answered(service)
        shutil.rmtree(service.folder)

        statuses = {
            service.get(path)[0] for path in ("/", "/buckets", "/unknown", "/__heartbeat__") * 10
        }

        assert statuses == {200, 401, 404}
        assert service.get("/__metrics__") == (204, "")
        assert "PROMETHEUS_MULTIPROC_DIR has gone" in service.daemon.log_file.read_text()


def test_the_folder_is_emptied_once_for_a_service(tmp_path: Path) -> None:
    prepare_folder(tmp_path)
    (tmp_path / "counter_1.db").touch()
    prepare_folder(tmp_path)
    assert (tmp_path / "counter_1.db").exists()

    (tmp_path / "owner.lock").write_text("another service")
    (tmp_path / "folder").mkdir()
    prepare_folder(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["owner.lock"]
    assert (tmp_path / "owner.lock").read_text() == find_service()


def test_services_are_told_apart_where_the_system_does_not_say_when_they_started(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "getpgrp", lambda: 2**30)

    assert find_service() == f"{2**30} "
