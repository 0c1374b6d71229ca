"""nginx as cache server: what everyone may read comes from it, and nothing else does."""

import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest

from tests.production import guide
from tests.production.adapted import (
    HOST,
    guide_nginx,
    guide_uwsgi,
    proxying_nginx,
    recommended_nginx,
)
from tests.support.deployment import Deployment
from tests.support.http import Reply, Site, wait_until
from tests.support.pages import adapt, read_block
from tests.support.webservers import new_site, running_nginx, running_uwsgi, wait_for_service


PAGE = "how-to/caching.rst"
RECORDS = "/v1/buckets/kept/collections/c/records"
ORIGIN = "https://app.example.com"


@dataclass(frozen=True, slots=True)
class Services:
    """One service: behind a cache, and as it is without."""

    cached: Site
    direct: Site

    def change(self, path: str, **data: object) -> Reply:
        """Write an object behind the cache's back."""
        reply = self.direct.as_user("owner").put(path, data=data)
        assert reply.status in (200, 201), reply.body
        return reply


@pytest.fixture(scope="module")
def service(deployment: Deployment, settings: Mapping[str, str]) -> Iterator[tuple[int, Site]]:
    """uWSGI, on its socket and on a port, with buckets that anyone may read."""
    more = {
        "kinto.kept_record_cache_expires_seconds": "600",
        "kinto.brief_record_cache_expires_seconds": "1",
        "kinto.paginate_by": "2",
        "kinto.http_scheme": "https",
        # What the cache has to tell apart shows in the answers.
        "kinto.cors_origins": f"{ORIGIN} https://other.example.com",
    }
    ini = deployment.write_ini({**settings, **more}, more=guide_uwsgi(deployment))
    port, site = new_site(host=HOST)
    options = ["--http-socket", f"127.0.0.1:{port}"]
    with running_uwsgi(deployment, ini, options=options) as daemon:
        wait_for_service(daemon, site)
        owner = site.as_user("owner")
        for bucket in ("kept", "brief"):
            owner.put(f"/v1/buckets/{bucket}", permissions={"read": ["system.Everyone"]})
            owner.put(f"/v1/buckets/{bucket}/collections/c")
        owner.put("/v1/buckets/private")
        owner.put("/v1/buckets/private/collections/c")
        yield port, site


@pytest.fixture(scope="module", params=["uwsgi_cache", "proxy_cache"])
def services(
    request: pytest.FixtureRequest, service: tuple[int, Site], deployment: Deployment
) -> Iterator[Services]:
    """Both of the forms that the page shows."""
    service_port, direct = service
    port, cached = new_site(scheme="https", host=HOST)
    location = read_block(PAGE, "nginx", having=f"{request.param}_bypass")
    if request.param == "uwsgi_cache":
        server = recommended_nginx(deployment, port=port, location=location)
    else:
        server = proxying_nginx(
            deployment, port=port, service_port=service_port, location=location
        )
    path = read_block(PAGE, "nginx", having=f"{request.param}_path")
    with running_nginx(adapt(path, {"/var/cache/nginx/kinto": "cache"}) + server):
        wait_until(lambda: _answers(cached), what="nginx")
        yield Services(cached, direct)


@pytest.fixture
def record(services: Services, request: pytest.FixtureRequest) -> str:
    """Path of a record that anyone may read, made for one test."""
    path = f"{RECORDS}/{_id(request)}"
    services.change(path, a="first")
    return path


def _id(request: pytest.FixtureRequest) -> str:
    # The forms have the same service.
    return "".join(character if character.isalnum() else "-" for character in request.node.name)


def _answers(site: Site) -> bool:
    try:
        return site.get("/v1/").status == 200
    except OSError:
        return False


def _cache_status(reply: Reply) -> str | None:
    return reply.headers["X-Cache-Status"]


@pytest.mark.guide("nginx cache")
def test_second_identical_get_makes_no_request_to_the_service(
    services: Services, record: str
) -> None:
    first = services.cached.get(record)
    services.change(record, a="second")
    second = services.cached.get(record)

    assert (_cache_status(first), _cache_status(second)) == ("MISS", "HIT")
    # What the service would have answered is something else.
    assert services.direct.get(record).data["a"] == "second"
    assert second.data == first.data


@pytest.mark.guide("nginx cache")
def test_another_query_string_is_another_entry(services: Services, record: str) -> None:
    services.cached.get(record)

    reply = services.cached.get(f"{record}?_fields=id")

    assert _cache_status(reply) == "MISS"
    assert reply.data != services.cached.get(record).data


def test_an_expired_entry_is_fetched_again(
    services: Services, request: pytest.FixtureRequest
) -> None:
    path = f"/v1/buckets/brief/collections/c/records/{_id(request)}"
    services.change(path, a="first")
    services.cached.get(path)
    services.change(path, a="second")

    wait_until(
        lambda: services.cached.get(path).data["a"] == "second", what="the end of one second"
    )


@pytest.mark.guide("nginx cache on collections")
def test_cache_expires_of_a_collection_counts(
    services: Services, request: pytest.FixtureRequest
) -> None:
    collection = f"/v1/buckets/brief/collections/{_id(request)}"
    services.change(collection, cache_expires=600)
    services.change(f"{collection}/records/r", a=1)

    reply = services.cached.get(f"{collection}/records/r")

    assert reply.headers["Cache-Control"] == "max-age=600"
    assert _cache_status(services.cached.get(f"{collection}/records/r")) == "HIT"


@pytest.mark.guide("nginx cache of private answers")
def test_a_private_answer_is_for_its_owner_alone(
    services: Services, request: pytest.FixtureRequest
) -> None:
    path = f"/v1/buckets/private/collections/c/records/{_id(request)}"
    services.change(path, a="first")
    owner = services.cached.as_user("owner")

    for expected in ("first", "second"):
        services.change(path, a=expected)
        reply = owner.get(path)
        assert (reply.data["a"], _cache_status(reply)) == (expected, "BYPASS")
    assert services.cached.as_user("somebody").get(path).status == 403
    assert services.cached.get(path).status == 401


@pytest.mark.guide("nginx cache of private answers")
def test_those_who_sign_in_are_not_answered_from_the_cache(
    services: Services, record: str
) -> None:
    services.cached.get(record)
    services.change(record, a="second")

    reply = services.cached.as_user("somebody").get(record)

    assert (reply.data["a"], _cache_status(reply)) == ("second", "BYPASS")
    assert "no-store" in reply.headers["Cache-Control"]


@pytest.mark.guide("nginx cache of private answers")
def test_what_those_who_sign_in_see_is_not_kept(services: Services, record: str) -> None:
    services.cached.as_user("owner").get(record)

    assert _cache_status(services.cached.get(record)) == "MISS"


def test_an_answer_to_nobody_in_particular_names_no_user(services: Services) -> None:
    services.cached.as_user("owner").get("/v1/")

    assert "user" not in services.cached.get("/v1/").json


@pytest.mark.parametrize("first", [None, ORIGIN, "https://elsewhere.example"])
def test_cors_answers_from_the_cache_have_their_headers(
    services: Services, record: str, first: str | None
) -> None:
    services.cached.call("GET", record, headers={"Origin": first} if first else {})

    for origin in (ORIGIN, "https://other.example.com", ORIGIN):
        reply = services.cached.get(record, Origin=origin)
        direct = services.direct.get(record, Origin=origin)
        assert reply.headers["Access-Control-Allow-Origin"] == origin
        for name in ("Access-Control-Expose-Headers", "Vary"):
            assert reply.headers[name] == direct.headers[name]
    # The last one was asked before.
    assert _cache_status(reply) == "HIT"


def test_vary_names_authorization_and_origin(services: Services, record: str) -> None:
    for _ in range(2):
        reply = services.cached.get(record)
        assert {"Authorization", "Origin"} <= set(reply.headers["Vary"].split(", "))
    assert _cache_status(reply) == "HIT"


def test_preflights_go_to_the_service(services: Services, record: str) -> None:
    headers = {"Origin": ORIGIN, "Access-Control-Request-Method": "GET"}

    for _ in range(2):
        reply = services.cached.call("OPTIONS", record, headers=headers)
        assert reply.status == 200
        assert reply.headers["Access-Control-Allow-Origin"] == ORIGIN


@pytest.mark.guide("pagination behind a CDN")
def test_next_page_leads_through_the_cache(
    services: Services, request: pytest.FixtureRequest
) -> None:
    collection = f"/v1/buckets/kept/collections/{_id(request)}"
    services.change(collection)
    for number in range(3):
        services.change(f"{collection}/records/r{number}", a=number)
    seen = []
    for _ in range(2):
        path: str | None = f"{collection}/records"
        while path:
            reply = services.cached.get(path)
            seen += [item["id"] for item in reply.data]
            next_page = reply.headers["Next-Page"]
            assert next_page is None or next_page.startswith(f"https://{HOST}/")
            path = next_page and next_page.removeprefix(f"https://{HOST}")
    assert _cache_status(reply) == "HIT"
    assert sorted(seen) == ["r0", "r0", "r1", "r1", "r2", "r2"]


def test_not_modified_comes_from_the_cache(services: Services, record: str) -> None:
    etag = services.cached.get(record).headers["ETag"]
    services.change(record, a="second")

    reply = services.cached.get(record, If_None_Match=etag)

    assert (reply.status, _cache_status(reply), reply.body) == (304, "HIT", b"")
    assert services.cached.get(record, If_None_Match='"1"').status == 200


@pytest.mark.guide("cache and concurrency headers")
def test_headers_for_caches_come_through(services: Services, record: str) -> None:
    direct = services.direct.get(record)
    for _ in range(2):
        reply = services.cached.get(record)
        for name in ("ETag", "Last-Modified", "Cache-Control"):
            assert reply.headers[name] == direct.headers[name]
        assert reply.headers["Expires"]


def test_head_of_a_list_counts(services: Services, request: pytest.FixtureRequest) -> None:
    collection = f"/v1/buckets/kept/collections/{_id(request)}"
    services.change(collection)
    services.change(f"{collection}/records/r", a=1)

    for _ in range(2):
        head = services.cached.call("HEAD", f"{collection}/records")
        assert (head.headers["Total-Objects"], head.body) == ("1", b"")
    assert len(services.cached.get(f"{collection}/records").data) == 1


def test_writes_go_to_the_service(services: Services, record: str) -> None:
    services.cached.get(record)
    owner = services.cached.as_user("owner")

    assert owner.call("PATCH", record, {"data": {"b": 1}}).data["a"] == "first"
    assert owner.call("PUT", record, {"data": {}}, {"If-Match": '"1"'}).status == 412
    assert owner.call("DELETE", record).status == 200


@pytest.mark.guide("nginx cache")
def test_literal_sample_is_refused_and_the_service_goes_on(
    service: tuple[int, Site], deployment: Deployment
) -> None:
    port, site = new_site(host="www.my-kinto.org")
    server = guide_nginx(deployment, port=port)
    with running_nginx(server) as (daemon, folder):
        wait_until(lambda: _answers(site), what="nginx")
        configuration = folder / "nginx.conf"
        text = configuration.read_text(encoding="utf-8")
        configuration.write_text(text.replace("upstream", guide.NGINX_CACHE + "upstream", 1))
        daemon.process.send_signal(signal.SIGHUP)

        log = folder / "nginx.log"
        wait_until(lambda: "[emerg]" in log.read_text(), what="a complaint of nginx")
        assert "invalid variable name" in log.read_text()
        assert _answers(site)


@pytest.mark.guide("nginx cache")
def test_proxy_cache_has_no_effect_on_uwsgi_pass(
    service: tuple[int, Site], deployment: Deployment, request: pytest.FixtureRequest
) -> None:
    port, site = new_site(host="www.my-kinto.org")
    sample = adapt(guide.NGINX_CACHE, {"uri$": "uri", "/tmp/nginx": "cache", ":100m": ":1m"})
    server = guide_nginx(deployment, port=port).replace(
        "uwsgi_pass", "proxy_cache my_zone; uwsgi_pass"
    )
    services = Services(site, service[1])
    with running_nginx(sample + server):
        wait_until(lambda: _answers(site), what="nginx")
        for value in ("first", "second"):
            services.change(f"{RECORDS}/{_id(request)}", a=value)
            assert site.get(f"{RECORDS}/{_id(request)}").data["a"] == value
