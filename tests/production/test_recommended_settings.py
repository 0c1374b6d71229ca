"""The settings that the production guide recommends, word for word: rows 12 to 18."""

import contextlib
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from kinto.cli.migrate import initialize_schemas
from kinto.config.inifile import load_application
from tests.support.api import Client, memory_app, new_id, statuses
from tests.support.oauth import OAuthDouble, running_oauth_server
from tests.support.services import postgresql_settings


BLOCK = """\
kinto.flush_endpoint_enabled = false
kinto.http_scheme = https
kinto.paginate_by = 100
kinto.batch_max_requests = 25
kinto.storage_pool_size = 50
kinto.cache_pool_size = 50
kinto.permission_pool_size = 50
fxa-oauth.cache_ttl_seconds = 3600
"""
READ_BUCKETS = "kinto.bucket_read_principals = system.Authenticated\n"
POOL_SIZE, MAX_OVERFLOW = 50, 5

MakeApp = Callable[..., Any]


@pytest.fixture(scope="module")
def make_app(postgresql_url: str, tmp_path_factory: pytest.TempPathFactory) -> MakeApp:
    """An application out of a file that holds the block."""

    def make(more: str = "", **settings: object) -> Any:
        lines = {**postgresql_settings(postgresql_url), **settings}
        ini = tmp_path_factory.mktemp("ini") / "production.ini"
        ini.write_text(
            "[app:main]\nuse = egg:kinto\n"
            + "".join(f"{name} = {value}\n" for name, value in lines.items())
            + BLOCK
            + more,
            encoding="utf-8",
        )
        return load(ini)

    return make


def load(ini: Path) -> Any:
    with warnings.catch_warnings():
        # Storage and permission share a pool.
        warnings.simplefilter("ignore")
        app = load_application(ini)
    initialize_schemas(app.registry)
    return app


@pytest.fixture(scope="module")
def client(make_app: MakeApp) -> Client:
    return Client(make_app(), headers={"Host": "localhost"})


@pytest.mark.guide("recommended settings")
def test_the_block_alone_is_enough_to_start(tmp_path: Path) -> None:
    ini = tmp_path / "production.ini"
    ini.write_text(f"[app:main]\nuse = egg:kinto\n{BLOCK}", encoding="utf-8")
    assert Client(load_application(ini), user=None).get("/").status == 200


# -- row 12


@pytest.mark.guide("flush_endpoint_enabled")
def test_12_flush_is_absent(client: Client) -> None:
    assert client.call("POST", "/__flush__").status == 404
    assert "flush_endpoint" not in client.get("/").json["capabilities"]


@pytest.mark.guide("flush_endpoint_enabled")
@pytest.mark.parametrize(
    ("enabled", "includes", "is_there"),
    [
        ("false", "", False),
        ("false", "kinto.plugins.flush", False),
        ("true", "", True),
        ("true", "kinto.plugins.flush", True),
        (None, "", False),
        (None, "kinto.plugins.flush", True),
    ],
)
def test_12_flush_by_setting_then_by_plugin(
    enabled: str | None, includes: str, is_there: bool, caplog: pytest.LogCaptureFixture
) -> None:
    settings = {"kinto.includes": includes}
    if enabled is not None:
        settings["kinto.flush_endpoint_enabled"] = enabled
    client = Client(memory_app(settings))
    client.put("/buckets/b")

    assert client.call("POST", "/__flush__").status == (202 if is_there else 404)
    assert ("flush_endpoint" in client.get("/").json["capabilities"]) is is_there
    assert client.get("/buckets/b").status == (403 if is_there else 200)
    is_left_out = enabled == "false" and bool(includes)
    assert ("kinto.plugins.flush is left out" in caplog.text) is is_left_out


# -- row 13


@pytest.mark.guide("http_scheme")
def test_13_the_root_url_is_https(client: Client) -> None:
    assert client.get("/").json["url"] == "https://localhost/v1/"
    answer = client.get("/", headers={"Host": "kinto.example.org"})
    assert answer.json["url"] == "https://kinto.example.org/v1/"


# -- row 14


@pytest.mark.guide("paginate_by")
def test_14_pages_hold_100_records(client: Client) -> None:
    uri = client.new_collection()
    for start in range(0, 150, 25):
        items = [
            {"method": "PUT", "path": f"{uri}/records/r{number}"}
            for number in range(start, start + 25)
        ]
        assert client.batch(*items).status == 200

    first = client.get(f"{uri}/records")
    greedy = client.get(f"{uri}/records", _limit=1000)
    path = first.headers["Next-Page"].removeprefix("https://localhost/v1")
    second = client.get(path)

    assert [len(page.data) for page in (first, greedy, second)] == [100, 100, 50]
    assert "Next-Page" not in second.headers
    assert len({record["id"] for record in first.data + second.data}) == 150
    assert [len(client.get(f"{uri}/records", _limit=n).data) for n in (1, 100)] == [1, 100]


# -- row 15


@pytest.mark.guide("batch_max_requests")
def test_15_a_batch_has_25_requests_at_most(client: Client) -> None:
    items = [{"path": "/"} for _ in range(26)]
    assert len(client.batch(*items[:25]).json["responses"]) == 25
    refused = client.batch(*items)
    assert refused.status == 400
    assert "Number of requests is limited to 25" in refused.text
    assert client.get("/").json["settings"]["batch_max_requests"] == 25


# -- row 16


@pytest.mark.guide("pool sizes")
def test_16_the_pool_bounds_the_connections_and_nobody_fails(
    make_app: MakeApp, new_database: Callable[[], str]
) -> None:
    url = new_database()
    # The time limits are there for databases that hang, and this one does.
    patience = {
        f"kinto.storage_{name}_timeout": 60 for name in ("statement", "lock", "connect", "pool")
    }
    client = Client(make_app(**{**postgresql_settings(url), **patience}))
    uri = client.new_collection()
    client.put(f"{uri}/records/r", {"a": 1})
    clients = POOL_SIZE + MAX_OVERFLOW + 15

    with stalled_table(url) as waiting, ThreadPoolExecutor(clients) as threads:
        answers = [threads.submit(client.get, f"{uri}/records/r") for _ in range(clients)]
        most = wait_until_full(waiting)
        assert not any(answer.done() for answer in answers)
        waiting.let_go()

    assert statuses([answer.result() for answer in answers]) == [200] * clients
    assert most == POOL_SIZE + MAX_OVERFLOW
    client.app.registry.storage.client.session_factory().get_bind().dispose()


class Waiting:
    """How many connections wait for the table, until it is let go."""

    def __init__(self, url: str) -> None:
        self._holder = psycopg2.connect(url)
        self._holder.cursor().execute("LOCK TABLE objects IN ACCESS EXCLUSIVE MODE")
        self._looker = psycopg2.connect(url)
        self._looker.autocommit = True

    def __call__(self) -> int:
        cursor = self._looker.cursor()
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        [(count,)] = cursor.fetchall()
        return int(count)

    def let_go(self) -> None:
        self._holder.rollback()

    def close(self) -> None:
        self._holder.close()
        self._looker.close()


@contextlib.contextmanager
def stalled_table(url: str) -> Iterator[Waiting]:
    waiting = Waiting(url)
    try:
        yield waiting
    finally:
        waiting.close()


def wait_until_full(waiting: Waiting) -> int:
    """The number of connections that wait, once it does not rise any more."""
    deadline = time.monotonic() + 30
    count = steady = 0
    while steady < 10 and time.monotonic() < deadline:
        time.sleep(0.05)
        before, count = count, waiting()
        is_full = POOL_SIZE + MAX_OVERFLOW <= count == before
        steady = steady + 1 if is_full else 0
    return count


@pytest.mark.guide("pool sizes")
def test_16_the_cache_has_a_pool_of_that_size_too(client: Client) -> None:
    registry = client.app.registry
    sizes = [
        backend.client.session_factory().get_bind().pool.size()
        for backend in (registry.storage, registry.permission, registry.cache)
    ]
    assert sizes == [POOL_SIZE] * 3
    assert registry.storage.client is registry.permission.client
    assert registry.cache.client is not registry.storage.client


# -- row 17


@pytest.fixture(scope="module")
def oauth() -> Iterator[OAuthDouble]:
    with running_oauth_server() as double:
        yield double


@pytest.mark.guide("fxa-oauth.cache_ttl_seconds")
def test_17_a_token_is_verified_once_per_3600_seconds(
    make_app: MakeApp, oauth: OAuthDouble, postgresql_url: str
) -> None:
    fxa = {
        "kinto.includes": "kinto_fxa",
        "multiauth.policies": "fxa basicauth",
        "multiauth.policy.fxa.use": "kinto_fxa.authentication.FxAOAuthAuthenticationPolicy",
        "fxa-oauth.oauth_uri": oauth.uri,
        "fxa-oauth.required_scope": "profile",
    }
    app = make_app(**fxa)
    authorization = {"Authorization": oauth.know("t0ken", "abcdef")}
    client = Client(app, user=None)

    users = [client.get("/", headers=authorization).json["user"]["id"] for _ in range(2)]

    assert users == ["fxa:abcdef"] * 2
    assert oauth.verified() == ["t0ken"]
    with contextlib.closing(psycopg2.connect(postgresql_url)) as connection:
        cursor = connection.cursor()
        cursor.execute(
            "SELECT extract(epoch FROM ttl - timezone('UTC', now())) FROM cache"
            " WHERE key LIKE 'fxa-oauth:verify:%'"
        )
        [(left,)] = cursor.fetchall()
    assert 3500 < left <= 3600


def test_17_the_line_has_no_effect_without_the_plugin(client: Client) -> None:
    hello = client.get("/", headers={"Authorization": "Bearer t0ken"}).json
    assert "user" not in hello
    assert "fxa" not in hello["capabilities"]


# -- row 18


@pytest.mark.guide("bucket_read_principals")
def test_18_before_nobody_lists_the_buckets_of_others(client: Client) -> None:
    alice, bob = client.as_user("alice"), client.as_user("bob")
    own, shared = new_id(), new_id()
    alice.put(f"/buckets/{own}")
    alice.put(f"/buckets/{shared}", permissions={"read": [bob.principal]})

    assert client.as_user(None).get("/buckets").status == 401
    assert [bucket["id"] for bucket in bob.get("/buckets").data] == [shared]
    assert client.as_user("carl").get("/buckets").data == []


@pytest.mark.guide("bucket_read_principals")
def test_18_after_every_user_lists_them_all_and_reads_no_record(make_app: MakeApp) -> None:
    client = Client(make_app(READ_BUCKETS))
    alice, bob = client.as_user("alice"), client.as_user("bob")
    bucket = new_id()
    collection = alice.new_collection(bucket)
    alice.put(f"{collection}/records/r", {"secret": 1})

    assert bucket in {each["id"] for each in bob.get("/buckets").data}
    assert bob.get(f"/buckets/{bucket}").status == 200
    assert bob.put(f"/buckets/{bucket}").status == 403
    for path in (collection, f"{collection}/records", f"{collection}/records/r"):
        assert bob.get(path).status == 403
    assert client.as_user(None).get("/buckets").status == 401
    assert client.as_user(None).get(f"/buckets/{bucket}").status == 401
