"""An OAuth server that does not say: 503 in time, with nothing held meanwhile."""

import contextlib
import threading
import time
from typing import Any

import psycopg2
import pytest
from pyramid.exceptions import ConfigurationError

from tests.plugins.fxa.conftest import MakeClient, bearer, with_fxa
from tests.support.api import Client, new_id, postgresql_app, simultaneously, statuses
from tests.support.oauth import OAuthDouble
from tests.support.processes import free_port


USER = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
LIMIT_SECONDS = 0.5
# The machine may be busy; without a limit the calls would last for ever.
MARGIN_SECONDS = 2.5


def assert_unavailable(answer: Any) -> None:
    assert answer.status == 503
    assert answer.headers["Retry-After"] == "3"
    assert answer.json["errno"] == 201
    assert answer.json["message"].startswith("Service temporary unavailable")


@pytest.mark.parametrize(
    "answer",
    [
        (500, {"code": 500}),
        (503, {"code": 503}),
        (429, {"code": 429}),
        (408, {}),
        (302, {}),
        (200, b"<html>Welcome to the airport</html>"),
        (401, b"<html>no</html>"),
        (200, b""),
        (200, b"\xff\xfe"),
        (200, [1]),
        (200, "text"),
        (200, {}),
        (200, {"user": None, "scope": ["profile"]}),
        (200, {"user": "", "scope": ["profile"]}),
        (200, {"user": "a b\n", "scope": ["profile"]}),
        (200, {"user": ["ab"], "scope": ["profile"]}),
        (200, {"user": "ab"}),
        (200, {"user": "ab", "scope": [1]}),
    ],
    ids=str,
)
def test_answers_that_make_no_sense_are_503(
    make_client: MakeClient, oauth: OAuthDouble, answer: tuple[int, Any]
) -> None:
    client = make_client()
    oauth.answer = answer

    assert_unavailable(client.get("/buckets/b", headers=bearer("t")))

    oauth.answer = None
    oauth.know("t", USER)
    assert client.get("/buckets/b", headers=bearer("t")).status == 403


@pytest.mark.parametrize("status", [400, 401, 403])
def test_refusals_of_the_token_are_401(
    make_client: MakeClient, oauth: OAuthDouble, status: int
) -> None:
    client = make_client()
    oauth.answer = (status, {"code": status})
    assert client.get("/buckets/b", headers=bearer("t")).status == 401


def test_a_scope_that_is_one_text_is_understood(
    make_client: MakeClient, oauth: OAuthDouble
) -> None:
    client = make_client()
    oauth.answer = (200, {"user": USER, "scope": "email profile"})
    assert "user" in client.get("/", headers=bearer("t")).json


def test_a_server_that_is_gone_is_503(make_client: MakeClient) -> None:
    client = make_client({"fxa-oauth.oauth_uri": f"http://127.0.0.1:{free_port()}/v1"})
    assert_unavailable(client.get("/buckets/b", headers=bearer("t")))
    assert_unavailable(client.put("/buckets/b", headers=bearer("t")))
    assert_unavailable(client.get("/", headers=bearer("t")))
    heartbeat = client.get("/__heartbeat__")
    assert (heartbeat.status, heartbeat.json["oauth"]) == (503, False)
    assert client.get("/__lbheartbeat__", headers=bearer("t")).status == 200
    assert client.as_user("bob").get("/").json["user"]["id"].startswith("basicauth:")


def test_a_server_that_hangs_is_503_within_the_limit(
    make_client: MakeClient, oauth: OAuthDouble
) -> None:
    client = make_client({"fxa-oauth.timeout_seconds": LIMIT_SECONDS})
    gate = threading.Event()
    oauth.before_answer = lambda: gate.wait(60)

    def timed(token: str) -> Any:
        started = time.monotonic()
        answer = client.get("/buckets/b", headers=bearer(token))
        return answer, time.monotonic() - started

    try:
        # Those with one token wait for the same call.
        results = simultaneously(
            [lambda token=token: timed(token) for token in ["a", "a", "a", "b"]]
        )
    finally:
        gate.set()

    for answer, seconds in results:
        assert_unavailable(answer)
        assert seconds < LIMIT_SECONDS + MARGIN_SECONDS
    assert sorted(oauth.verified()) == ["a", "b"]


def test_a_heartbeat_that_hangs_is_false_within_its_limit(
    make_client: MakeClient, oauth: OAuthDouble
) -> None:
    client = make_client({"fxa-oauth.heartbeat_timeout_seconds": "0.2"})
    gate = threading.Event()
    oauth.before_answer = lambda: gate.wait(60)
    started = time.monotonic()
    try:
        answer = client.get("/__heartbeat__")
    finally:
        gate.set()
    assert (answer.status, answer.json["oauth"]) == (503, False)
    assert time.monotonic() - started < 0.2 + MARGIN_SECONDS


def test_a_batch_waits_once_for_all_of_its_requests(
    make_client: MakeClient, oauth: OAuthDouble
) -> None:
    client = make_client({"fxa-oauth.timeout_seconds": LIMIT_SECONDS})
    gate = threading.Event()
    oauth.before_answer = lambda: gate.wait(60)
    items = [
        {"method": "PUT", "path": f"/buckets/{new_id()}", "headers": bearer(f"token-{number}")}
        for number in range(20)
    ]
    started = time.monotonic()
    try:
        answer = client.call("POST", "/batch", {"requests": items})
    finally:
        gate.set()
    assert_unavailable(answer)
    assert time.monotonic() - started < LIMIT_SECONDS + MARGIN_SECONDS


def test_a_batch_asks_once_about_a_token(make_client: MakeClient, oauth: OAuthDouble) -> None:
    client = make_client({"fxa-oauth.cache_ttl_seconds": "0"})
    items = [{"method": "PUT", "path": f"/buckets/{new_id()}"} for _ in range(5)]

    answer = client.call("POST", "/batch", {"requests": items}, bearer("bad"))

    assert [item["status"] for item in answer.json["responses"]] == [401] * 5
    assert oauth.verified() == ["bad"]


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b'{"Authorization"', b"[1]", b'{"requests": 1, "defaults": "uthorization"}'],
)
def test_malformed_batches_are_400_with_a_token(
    make_client: MakeClient, oauth: OAuthDouble, body: bytes
) -> None:
    client = make_client()
    oauth.know("good", USER)
    assert client.call("POST", "/batch", body, bearer("good")).status == 400


def test_tokens_of_items_are_those_of_the_items(
    make_client: MakeClient, oauth: OAuthDouble
) -> None:
    client = make_client()
    oauth.know("one", "11")
    oauth.know("two", "22")
    one, two = new_id(), new_id()

    answer = client.call(
        "POST",
        "/batch",
        {
            "defaults": {"method": "PUT", "headers": {"authorization": "Bearer two"}},
            "requests": [
                {"path": f"/buckets/{one}", "headers": {"authorization": "Bearer one"}},
                {"path": f"/buckets/{two}"},
            ],
        },
    )

    owners = [item["body"]["permissions"]["write"] for item in answer.json["responses"]]
    assert owners == [["fxa:11"], ["fxa:22"]]


ACTIVITY = """
    SELECT count(*) FILTER (WHERE state LIKE 'idle in transaction%') AS in_transaction,
           (SELECT count(*) FROM pg_locks WHERE locktype IN ('advisory', 'relation', 'tuple')
               AND pid <> pg_backend_pid()
               AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
               AS locks
      FROM pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


@pytest.mark.parametrize(
    "request_of",
    [
        lambda uri: ("PUT", f"{uri}/records/x", {"data": {}}),
        lambda uri: (
            "POST",
            "/batch",
            {
                "requests": [
                    {"method": "PUT", "path": f"{uri}/records/a", "body": {"data": {}}},
                    {
                        "method": "PUT",
                        "path": f"{uri.partition('/coll')[0]}/groups/g",
                        "body": {"data": {"members": []}},
                    },
                    {
                        "method": "PUT",
                        "path": f"{uri}/records/b",
                        "body": {"data": {}},
                        "headers": bearer("second"),
                    },
                ]
            },
        ),
    ],
    ids=["single write", "batch with two tokens"],
)
def test_nothing_is_held_while_the_server_is_asked(
    oauth: OAuthDouble, postgresql_url: str, request_of: Any
) -> None:
    app = postgresql_app(postgresql_url, with_fxa(oauth))
    owner = Client(app, "owner")
    uri = owner.new_collection()
    owner.patch(
        uri.partition("/collections/")[0],
        permissions={"write": [f"fxa:{USER}", "fxa:ffff"]},
    )
    client = Client(app, user=None)
    oauth.know("first", USER)
    oauth.know("second", "ffff")
    seen: list[tuple[int, int]] = []

    def look() -> None:
        with contextlib.closing(psycopg2.connect(postgresql_url)) as connection:
            cursor = connection.cursor()
            cursor.execute(ACTIVITY)
            seen.extend(cursor.fetchall())

    oauth.before_answer = look
    method, path, body = request_of(uri)
    answer = client.call(method, path, body, bearer("first"))

    written = [item["status"] for item in answer.json.get("responses", [])] or [answer.status]
    assert set(written) == {201}
    assert len(seen) == len(oauth.verified()) >= 1
    assert set(seen) == {(0, 0)}


def test_recovery_needs_no_restart(make_client: MakeClient, oauth: OAuthDouble) -> None:
    client = make_client({"fxa-oauth.timeout_seconds": LIMIT_SECONDS})
    oauth.know("t", USER)
    oauth.answer = (500, {})
    assert statuses([client.get("/buckets", headers=bearer("t"))]) == [503]
    oauth.answer = None
    assert statuses([client.get("/buckets", headers=bearer("t"))]) == [200]


def test_a_limit_that_no_answer_can_keep_stops_the_start(make_client: MakeClient) -> None:
    with pytest.raises(ConfigurationError, match=r"'fxa-oauth\.timeout_seconds'"):
        make_client({"fxa-oauth.timeout_seconds": "0"})
