"""Calls to other services end within their time, whatever these do."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from kinto.core import outgoing
from kinto.core.outgoing import OutgoingCallError, fetch
from tests.support.oauth import OAuthDouble, running_oauth_server
from tests.support.processes import free_port


LIMIT_SECONDS = 0.4
# The machine may be busy; without a limit these would last for minutes.
MARGIN_SECONDS = 2.0


@pytest.fixture(scope="module")
def service() -> Iterator[OAuthDouble]:
    with running_oauth_server() as double:
        yield double


@contextmanager
def raw_server(*parts: bytes, pause_seconds: float = 0.0) -> Iterator[str]:
    """URL of a server that sends these parts, one after the other, and keeps the connection."""
    ended = threading.Event()

    def serve() -> None:
        while not ended.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(connection,), daemon=True).start()

    def answer(connection: socket.socket) -> None:
        with connection:
            try:
                for part in parts:
                    connection.sendall(part)
                    if ended.wait(pause_seconds):
                        return
                ended.wait()
            except OSError:
                return

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        finally:
            ended.set()
            listener.shutdown(socket.SHUT_RDWR)


def test_the_answer_is_given_whatever_its_status(service: OAuthDouble) -> None:
    service.answer = (302, {"a": 1})

    answer = fetch("POST", f"{service.uri}/x", json={"b": 2}, timeout_seconds=10)

    assert (answer.status, answer.body) == (302, b'{"a": 1}')
    assert service.calls == [("/v1/x", {"b": 2})]


def test_nobody_listening_is_told_at_once() -> None:
    with pytest.raises(OutgoingCallError, match="ConnectionError"):
        fetch("GET", f"http://127.0.0.1:{free_port()}/", timeout_seconds=10)


@pytest.mark.parametrize(
    "parts",
    [
        (),
        (b"HTTP/1.1 200 OK\r\n", *[b"X: 1\r\n"] * 90),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n", *[b" "] * 500),
    ],
    ids=["silent", "headers one by one", "body byte by byte"],
)
def test_slow_servers_do_not_hold_the_caller(parts: tuple[bytes, ...]) -> None:
    with raw_server(*parts, pause_seconds=0.05) as url:
        started = time.monotonic()
        with pytest.raises(OutgoingCallError, match="no answer within"):
            fetch("GET", url, timeout_seconds=LIMIT_SECONDS)

        assert time.monotonic() - started < LIMIT_SECONDS + MARGIN_SECONDS


@pytest.mark.parametrize(
    "sent",
    [b"\0\1\2\r\n\r\n", b"SSH-2.0-x\r\n", b"HTTP/1.1 abc\r\n\r\n"],
    ids=["zeros", "ssh", "status"],
)
def test_what_is_no_http_is_a_failure(sent: bytes) -> None:
    with raw_server(sent) as url, pytest.raises(OutgoingCallError):
        fetch("GET", url, timeout_seconds=LIMIT_SECONDS)


def test_answers_without_end_are_cut_off() -> None:
    parts = (b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n", b" " * 9_999_999)
    with raw_server(*parts) as url, pytest.raises(OutgoingCallError, match="ValueError"):
        fetch("GET", url, timeout_seconds=20)


def test_failures_tell_nothing_of_what_was_sent() -> None:
    with pytest.raises(OutgoingCallError) as raised:
        fetch(
            "POST",
            f"http://127.0.0.1:{free_port()}/",
            json={"token": "very-secret"},
            timeout_seconds=5,
        )

    error: BaseException | None = raised.value
    assert "very-secret" not in repr(error)
    assert error is not None
    assert error.__cause__ is None


def test_calls_that_hang_are_limited_in_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing, "_slots", threading.BoundedSemaphore(1))
    with raw_server(b"HTTP/1.1 200 OK\r\n", *[b"X: 1\r\n"] * 90, pause_seconds=0.05) as url:
        for _ in range(2):
            started = time.monotonic()
            with pytest.raises(OutgoingCallError, match="no answer within"):
                fetch("GET", url, timeout_seconds=0.2)
            assert time.monotonic() - started < 0.2 + MARGIN_SECONDS
        hanging = [thread for thread in threading.enumerate() if thread.name == "outgoing-call"]
    assert len(hanging) <= 1


def test_slots_are_given_back(monkeypatch: pytest.MonkeyPatch, service: OAuthDouble) -> None:
    monkeypatch.setattr(outgoing, "_slots", threading.BoundedSemaphore(1))
    service.answer = (200, {})
    for _ in range(3):
        assert fetch("GET", f"{service.uri}/x", timeout_seconds=10).status == 200
