"""Behind a CDN: "Handling CDN" of the production guide, rows 19 to 23."""

import itertools
import json
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import webob
from pyramid.exceptions import ConfigurationError

from kinto.core.testing import get_user_headers
from tests.support.api import Answer, Client, memory_app, new_id


CDN = {"kinto.http_host": "cdn.firefox.com", "kinto.http_scheme": "https"}
EVERYTHING = {
    **CDN,
    "kinto.includes": "kinto.plugins.flush kinto.plugins.fxa",
    "kinto.experimental_permissions_endpoint": "true",
    "kinto.experimental_collection_schema_validation": "true",
    "kinto.paginate_by": "2",
    "kinto.eos": (datetime.now(UTC) + timedelta(days=30)).date().isoformat(),
    "fxa-oauth.oauth_uri": "https://oauth.example.org/v1",
    "fxa-oauth.required_scope": "profile",
    "fxa-oauth.webapp.authorized_domains": "app.example.org",
}
# Wherever a server or a framework might take a host from.
TELLTALE = "telltale"
INNER_HEADERS = {
    "Host": f"{TELLTALE}-host.internal:8888",
    "X-Forwarded-Host": f"{TELLTALE}-forwarded.internal",
    "X-Forwarded-Server": f"{TELLTALE}-server.internal",
    "X-Forwarded-Proto": "gopher",
    "X-Forwarded-Port": "7070",
    "X-Forwarded-Prefix": f"/{TELLTALE}",
    "X-Original-Host": f"{TELLTALE}-original.internal",
    "X-Host": f"{TELLTALE}-x.internal",
    "X-Rewrite-URL": f"/{TELLTALE}",
    "Forwarded": f"host={TELLTALE}-rfc7239.internal;proto=gopher",
    "Via": f"1.1 {TELLTALE}-via.internal",
}
INNER_ENVIRON = {
    "SERVER_NAME": f"{TELLTALE}-name.internal",
    "SERVER_PORT": "7171",
    "wsgi.url_scheme": "http",
}
LEAKS = re.compile(rf"{TELLTALE}|internal|gopher|7070|7171|8888|http://")
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND")
# These are no URLs of this server.
FOREIGN_URLS = re.compile(r"http://kinto\.readthedocs\.io/[^\"\\ ]*")


@pytest.fixture(scope="module")
def app() -> Any:
    return memory_app(EVERYTHING)


@pytest.fixture(scope="module")
def collection(app: Any) -> str:
    """With three public records, hence two pages."""
    client = Client(app)
    bucket = new_id()
    client.put(f"/buckets/{bucket}", permissions={"read": ["system.Everyone"]})
    client.put(f"/buckets/{bucket}/groups/g", {"members": []})
    uri = client.new_collection(bucket)
    for name in "abc":
        client.put(f"{uri}/records/{name}", {"name": name})
    return uri


def send(
    app: Any, method: str, path: str, *, user: str | None = "owner", body: object = None
) -> webob.Response:
    """The answer to a request as it comes through the CDN; the path has its version prefix."""
    request = webob.Request.blank(path, method=method)
    if body is not None:
        request.body = json.dumps(body).encode()
        request.headers["Content-Type"] = "application/json"
    if user:
        request.headers.update(get_user_headers(user))
    request.headers.update(INNER_HEADERS)
    request.environ.update(INNER_ENVIRON)
    return request.get_response(app)


def assert_no_leak(response: webob.Response, what: object) -> None:
    headers = "\n".join(f"{name}: {value}" for name, value in response.headerlist)
    shown = FOREIGN_URLS.sub("", f"{headers}\n{response.body.decode()}")
    assert not LEAKS.search(shown), f"{what}\n{shown}"


def paths_of(services: Iterable[Any], collection: str) -> list[str]:
    """The routes of services, about things that are there and things that are not."""
    _, _, bucket, _, name = collection.split("/")
    known = {
        "bucket_id": bucket,
        "collection_id": name,
        "bucket": bucket,
        "collection": name,
        "timestamp": "1",
    }
    ids = {"buckets": bucket, "collections": name, "groups": "g", "records": "a"}
    missing = dict.fromkeys([*known, "id"], "missing")
    paths = []
    for service in services:
        kind = service.path.strip("/").split("/")[-2] if "{id}" in service.path else ""
        for values in ({**known, "id": ids.get(kind, "x")}, missing):
            paths.append(service.path.format_map(values))
    return list(dict.fromkeys(paths))


def all_requests(app: Any, collection: str) -> Iterator[tuple[str, str]]:
    spellings = ("/v1{}", "{}", "/v1{}/", "/v7{}", "/v1/nowhere{}", "//evil.example{}")
    paths = paths_of(app.registry.cornice_services.values(), collection)
    for path, spelling, method in itertools.product(paths, spellings, METHODS):
        # What it empties is needed until the end.
        if (method, path) != ("POST", "/__flush__"):
            yield method, spelling.format(path)


@pytest.mark.guide("http_host")
def test_19_the_real_host_is_nowhere(app: Any, collection: str) -> None:
    requests = list(all_requests(app, collection))
    statuses: set[int] = set()
    for method, path in requests:
        for user in (None, "stranger"):
            response = send(app, method, path, user=user)
            assert_no_leak(response, (method, path, user))
            statuses.add(response.status_code)
    assert len(requests) > 500
    assert {200, 307, 400, 401, 403, 404, 405} <= statuses


@pytest.mark.guide("http_host")
def test_19_the_root_url_is_that_of_the_cdn(app: Any) -> None:
    response = send(app, "GET", "/v1/")
    assert response.json["url"] == "https://cdn.firefox.com/v1/"
    assert "Alert" in response.headers
    assert_no_leak(response, "root")


@pytest.mark.guide("http_host")
def test_19_next_page_is_that_of_the_cdn(app: Any, collection: str) -> None:
    response = send(app, "GET", f"/v1{collection}/records?_limit=2&_sort=name")
    prefix = f"https://cdn.firefox.com/v1{collection}/records?"
    assert response.headers["Next-Page"].startswith(prefix)
    assert_no_leak(response, "Next-Page")

    following = response.headers["Next-Page"].removeprefix("https://cdn.firefox.com")
    assert [record["id"] for record in send(app, "GET", following).json["data"]] == ["c"]


@pytest.mark.guide("http_host")
@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/", "https://cdn.firefox.com/v1/"),
        ("/buckets?_since=3", "https://cdn.firefox.com/v1/buckets?_since=3"),
        ("/v1", "https://cdn.firefox.com/v1/"),
        ("/v1/buckets/", "https://cdn.firefox.com/v1/buckets"),
        ("//evil.example/x", "https://cdn.firefox.com/v1//evil.example/x"),
    ],
)
def test_19_redirects_lead_to_the_cdn(app: Any, path: str, location: str) -> None:
    request = webob.Request.blank("/")
    request.environ["PATH_INFO"], _, request.environ["QUERY_STRING"] = path.partition("?")
    request.headers.update(INNER_HEADERS)
    response = request.get_response(app)
    assert (response.status_code, response.headers["Location"]) == (307, location)


def test_19_the_api_description_names_the_cdn(app: Any) -> None:
    document = send(app, "GET", "/v1/__api__").json
    assert (document["host"], document["schemes"]) == ("cdn.firefox.com", ["https"])


def test_19_writes_show_no_other_host() -> None:
    app = memory_app(EVERYTHING)
    bucket = f"/v1/buckets/{new_id()}"
    records = f"{bucket}/collections/c/records"
    data = {"data": {"a": 1}}
    for method, path, body, status in [
        ("PUT", bucket, None, 201),
        ("PUT", f"{bucket}/collections/c", None, 201),
        ("POST", records, data, 201),
        ("PUT", f"{records}/r", data, 201),
        ("PATCH", f"{records}/r", data, 200),
        ("POST", records, {"data": {"id": "r"}}, 200),
        ("PUT", f"{records}/r", {"data": 1}, 400),
        ("PUT", f"{records}/r", {"data": {"id": "other"}}, 400),
        ("DELETE", f"{records}?_limit=1", None, 200),
        ("DELETE", f"{records}/nothing", None, 404),
        ("DELETE", bucket, None, 200),
        ("POST", "/v1/__flush__", None, 202),
    ]:
        response = send(app, method, path, body=body)
        assert response.status_code == status, (method, path, response.body)
        assert_no_leak(response, (method, path))


def test_19_items_of_a_batch_show_no_other_host(app: Any) -> None:
    client = Client(app)
    uri = client.new_collection()
    for name in "abc":
        client.put(f"{uri}/records/{name}")
    items = [
        {"path": path, "headers": {"Host": f"{TELLTALE}-item.internal", **INNER_HEADERS}}
        for path in (f"{uri}/records?_limit=1", "/", "/buckets/", "/nowhere", "/__api__")
    ]

    response = send(app, "POST", "/v1/batch", body={"requests": items})

    assert response.status_code == 200
    first = response.json["responses"][0]
    assert first["headers"]["Next-Page"].startswith("https://cdn.firefox.com/v1")
    assert response.json["responses"][1]["body"]["url"] == "https://cdn.firefox.com/v1/"
    assert_no_leak(response, "batch")


def test_19_settings_win_over_trusted_proxies() -> None:
    client = Client(memory_app({**CDN, "kinto.trusted_proxies": "10.0.0.0/8"}))
    forwarded = {"X-Forwarded-Host": "inner.example", "X-Forwarded-Proto": "http"}
    proxy = {"REMOTE_ADDR": "10.0.0.1"}
    answer = client.call("GET", "/", headers=forwarded, environ=proxy)
    assert answer.json["url"] == "https://cdn.firefox.com/v1/"


def test_items_of_a_batch_have_the_host_of_the_batch() -> None:
    client = Client(memory_app({"kinto.paginate_by": "1"}))
    uri = client.new_collection()
    for name in "ab":
        client.put(f"{uri}/records/{name}")
    item = {"path": f"{uri}/records", "headers": {"Host": "evil.example/x", "host": "evil"}}

    [answer] = client.batch(item).json["responses"]

    assert answer["headers"]["Next-Page"].startswith("http://localhost/v1/")


def test_the_api_description_names_the_host_of_whoever_asks() -> None:
    client = Client(memory_app())
    hosts = [
        client.get("/__api__", headers={"Host": host}).json["host"]
        for host in ("first.example", "second.example:8000")
    ]
    assert hosts == ["first.example", "second.example:8000"]


def test_the_api_description_is_that_of_the_application() -> None:
    plain, with_plugins = Client(memory_app()), Client(memory_app(EVERYTHING))
    described = [client.get("/__api__").json["paths"] for client in (plain, with_plugins, plain)]
    assert ["/fxa-oauth/params" in paths for paths in described] == [False, True, False]


@pytest.mark.parametrize("scheme", ["http2", "https"])
def test_a_port_that_is_not_that_of_the_scheme_is_shown(scheme: str) -> None:
    client = Client(memory_app({"kinto.http_scheme": scheme}))
    url = client.get("/", headers={"Host": "localhost:80"}).json["url"]
    assert url == f"{scheme}://localhost:80/v1/"


@pytest.mark.parametrize("settings", [{}, CDN], ids=["plain", "with http_host"])
@pytest.mark.parametrize(
    "host",
    [
        "",
        " ",
        "a b",
        "evil.example/path",
        "evil.example?x",
        "evil.example#x",
        "user@evil.example",
        "evil.example:port",
        "evil.example:99999",
        "a:1:2",
        "[::1",
        "::1",
        "évil.example",
        "evil.example\r\nX: y",
        "<script>",
        "a," * 10,
        "a" * 300,
    ],
)
def test_a_host_that_is_none_is_400(settings: dict[str, str], host: str) -> None:
    answer = Client(memory_app(settings)).call("GET", "/", environ={"HTTP_HOST": host})
    assert answer.status == 400
    assert answer.json["details"][0]["name"] == "Host"
    assert host not in answer.text or not host.strip()


@pytest.mark.parametrize("host", ["h", "h:80", "[::1]:8080", "10.0.0.1:8888", "a_b.example."])
def test_a_host_is_shown_as_it_is(host: str) -> None:
    answer = Client(memory_app()).call("GET", "/", environ={"HTTP_HOST": host})
    assert answer.json["url"] == f"http://{host.removesuffix(':80')}/v1/"


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("kinto.http_host", "https://cdn.firefox.com"),
        ("kinto.http_host", "cdn.firefox.com/"),
        ("kinto.http_host", "a b"),
        ("kinto.http_scheme", "https://"),
        ("kinto.http_scheme", "java script"),
    ],
)
def test_settings_that_make_no_url_stop_the_start(setting: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(f"'{setting}'")):
        memory_app({setting: value})


# -- row 20


@pytest.mark.guide("read-only origin")
def test_20_a_read_only_origin_serves_reads_alone(app: Any, collection: str) -> None:
    readonly = memory_app({**CDN, "kinto.readonly": "true", "kinto.includes": ""})
    readonly.registry.storage = app.registry.storage
    readonly.registry.permission = app.registry.permission
    anonymous = Client(readonly, user=None)

    for path in ("/", collection, f"{collection}/records", f"{collection}/records/a"):
        assert anonymous.get(path).status == 200
        assert anonymous.head(path).status == 200
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        for path in (collection, f"{collection}/records", "/batch", "/nowhere"):
            refused = Client(readonly).call(method, path, {"data": {}})
            assert (refused.status, refused.json["errno"]) == (405, 115)
    root = anonymous.get("/")
    assert root.headers["Cache-Control"] == "max-age=86400"
    assert root.json["settings"]["readonly"] is True


# -- row 21


def preflight(app: Any, path: str, method: str = "GET") -> Answer:
    headers = {
        "Origin": "https://app.example.org",
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization,x-custom",
    }
    request = webob.Request.blank(path, method="OPTIONS", headers=headers)
    response = request.get_response(app)
    return Answer(response.status_code, response.headers, response.body.decode())


@pytest.mark.guide("OPTIONS requests")
def test_21_options_on_every_existing_url(app: Any, collection: str) -> None:
    services = list(app.registry.cornice_services.values())
    for service in services:
        method = next(each for each in service.defined_methods if each != "OPTIONS")
        for path in paths_of([service], collection):
            answer = preflight(app, f"/v1{path}", method)
            assert answer.status == 200, (path, answer.text)
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
            assert method in answer.headers["Access-Control-Allow-Methods"].split(",")
            assert "x-custom" in answer.headers["Access-Control-Allow-Headers"]
            assert answer.headers["Access-Control-Max-Age"] == "3600"
            assert "Origin" in answer.headers["Vary"]
    assert len(services) > 15


@pytest.mark.guide("OPTIONS requests")
@pytest.mark.parametrize("path", ["/", "/buckets", "/buckets/b/collections/c/records", "/nowhere"])
def test_21_options_without_version(app: Any, path: str) -> None:
    answer = preflight(app, path)
    assert answer.status == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


# -- row 22


@pytest.mark.guide("cache and concurrency headers")
def test_22_vary_is_on_every_response(app: Any, collection: str) -> None:
    for method, path in all_requests(app, collection):
        vary = send(app, method, path, user=None).headers.get("Vary", "")
        assert set(vary.split(", ")) == {"Authorization", "Origin"}, (method, path)


@pytest.mark.parametrize(
    ("method", "headers", "environ", "status"),
    [
        ("PUT", {"If-None-Match": "*"}, {}, 412),
        ("GET", {"If-None-Match": "x"}, {}, 400),
        ("GET", {}, {"HTTP_HOST": "a b"}, 400),
        ("GET", {"Content-Length": "999999999"}, {}, 413),
        ("GET", {"Accept": "text/html"}, {}, 406),
        ("GET", {}, {"PATH_INFO": "/v1/\xff"}, 400),
    ],
    ids=["condition", "header", "host", "length", "accept", "path"],
)
def test_22_vary_is_on_refusals(
    app: Any,
    collection: str,
    method: str,
    headers: dict[str, str],
    environ: dict[str, str],
    status: int,
) -> None:
    answer = Client(app).call(method, f"{collection}/records/a", None, headers, environ)
    assert answer.status == status
    assert {"Authorization", "Origin"} == set(answer.headers["Vary"].split(", "))


def test_22_vary_is_on_304_and_410(app: Any, collection: str) -> None:
    etag = Client(app).get(f"{collection}/records/a").headers["ETag"]
    unchanged = Client(app).get(f"{collection}/records/a", headers={"If-None-Match": etag})
    assert unchanged.status == 304
    assert set(unchanged.headers["Vary"].split(", ")) == {"Authorization", "Origin"}
    gone = Client(memory_app({"kinto.eos": "2020-01-01"})).get("/")
    assert gone.status == 410
    assert set(gone.headers["Vary"].split(", ")) == {"Authorization", "Origin"}


@pytest.mark.parametrize(
    ("vary", "expected"),
    [("", {"Origin"}), ("Accept Authorization", {"Accept", "Authorization", "Origin"})],
)
def test_22_vary_is_a_setting(vary: str, expected: set[str]) -> None:
    client = Client(memory_app({"kinto.vary": vary}))
    for path in ("/", "/buckets", "/nowhere"):
        assert set(client.get(path).headers["Vary"].split(", ")) == expected


@pytest.mark.guide("cache and concurrency headers")
def test_22_etag_and_last_modified_are_on_reads(app: Any, collection: str) -> None:
    for path in ("", "/records", "/records/a"):
        headers = Client(app).get(f"{collection}{path}").headers
        seconds = int(headers["ETag"].strip('"')) // 1000
        assert parsedate_to_datetime(headers["Last-Modified"]).timestamp() == seconds


def seconds_kept(answer: Answer) -> int | None:
    """For how long a cache may keep the answer; ``None`` for never."""
    assert answer.status == 200
    control = answer.headers["Cache-Control"]
    if control == "no-cache, no-store":
        assert "Expires" not in answer.headers
        return None
    seconds = int(re.fullmatch(r"max-age=(\d+)", control)[1])
    expires = parsedate_to_datetime(answer.headers["Expires"])
    assert abs((expires - datetime.now(UTC)).total_seconds() - seconds) < 10
    return seconds


def world(settings: dict[str, Any], data: dict[str, Any] | None = None) -> Client:
    """An anonymous client, of a server with ``/buckets/b/collections/c/records/r``, a group, and
    the same in another bucket.
    """
    app = memory_app(settings)
    owner = Client(app)
    for bucket in "bd":
        owner.put(f"/buckets/{bucket}", permissions={"read": ["system.Everyone"]})
        owner.put(f"/buckets/{bucket}/groups/g", {"members": []})
        for name in "ce":
            owner.put(f"/buckets/{bucket}/collections/{name}", data)
            owner.put(f"/buckets/{bucket}/collections/{name}/records/r")
    return Client(app, user=None)


@pytest.mark.guide("cache and concurrency headers")
@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("bucket", "/buckets/b"),
        ("group", "/buckets/b/groups/g"),
        ("group", "/buckets/b/groups"),
        ("collection", "/buckets/b/collections/c"),
        ("collection", "/buckets/b/collections"),
        ("record", "/buckets/b/collections/c/records/r"),
        ("record", "/buckets/b/collections/c/records"),
    ],
)
def test_22_caching_by_kind_for_anonymous_readers_only(kind: str, path: str) -> None:
    client = world({f"kinto.{kind}_cache_expires_seconds": "60"})
    assert seconds_kept(client.get(path)) == 60
    assert client.head(path).headers["Cache-Control"] == "max-age=60"
    assert seconds_kept(client.as_user("owner").get(path)) is None
    other = "/buckets/b" if kind != "bucket" else "/buckets/b/groups/g"
    assert seconds_kept(client.get(other)) is None


def test_22_nothing_is_cached_unless_a_setting_says_so() -> None:
    client = world({})
    for path in ("/buckets/b", "/buckets/b/groups", "/buckets/b/collections/c/records/r"):
        assert seconds_kept(client.get(path)) is None


ORDER = [
    "b.c.record_cache_expires_seconds",
    "b_c_record_cache_expires_seconds",
    "b.record_cache_expires_seconds",
    "b_record_cache_expires_seconds",
    "record_cache_expires_seconds",
]


@pytest.mark.parametrize("first", range(len(ORDER)), ids=ORDER)
def test_22_the_most_specific_setting_counts(first: int) -> None:
    settings = {f"kinto.{name}": str(100 + n) for n, name in enumerate(ORDER) if n >= first}
    client = world(settings)

    for path in ("records", "records/r"):
        assert seconds_kept(client.get(f"/buckets/b/collections/c/{path}")) == 100 + first
    # Another collection of the bucket, another bucket.
    of_bucket, of_all = max(first, 2), 4
    assert seconds_kept(client.get("/buckets/b/collections/e/records")) == 100 + of_bucket
    assert seconds_kept(client.get("/buckets/d/collections/c/records")) == 100 + of_all


@pytest.mark.parametrize(
    ("setting", "metadata", "expected"),
    [
        (None, 3600, 3600),
        ("10", 3600, 3600),
        ("10", 5, 10),
        ("10", 0, 10),
        ("0", 20, 20),
        (None, None, None),
    ],
)
def test_22_the_metadata_of_a_collection_may_ask_for_more(
    setting: str | None, metadata: int | None, expected: int | None
) -> None:
    settings = {} if setting is None else {"kinto.record_cache_expires_seconds": setting}
    client = world(settings, None if metadata is None else {"cache_expires": metadata})
    for path in ("records", "records/r"):
        assert seconds_kept(client.get(f"/buckets/b/collections/c/{path}")) == expected


@pytest.mark.parametrize(
    ("settings", "data"),
    [
        ({"kinto.record_cache_expires_seconds": "0"}, None),
        ({}, {"cache_expires": 0}),
        ({"kinto.b_record_cache_expires_seconds": "0"}, None),
    ],
)
def test_22_zero_is_no_caching_of_records(
    settings: dict[str, str], data: dict[str, int] | None
) -> None:
    headers = world(settings, data).get("/buckets/b/collections/c/records/r").headers
    words = set(headers["Cache-Control"].split(", "))
    assert words == {"max-age=0", "must-revalidate", "no-cache", "no-store"}
    assert headers["Pragma"] == "no-cache"
    assert parsedate_to_datetime(headers["Expires"]) <= datetime.now(UTC)


def test_22_zero_is_no_caching_of_buckets() -> None:
    client = world({"kinto.bucket_cache_expires_seconds": "0"})
    assert seconds_kept(client.get("/buckets/b")) is None


def test_22_a_private_answer_is_never_cached() -> None:
    client = world({"kinto.record_cache_expires_seconds": "60"})
    owner = client.as_user("owner")
    owner.patch("/buckets/b", permissions={"read": []})
    refused = client.get("/buckets/b/collections/c/records/r")
    assert refused.status == 401
    assert "Cache-Control" not in refused.headers
    assert "Expires" not in refused.headers
    assert seconds_kept(owner.get("/buckets/b/collections/c/records/r")) is None


# -- row 23


@pytest.mark.guide("pagination behind a CDN")
def test_23_the_query_string_decides_about_body_and_next_page(app: Any, collection: str) -> None:
    client = Client(app, user=None)
    one, two = (client.get(f"{collection}/records", _limit=limit) for limit in (1, 2))
    assert [len(answer.data) for answer in (one, two)] == [1, 2]
    assert one.headers["Next-Page"] != two.headers["Next-Page"]
    assert one.headers["ETag"] == two.headers["ETag"]

    headers = {"X-Page": "2", "Cookie": "a=b", "User-Agent": "x", "Referer": "https://y.example"}
    same = client.get(f"{collection}/records", headers=headers, _limit=1)
    assert (same.text, same.headers["ETag"]) == (one.text, one.headers["ETag"])
    # The token of a page can be used once to delete it: no two are the same.
    pages = [follow(client, answer) for answer in (one, same)]
    assert pages[0].data == pages[1].data != one.data


def follow(client: Client, answer: Answer) -> Answer:
    return client.get(answer.headers["Next-Page"].removeprefix("https://cdn.firefox.com/v1"))
