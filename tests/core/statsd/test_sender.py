"""Hosts that are unknown, that do not listen, that come back: requests never notice."""

import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import structlog
import webtest

from kinto.core.statsd import sender as sender_module
from kinto.core.statsd.sender import DatagramSender
from tests.support.measured import Measured
from tests.support.processes import free_port
from tests.support.statsd import running_statsd


UNKNOWN_HOST = "statsd.invalid"


def wait_until(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def records_of(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [
        record
        for record in caplog.records
        if record.name == "kinto.core.statsd.sender" and record.levelname == "WARNING"
    ]


def warnings_of(logs: list[Any]) -> list[Any]:
    return [entry for entry in logs if entry["log_level"] == "warning"]


@pytest.mark.guide("statsd_url")
def test_an_unknown_host_is_one_warning_and_requests_are_answered(
    make_app: Callable[..., webtest.TestApp], caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app({"kinto.statsd_url": f"udp://{UNKNOWN_HOST}:8125"})
    statuses = [app.get("/v1/").status_code for _ in range(20)]

    assert statuses == [200] * 20
    assert len(records_of(caplog)) == 1


@pytest.mark.guide("statsd_url")
def test_a_closed_port_is_one_warning_and_requests_are_answered(
    make_app: Callable[..., webtest.TestApp], caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app({"kinto.statsd_url": f"udp://127.0.0.1:{free_port()}"})
    statuses = [app.get("/v1/").status_code for _ in range(20)]

    assert statuses == [200] * 20
    assert len(records_of(caplog)) == 1


@pytest.mark.guide("statsd_url")
def test_metrics_arrive_as_soon_as_somebody_listens(
    make_app: Callable[..., webtest.TestApp],
) -> None:
    port = free_port()
    app = make_app({"kinto.statsd_url": f"udp://127.0.0.1:{port}"})
    app.get("/v1/")

    with running_statsd(port) as listener:
        app.get("/v1/")
        assert "kinto.view.hello.GET" in {each.name for each in listener.received()}


def test_a_host_that_is_unknown_at_first_is_looked_up_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known: dict[str, str] = {}
    look_up = socket.getaddrinfo

    def getaddrinfo(host: str, *args: Any, **kwargs: Any) -> Any:
        if host == "statsd" and host not in known:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return look_up(known.get(host, host), *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    with running_statsd() as listener:
        sender = DatagramSender("statsd", listener.port, retry_seconds=0)
        sender.send("a:1|c")
        known["statsd"] = "127.0.0.1"

        def arrives() -> bool:
            sender.send("b:1|c")
            return "b:1|c" in listener.texts()

        wait_until(arrives)


def test_a_host_that_has_moved_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    look_up = socket.getaddrinfo
    ports = {"statsd": free_port()}

    def getaddrinfo(host: str, port: int, *args: Any, **kwargs: Any) -> Any:
        return look_up("127.0.0.1", ports.get(host, port), *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    sender = DatagramSender("statsd", 8125, retry_seconds=0)
    with running_statsd() as listener:
        ports["statsd"] = listener.port

        def arrives() -> bool:
            sender.send("a:1|c")
            return "a:1|c" in listener.texts()

        wait_until(arrives)


def test_a_slow_lookup_holds_up_neither_the_start_nor_requests(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    is_over = threading.Event()

    def getaddrinfo(*args: Any, **kwargs: Any) -> Any:
        is_over.wait(60)
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(sender_module, "_PATIENCE_SECONDS", 0.05)
    with structlog.testing.capture_logs() as logs:
        started = time.monotonic()
        sender = DatagramSender("statsd", 8125)
        for _ in range(1000):
            sender.send("a:1|c")
        took = time.monotonic() - started
        is_over.set()
        wait_until(lambda: warnings_of(logs))

    assert took < 5


@pytest.mark.parametrize("host", ["x" * 64 + ".example", "..", "\udcff"])
def test_names_that_no_host_can_have_are_unknown_hosts(host: str) -> None:
    with structlog.testing.capture_logs() as logs:
        sender = DatagramSender(host, 8125)
        sender.send("a:1|c")

    assert len(warnings_of(logs)) == 1


def test_full_buffers_lose_metrics_without_a_word() -> None:
    with running_statsd() as listener, structlog.testing.capture_logs() as logs:
        sender = DatagramSender("127.0.0.1", listener.port)

        class Full:
            def send(self, _data: bytes) -> int:
                raise BlockingIOError

        sender._socket = Full()  # type: ignore[assignment]
        sender.send("a:1|c")

    assert logs == []


def test_localhost_is_reached_where_a_server_listens_to_ipv4_alone(
    make_app: Callable[..., webtest.TestApp],
) -> None:
    with running_statsd() as listener:
        app = make_app({"kinto.statsd_url": f"udp://localhost:{listener.port}"})
        sent = Measured(app, listener).metrics_of("GET", "/v1/")

    assert sent


def test_a_forked_process_sends_by_itself() -> None:
    with running_statsd() as listener:
        sender = DatagramSender("127.0.0.1", listener.port)
        child = os.fork()
        if child == 0:
            sender.send("child:1|c")
            os._exit(0)
        os.waitpid(child, 0)
        sender.send("parent:1|c")

        assert listener.texts() == ["child:1|c", "parent:1|c"]
