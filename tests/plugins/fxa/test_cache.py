"""Verified tokens are kept in the cache, whichever that is, and asked about once."""

import contextlib
import json
import threading
from collections.abc import Callable
from typing import Any

import psycopg2
import pytest

from kinto.core.cache import CacheBase
from kinto.core.protocol.crypto import hmac_digest
from tests.plugins.fxa.conftest import bearer, with_fxa
from tests.support.api import Client, memory_app, new_id, postgresql_app, simultaneously, statuses
from tests.support.oauth import OAuthDouble


USER = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
TTL_SECONDS = 3600

MakeApp = Callable[..., Any]


@pytest.fixture(params=["memory", "postgresql", "memcached", "redis"])
def make_app(
    request: pytest.FixtureRequest, oauth: OAuthDouble, monkeypatch: pytest.MonkeyPatch
) -> MakeApp:
    """An application with that cache; each has keys of its own."""
    kind = request.param
    cache = {
        "kinto.cache_backend": f"kinto.core.cache.{kind}",
        "kinto.cache_prefix": new_id(),
    }
    if kind == "memcached":
        cache["kinto.cache_hosts"] = request.getfixturevalue("memcached_server")
    elif kind == "redis":
        cache["kinto.cache_url"] = request.getfixturevalue("redis_server")
    elif kind == "postgresql":
        cache["kinto.cache_url"] = request.getfixturevalue("postgresql_url")

    def make(settings: dict[str, Any] | None = None) -> Any:
        app = memory_app({**with_fxa(oauth), **cache, **(settings or {})})
        app.registry.cache.initialize_schema()
        return app

    return make


def cache_key(oauth: OAuthDouble, token: str) -> str:
    digest = hmac_digest("some-secret-of-the-tests", f"{oauth.uri}:{token}")
    return f"fxa-oauth:verify:{digest}"


def test_a_token_is_verified_once_per_3600_seconds(make_app: MakeApp, oauth: OAuthDouble) -> None:
    app = make_app()
    client = Client(app, user=None)
    oauth.know("once", USER)

    for _ in range(2):
        assert client.get("/", headers=bearer("once")).json["user"]["id"] == f"fxa:{USER}"

    assert oauth.verified() == ["once"]
    left = app.registry.cache.ttl(cache_key(oauth, "once"))
    assert TTL_SECONDS - 60 < left <= TTL_SECONDS + 1


def test_another_process_finds_it(make_app: MakeApp, oauth: OAuthDouble) -> None:
    first, second = make_app(), make_app()
    if hasattr(first.registry.cache, "_store"):
        # The one of this process is its own.
        second.registry.cache._store = first.registry.cache._store
        second.registry.cache._ttl = first.registry.cache._ttl
    oauth.know("shared", USER)

    for app in (first, second):
        assert "user" in Client(app, user=None).get("/", headers=bearer("shared")).json

    assert oauth.verified() == ["shared"]


def test_invalid_tokens_are_not_kept(make_app: MakeApp, oauth: OAuthDouble) -> None:
    client = Client(make_app(), user=None)

    assert client.get("/buckets/b", headers=bearer("late")).status == 401
    oauth.know("late", USER)
    assert client.get("/buckets/b", headers=bearer("late")).status == 403


def test_the_scope_is_judged_each_time(make_app: MakeApp, oauth: OAuthDouble) -> None:
    oauth.know("narrow", USER, "email")
    app = make_app()
    for _ in range(2):
        refused = Client(app, user=None).get("/buckets/b", headers=bearer("narrow"))
        assert refused.status == 401
    assert oauth.verified() == ["narrow"]


def test_a_read_only_server_keeps_them_as_well(make_app: MakeApp, oauth: OAuthDouble) -> None:
    client = Client(make_app({"kinto.readonly": "true"}), user=None)
    oauth.know("reader", USER)

    answers = [client.get("/buckets", headers=bearer("reader")) for _ in range(3)]

    assert statuses(answers) == [200, 200, 200]
    assert oauth.verified() == ["reader"]


def test_without_a_time_to_live_nothing_is_kept(make_app: MakeApp, oauth: OAuthDouble) -> None:
    app = make_app({"fxa-oauth.cache_ttl_seconds": "0"})
    oauth.know("brief", USER)
    for _ in range(2):
        assert "user" in Client(app, user=None).get("/", headers=bearer("brief")).json
    assert oauth.verified() == ["brief", "brief"]
    assert app.registry.cache.get(cache_key(oauth, "brief")) is None


def test_simultaneous_requests_ask_once(make_app: MakeApp, oauth: OAuthDouble) -> None:
    client = Client(make_app(), user=None)
    oauth.know("busy", USER)
    arrived = threading.Event()
    gate = threading.Event()

    def wait() -> None:
        arrived.set()
        gate.wait(10)

    oauth.before_answer = wait

    def release_when_asked() -> None:
        assert arrived.wait(10)
        gate.set()

    def hello() -> Any:
        return client.get("/", headers=bearer("busy")).json["user"]["id"]

    answers = simultaneously([*[hello] * 12, release_when_asked])

    assert set(answers[:-1]) == {f"fxa:{USER}"}
    assert oauth.verified() == ["busy"]


def test_the_token_is_nowhere_in_the_cache(oauth: OAuthDouble, postgresql_url: str) -> None:
    settings = with_fxa(oauth, {"kinto.cache_prefix": "p:"})
    app = postgresql_app(postgresql_url, settings)
    oauth.know("sesame-open", USER)

    Client(app, user=None).get("/", headers=bearer("sesame-open"))

    with contextlib.closing(psycopg2.connect(postgresql_url)) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT key, value FROM cache WHERE key LIKE 'p:fxa%'")
        [(key, value)] = cursor.fetchall()
    assert "sesame" not in f"{key} {value}"
    assert json.loads(value)["user"] == USER


def test_what_is_kept_belongs_to_one_oauth_server(make_app: MakeApp, oauth: OAuthDouble) -> None:
    oauth.know("here", USER)
    client = Client(make_app(), user=None)
    other = Client(make_app({"fxa-oauth.oauth_uri": f"{oauth.uri}/"}), user=None)
    elsewhere = Client(make_app({"fxa-oauth.oauth_uri": oauth.uri + "/other"}), user=None)
    assert "user" in client.get("/", headers=bearer("here")).json
    assert "user" in other.get("/", headers=bearer("here")).json
    assert "user" not in elsewhere.get("/", headers=bearer("here")).json


def test_a_cache_that_fails_is_503(oauth: OAuthDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {
        "kinto.cache_backend": "kinto.core.cache.redis",
        "kinto.cache_url": "redis://127.0.0.1:1/0",
    }
    client = Client(memory_app(with_fxa(oauth, settings)), user=None)
    oauth.know("good", USER)

    refused = client.get("/buckets", headers=bearer("good"))

    assert refused.status == 503
    assert refused.headers["Retry-After"] == "3"


def test_an_application_without_a_cache_asks_each_time(oauth: OAuthDouble) -> None:
    settings = with_fxa(oauth, {"kinto.cache_backend": "", "fxa-oauth.relier.enabled": "false"})
    client = Client(memory_app(settings), user=None)
    oauth.know("good", USER)
    for _ in range(2):
        assert "user" in client.get("/", headers=bearer("good")).json
    assert oauth.verified() == ["good", "good"]


def test_the_cache_is_that_of_the_registry(oauth: OAuthDouble) -> None:
    app = memory_app(with_fxa(oauth))
    oauth.know("good", USER)
    assert isinstance(app.registry.cache, CacheBase)
    Client(app, user=None).get("/", headers=bearer("good"))
    app.registry.cache.flush()
    Client(app, user=None).get("/", headers=bearer("good"))
    assert oauth.verified() == ["good", "good"]
