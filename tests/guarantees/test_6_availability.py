"""A broken or stalled database is 503 within limits, and is recovered from without a restart."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import psycopg2
import pytest

from tests.support.api import Answer, Client, simultaneously
from tests.support.proxy import Action, Proxy


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    start = time.monotonic()
    yield
    assert time.monotonic() - start < seconds


def assert_unavailable(answer: Answer) -> None:
    assert answer.status == 503
    assert answer.json["errno"] == 201
    assert int(answer.headers["Retry-After"]) > 0
    assert "postgres" not in answer.text.lower()


def requests(client: Client, uri: str) -> dict[str, "partial[Answer]"]:
    """One of each kind that needs the database."""
    return {
        "list": partial(client.get, f"{uri}/records"),
        "object": partial(client.get, f"{uri}/records/a"),
        "put": partial(client.put, f"{uri}/records/a", {"n": 1}),
        "delete": partial(client.delete, f"{uri}/records"),
        "batch": partial(client.batch, {"path": uri}, {"path": uri, "method": "DELETE"}),
        "hello": partial(client.get, "/"),
    }


def assert_recovered(client: Client, uri: str) -> None:
    for name, send in requests(client, uri).items():
        assert send().status in (200, 201), name


def test_a_database_that_never_answers_is_503_within_the_limits(
    proxied: Client, proxy: Proxy
) -> None:
    uri = proxied.new_collection()
    proxied.put(f"{uri}/records/a")
    proxy.decide = lambda _query: Action.STALL

    with at_most(8):
        answers = simultaneously(list(requests(proxied, uri).values()))
    for answer in answers:
        assert_unavailable(answer)

    with at_most(0.5):
        assert proxied.get("/__lbheartbeat__").status == 200
        assert proxied.as_user(None).get("/").status == 200
    with at_most(4):
        heartbeat = proxied.get("/__heartbeat__")
    assert heartbeat.status == 503
    assert heartbeat.json["storage"] is False

    proxy.decide = lambda _query: Action.FORWARD
    # Whoever tries whether the server is back has lost what was sent meanwhile.
    with at_most(2):
        while proxied.put(uri).status == 503:
            time.sleep(0.05)
    proxied.put(f"{uri}/records/a")
    assert_recovered(proxied, uri)


def test_a_database_that_is_down_is_503_and_recovered_from(proxied: Client, proxy: Proxy) -> None:
    uri = proxied.new_collection()
    proxied.put(f"{uri}/records/a")
    proxy.is_stopped = True
    proxy.cut_all()

    with at_most(10):
        for answer in simultaneously(list(requests(proxied, uri).values())):
            assert_unavailable(answer)

    proxy.is_stopped = False
    assert_recovered(proxied, uri)


def test_connections_that_broke_while_idle_cost_at_most_one_answer(
    proxied: Client, proxy: Proxy
) -> None:
    uri = proxied.new_collection()
    proxied.put(f"{uri}/records/a")
    proxy.cut_all()

    answers = [proxied.get(f"{uri}/records/a") for _ in range(3)]

    assert {answer.status for answer in answers} <= {200, 503}
    assert [answer.status for answer in answers[1:]] == [200, 200]


@pytest.mark.parametrize("is_batch", [False, True], ids=["request", "batch"])
def test_a_lock_held_by_somebody_else_ends_in_503_within_its_limit(
    proxied: Client, proxy: Proxy, is_batch: bool
) -> None:
    uri = proxied.new_collection()
    proxied.put(f"{uri}/records/a", {"n": 1})
    other = psycopg2.connect(proxy.url)
    with other.cursor() as cursor:
        cursor.execute("SELECT * FROM timestamps FOR UPDATE")

        with at_most(8):
            write = {"method": "PUT", "path": f"{uri}/records/a", "body": {"data": {"n": 2}}}
            assert_unavailable(
                proxied.batch(write) if is_batch else proxied.put(f"{uri}/records/a", {"n": 2})
            )
            # Readers do not wait for writers.
            assert proxied.get(f"{uri}/records/a").data["n"] == 1
    other.close()
    assert proxied.put(f"{uri}/records/a", {"n": 2}).status == 200


def test_a_stalled_database_does_not_hold_up_the_load_balancer(
    proxied: Client, proxy: Proxy
) -> None:
    uri = proxied.new_collection()
    proxy.decide = lambda _query: Action.STALL
    waiting = [
        threading.Thread(target=proxied.get, args=(f"{uri}/records",), daemon=True)
        for _ in range(30)
    ]
    for thread in waiting:
        thread.start()

    with at_most(2):
        for _ in range(5):
            assert proxied.get("/__lbheartbeat__").json == {}

    for thread in waiting:
        thread.join(timeout=20)
    assert not any(thread.is_alive() for thread in waiting)
