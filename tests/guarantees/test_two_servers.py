"""Two server processes on one database promise what one does."""

import threading
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import pytest
from webob.client import send_request_app

from tests.support.api import Answer, Client, simultaneously, statuses
from tests.support.services import postgresql_settings


pytestmark = pytest.mark.slow


def served_at(url: str) -> Callable[..., Iterable[bytes]]:
    """A WSGI application that is elsewhere."""
    parts = urlsplit(url)

    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        place = {"SERVER_NAME": parts.hostname, "SERVER_PORT": str(parts.port)}
        host = {"HTTP_HOST": parts.netloc}
        body: Iterable[bytes] = send_request_app({**environ, **place, **host}, start_response)
        return body

    return app


@pytest.fixture(scope="module")
def servers(kinto_server: Callable[..., str], new_database: Callable[[], str]) -> list[Client]:
    settings = {
        **postgresql_settings(new_database()),
        "kinto.experimental_collection_schema_validation": "true",
    }
    return [Client(served_at(kinto_server(settings))) for _ in range(2)]


def test_polling_one_server_misses_nothing_of_the_other(servers: list[Client]) -> None:
    uri = f"{servers[0].new_collection()}/records"
    stop = threading.Event()
    seen: set[str] = set()
    etag = 0

    def poll() -> None:
        nonlocal etag
        answer = servers[0].get(uri, _since=f'"{etag}"')
        seen.update(obj["id"] for obj in answer.data)
        etag = answer.timestamp

    def poll_until_stopped() -> None:
        while not stop.is_set():
            poll()

    def write(number: int) -> list[Answer]:
        server = servers[number % 2]
        return [
            server.batch(
                *({"method": "PUT", "path": f"{uri}/{number}-{n}-{part}"} for part in range(8))
            )
            for n in range(5)
        ]

    reader = threading.Thread(target=poll_until_stopped)
    reader.start()
    outcomes = simultaneously([partial(write, number) for number in range(6)])
    stop.set()
    reader.join()
    poll()

    assert {answer.status for answers in outcomes for answer in answers} == {200}
    assert len(seen) == 6 * 5 * 8
    assert seen == {obj["id"] for obj in servers[1].get(uri).data}


@pytest.mark.parametrize(
    ("method", "name", "winner"), [("PUT", "If-Match", 200), ("PUT", "If-None-Match", 201)]
)
def test_of_concurrent_conditional_writes_to_two_servers_one_wins(
    servers: list[Client], method: str, name: str, winner: int
) -> None:
    uri = f"{servers[0].new_collection()}/records/a"
    value = servers[0].put(uri).headers["ETag"] if name == "If-Match" else "*"

    answers = simultaneously(
        [
            partial(servers[n % 2].call, method, uri, {"data": {"n": n}}, {name: value})
            for n in range(12)
        ]
    )

    assert statuses(answers) == [winner] + [412] * 11


def test_what_one_server_takes_away_the_other_refuses_at_once(servers: list[Client]) -> None:
    first, second = servers
    reader = second.as_user("reader")
    uri = first.new_collection()
    bucket = uri.rpartition("/collections")[0]
    group = f"{bucket}/groups/g"

    for _ in range(3):
        first.put(group, {"members": [reader.principal]})
        first.put(uri, permissions={"read": [group]})
        assert reader.get(uri).status == 200
        first.put(group, {"members": []})
        assert reader.get(uri).status == 403
        first.put(uri, permissions={"read": [reader.principal]})
        assert reader.get(uri).status == 200
        first.put(uri, permissions={"read": []})
        first.put(uri, permissions={"read": ["nobody"]})
        assert reader.get(uri).status == 403


def test_a_schema_changed_on_one_server_holds_on_the_other(servers: list[Client]) -> None:
    first, second = servers
    uri = first.new_collection()

    for kind, is_accepted in (("string", False), ("number", True), ("string", False)):
        first.put(uri, {"schema": {"properties": {"n": {"type": kind}}}})
        answer = second.post(f"{uri}/records", {"n": 1})
        assert answer.status == (201 if is_accepted else 400)
