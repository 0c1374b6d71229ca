"""uWSGI behind nginx as ``docs/how-to/uwsgi-nginx.rst`` shows it, block by block."""

import os
import signal
import socket
import stat
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from tests.production import guide
from tests.production.adapted import HOST, guide_nginx, recommended_nginx, recommended_uwsgi
from tests.support.databases import locked_objects
from tests.support.deployment import Deployment
from tests.support.http import Site, wait_until
from tests.support.pages import adapt
from tests.support.processes import Daemon, find_program
from tests.support.webservers import (
    new_site,
    running_nginx,
    running_uwsgi,
    service_ids,
    wait_for_service,
)


OTHER_ADDRESS = "127.0.0.2"


@pytest.fixture(scope="module")
def uwsgi(deployment: Deployment, settings: Mapping[str, str]) -> Iterator[Daemon]:
    """uWSGI alone, behind its socket."""
    ini = deployment.write_ini(
        {**settings, "kinto.http_scheme": "https"}, more=recommended_uwsgi(deployment)
    )
    with running_uwsgi(deployment, ini) as daemon:
        yield daemon


@pytest.fixture(scope="module")
def served(uwsgi: Daemon, deployment: Deployment) -> Iterator[Site]:
    """The whole, for an anonymous client."""
    port, site = new_site(scheme="https", host=HOST)
    with running_nginx(recommended_nginx(deployment, port=port)):
        wait_for_service(uwsgi, site)
        yield site


@pytest.fixture
def site(served: Site) -> Site:
    return served.as_user("owner")


def test_signed_in_requests_are_served(site: Site) -> None:
    site.put("/v1/buckets/b")
    site.put("/v1/buckets/b/collections/c")

    assert site.put("/v1/buckets/b/collections/c/records/r", data={"a": "é"}).status == 201
    assert site.get("/v1/buckets/b/collections/c/records/r").data["a"] == "é"
    assert site.as_user(None).get("/v1/buckets/b").status == 401


def test_root_url_is_that_of_nginx(site: Site) -> None:
    assert site.get("/v1/").json["url"] == f"https://{HOST}/v1/"


def test_long_filters_are_taken(site: Site) -> None:
    assert site.get(f"/v1/buckets?in_id={'a,' * 9_000}a").status == 200


@pytest.mark.parametrize(
    ("length", "headers", "expected"),
    [
        (21_000, {}, 414),
        (100, {"X-Long": "a" * 21_000}, 400),
        (15_000, {f"X-{number}": "a" * 5_000 for number in range(12)}, 400),
        (19_000, {"X-Long": "a" * 19_000}, 200),
    ],
    ids=["line", "header", "headers", "most"],
)
def test_what_is_too_long_for_uwsgi_is_refused_by_nginx(
    site: Site, length: int, headers: dict[str, str], expected: int
) -> None:
    assert site.get(f"/v1/buckets?name={'a' * length}", **headers).status == expected


@pytest.mark.guide("nginx private URLs")
@pytest.mark.parametrize("name", guide.PRIVATE_URLS)
def test_private_urls_are_restricted(site: Site, name: str) -> None:
    path = f"/v1/{name}"

    allowed = site.call("GET", path)
    refused = site.call("GET", path, source=OTHER_ADDRESS)

    # What is not enabled here is missing, in the words of the service.
    assert allowed.status == 200 or allowed.json["errno"] in (111, 115)
    assert (refused.status, b"nginx" in refused.body) == (403, True)
    assert site.call("POST", path, source=OTHER_ADDRESS).status == 403


@pytest.mark.guide("nginx private URLs")
@pytest.mark.parametrize(
    "path",
    [
        "/v1/%5F%5Fheartbeat__",
        "/v1/__heart%62eat__",
        "//v1//__heartbeat__",
        "/v1//__heartbeat__",
        "/v1/./__heartbeat__",
        "/v1/buckets/../__heartbeat__",
        "/v1/buckets/%2e%2e/__heartbeat__",
        "/v1%2F__heartbeat__",
        "/v1/__heartbeat__/",
        "/v1/__heartbeat__?a=b",
        "/v1/__heartbeat__%20",
        "/__heartbeat__",
    ],
)
def test_no_spelling_gets_round_the_restriction(site: Site, path: str) -> None:
    assert site.call("GET", path, source=OTHER_ADDRESS).status == 403


@pytest.mark.parametrize("path", ["/v1/%255F%255Fheartbeat__", "/V1/__heartbeat__x", "/v1/;/__x"])
def test_other_spellings_are_no_private_urls(site: Site, path: str) -> None:
    reply = site.call("GET", path, source=OTHER_ADDRESS)

    assert reply.status in (403, 404)
    assert b"storage" not in reply.body


def test_public_urls_are_open_to_everyone(site: Site) -> None:
    assert site.call("GET", "/v1/", source=OTHER_ADDRESS).status == 200


def test_socket_is_open_to_the_group_alone(site: Site, deployment: Deployment) -> None:
    socket_file = (deployment.folder / "kinto.sock").stat()

    assert stat.S_IMODE(socket_file.st_mode) == 0o660
    assert socket_file.st_gid == service_ids()[1]


def test_processes_load_app_wsgi_as_their_user(uwsgi: Daemon, site: Site) -> None:
    workers = psutil.Process(uwsgi.pid).children()

    assert len(workers) == 4
    assert {worker.uids().effective for worker in workers} == {service_ids()[0]}
    assert "unable to load app" not in uwsgi.log()


def test_a_worker_that_died_is_replaced(uwsgi: Daemon, site: Site) -> None:
    master = psutil.Process(uwsgi.pid)
    victim = master.children()[0]
    victim.kill()

    wait_until(
        lambda: len(master.children()) == 4 and victim not in master.children(),
        what="another worker",
    )
    assert site.get("/v1/").status == 200


@pytest.mark.guide("nginx private URLs")
def test_literal_block_for_private_urls_hides_them_from_everyone(
    uwsgi: Daemon, deployment: Deployment
) -> None:
    port, site = new_site(host="www.my-kinto.org")
    literal = guide_nginx(deployment, port=port, more=guide.NGINX_PRIVATE)

    with running_nginx(literal):
        # A location does not take over where another one sends its requests.
        wait_until(lambda: _is_open(port), what="nginx")
        assert site.call("GET", "/v1/__heartbeat__", source=OTHER_ADDRESS).status == 403
        assert site.get("/v1/__heartbeat__").status == 404
        assert site.get("/v1/").status == 200


@pytest.mark.guide("uWSGI block")
def test_harakiri_ends_a_worker_that_hangs(
    deployment: Deployment, settings: Mapping[str, str]
) -> None:
    section = adapt(
        recommended_uwsgi(deployment),
        {
            "harakiri = 120": "harakiri = 2",
            "module = kinto.app": "module = hanging",
            "processes = 4": "processes = 1",
            "kinto.sock": "hanging.sock",
            "fifo": "hanging.fifo",
        },
    )
    port, site = new_site()
    deployment.write(
        "hanging.py",
        "import time\n\n\ndef application(environ, start_response):\n"
        "    if environ['PATH_INFO'] == '/hang':\n        time.sleep(600)\n"
        "    start_response('200 OK', [])\n    return [b'{}']\n",
    )
    ini = deployment.write("hanging.ini", section)
    options = ["--http-socket", f"127.0.0.1:{port}", "--pythonpath", str(deployment.folder)]
    with running_uwsgi(deployment, ini, options=options) as daemon:
        wait_for_service(daemon, site)
        with pytest.raises(OSError, match=r"closed|reset"):
            site.get("/hang")
        assert site.get("/").status == 200
        assert "HARAKIRI" in daemon.log()


def test_a_section_that_cannot_load_the_application_fails_at_once(
    deployment: Deployment,
) -> None:
    section = adapt(recommended_uwsgi(deployment), {"processes = 4": "processes = 1"})
    ini = deployment.write("unloadable.ini", section)
    environment = {"KINTO_INI": "/nowhere.ini"}

    with running_uwsgi(deployment, ini, environment=environment) as daemon:
        assert daemon.process.wait(60) != 0
        assert "Could not find config file at /nowhere.ini" in daemon.log()


@pytest.mark.guide("uWSGI KINTO_INI")
def test_kinto_ini_names_another_file(deployment: Deployment, settings: Mapping[str, str]) -> None:
    other = deployment.folder / "other.ini"
    ini = deployment.write_ini({**settings, "kinto.project_name": "from the other file"})
    ini.rename(other)
    section = recommended_uwsgi(deployment)
    section = adapt(section, {"kinto.sock": "other.sock", "fifo": "other.fifo"})
    ini = deployment.write_ini(settings, more=section)
    port, site = new_site()

    with running_uwsgi(
        deployment,
        ini,
        options=["--http-socket", f"127.0.0.1:{port}"],
        environment={"KINTO_INI": str(other)},
    ) as daemon:
        wait_for_service(daemon, site)
        assert site.get("/v1/").json["project_name"] == "from the other file"
        # buffer-size: there is no nginx in between here.
        assert site.get(f"/v1/?a={'a' * 40_000}").status == 200


@pytest.mark.guide("uWSGI block")
def test_the_uwsgi_of_debian_serves(deployment: Deployment, settings: Mapping[str, str]) -> None:
    program = find_program("uwsgi-core", package="uwsgi-core")
    section = adapt(
        recommended_uwsgi(deployment),
        {
            f"binary-path = {deployment.virtualenv}/bin/python": "plugin = python3",
            "kinto.sock": "debian.sock",
            "fifo": "debian.fifo",
        },
    )
    ini = deployment.write_ini(settings, more=section)
    port, site = new_site()
    options = ["--http-socket", f"127.0.0.1:{port}"]

    with running_uwsgi(deployment, ini, program=program, options=options) as daemon:
        wait_for_service(daemon, site)
        assert site.get("/v1/").status == 200


def test_sigterm_stops_it_when_requests_in_flight_are_answered(
    deployment: Deployment, settings: Mapping[str, str]
) -> None:
    section = recommended_uwsgi(deployment)
    section = adapt(section, {"kinto.sock": "stopped.sock", "fifo": "stopped.fifo"})
    ini = deployment.write_ini(settings, more=section)
    port, site = new_site()
    options = ["--http-socket", f"127.0.0.1:{port}"]
    with running_uwsgi(deployment, ini, options=options) as daemon, ThreadPoolExecutor(1) as pool:
        wait_until(lambda: daemon.log().count(" ready in ") == 4, what="four workers")
        with locked_objects(settings["kinto.storage_url"]) as is_waited_for:
            reply = pool.submit(site.as_user("owner").get, "/v1/buckets/b")
            wait_until(is_waited_for, what="a request that waits for the database")
            os.kill(daemon.pid, signal.SIGTERM)
            wait_until(lambda: "shutdown triggered" in daemon.log(), what="the signal")
        assert reply.result().status in (200, 403)
        assert daemon.process.wait(30) == 0


def _is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
