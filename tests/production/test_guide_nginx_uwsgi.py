"""The guide's nginx in front of the guide's uWSGI, with its blocks as they are written."""

import hashlib
import stat
from collections.abc import Iterator, Mapping

import psutil
import pytest

from tests.production.adapted import guide_nginx, guide_uwsgi
from tests.support.deployment import Deployment
from tests.support.http import Site
from tests.support.processes import Daemon, find_program
from tests.support.webservers import (
    new_site,
    running_nginx,
    running_uwsgi,
    service_ids,
    wait_for_service,
)


MEGABYTE = 1024 * 1024


@pytest.fixture(scope="module", params=["wheel", "debian"])
def served(
    request: pytest.FixtureRequest, deployment: Deployment, settings: Mapping[str, str]
) -> Iterator[tuple[Daemon, Site]]:
    """The guide's uWSGI behind the guide's nginx: from the wheel, from Debian's packages."""
    is_debian = request.param == "debian"
    program = find_program("uwsgi-core", package="uwsgi-core") if is_debian else None
    # Debian has given its plugin another name.
    section = guide_uwsgi(deployment, plugin="python3" if is_debian else "python")
    ini = deployment.write_ini(settings, more=section)
    port, site = new_site(host="www.my-kinto.org")
    with (
        running_uwsgi(deployment, ini, program=program) as uwsgi,
        running_nginx(guide_nginx(deployment, port=port)) as (_nginx, _folder),
    ):
        wait_for_service(uwsgi, site)
        yield uwsgi, site


@pytest.fixture
def site(served: tuple[Daemon, Site]) -> Site:
    return served[1].as_user("owner")


@pytest.mark.guide("nginx block", "uWSGI block", "uWSGI command")
def test_requests_of_every_kind_are_served(site: Site) -> None:
    collection = "/v1/buckets/b/collections/c"
    site.put("/v1/buckets/b")
    site.put(collection)
    created = site.put(f"{collection}/records/r", data={"a": 1})

    etag = {"If-None-Match": created.headers["ETag"]}
    assert created.status in (200, 201)
    assert site.call("GET", f"{collection}/records/r", headers=etag).status == 304
    patched = site.call("PATCH", f"{collection}/records/r", {"data": {"b": 2}})
    assert (patched.data["a"], patched.data["b"]) == (1, 2)
    stale = site.call("PUT", f"{collection}/records/r", {"data": {}}, {"If-Match": '"1"'})
    assert stale.status == 412
    assert site.call("HEAD", f"{collection}/records").headers["Total-Objects"] == "1"
    batch = {"requests": [{"method": "GET", "path": "/buckets/b"}]}
    assert site.call("POST", "/v1/batch", batch).json["responses"][0]["status"] == 200
    assert site.call("DELETE", f"{collection}/records/r").status == 200
    assert site.as_user(None).get("/v1/buckets/b").status == 401


@pytest.mark.guide("nginx block")
def test_server_name_is_the_domain_with_its_subdomains(site: Site) -> None:
    for host in ("my-kinto.org", "api.my-kinto.org"):
        root = Site(site.url, host=host).get("/v1/")
        # The URL of the service is the one that nginx was asked for.
        assert root.json["url"].startswith(f"http://{host}")


@pytest.mark.guide("nginx upload size")
def test_client_max_body_size_75m(site: Site) -> None:
    path = "/v1/buckets/big"
    filling = b'{"data": {"a": "%s"}}'
    accepted = site.call("PUT", path, filling % (b"x" * 70 * MEGABYTE), {"If-Match": '"1"'})
    refused = site.call("PUT", path, filling % (b"x" * 76 * MEGABYTE))

    # The service has read the body and found that there is nothing to replace.
    assert (accepted.status, accepted.json["errno"]) == (412, 114)
    assert (refused.status, "nginx" in refused.body.decode()) == (413, True)


@pytest.mark.guide("uWSGI block")
def test_buffer_size_65535(site: Site) -> None:
    headers = {f"X-Long-{number}": "a" * 7_000 for number in range(3)}

    # More than the 4096 bytes that uWSGI takes by itself, as much as nginx does.
    assert site.get(f"/v1/buckets?name={'a' * 7_000}", **headers).status == 200


@pytest.mark.guide("uWSGI block")
def test_chmod_socket_666(served: tuple[Daemon, Site], deployment: Deployment) -> None:
    mode = (deployment.folder / "kinto.sock").stat().st_mode

    assert stat.S_ISSOCK(mode)
    assert stat.S_IMODE(mode) == 0o666


@pytest.mark.guide("uWSGI block")
def test_processes_3_of_the_user(served: tuple[Daemon, Site]) -> None:
    uwsgi, _site = served
    workers = psutil.Process(uwsgi.pid).children()
    user, _group = service_ids()

    assert len(workers) == 3
    assert {worker.uids().effective for worker in workers} == {user}
    assert psutil.Process(uwsgi.pid).uids().effective == user


@pytest.mark.guide("uWSGI block")
def test_module_kinto_leaves_the_requests_to_app_wsgi(served: tuple[Daemon, Site]) -> None:
    uwsgi, site = served
    log = uwsgi.log()

    # uWSGI looks for the application in the package first, says so, and goes on.
    assert "unable to load app 0 (mountpoint='') (callable not found or import error)" in log
    assert "no python application found" not in log
    assert site.get("/v1/").json["project_name"] == "kinto"


def test_root_url_describes_the_file_of_uwsgi(site: Site, deployment: Deployment) -> None:
    ini = deployment.folder / "config/kinto.ini"

    digest = hashlib.sha256(ini.read_bytes()).hexdigest()
    assert site.get("/v1/").json["config"]["hash"] == digest
