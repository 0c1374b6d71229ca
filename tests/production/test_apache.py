"""Apache with mod_wsgi: the guide's block, and the one of ``docs/how-to/apache.rst``."""

import signal
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.production import guide
from tests.support.deployment import Deployment
from tests.support.http import Site, under_load, wait_until
from tests.support.pages import adapt, read_block
from tests.support.processes import Daemon, daemon_user
from tests.support.webservers import new_site, running_apache, wait_for_service


PAGE = "how-to/apache.rst"
MEGABYTE = 1024 * 1024
COLLECTION = "/v1/buckets/b/collections/c"
_USER = "user=kinto group=kinto "


def guide_block(deployment: Deployment, *, ini: Path) -> str:
    """The guide's block, for a folder from which the package can be imported."""
    # Apache looks for such files in the folder that WSGIPythonPath names.
    packages = next(deployment.virtualenv.glob("lib/python3.*/site-packages"))
    deployment.write("packages.pth", f"import site; site.addsitedir({str(packages)!r})\n")
    return adapt(guide.APACHE, {"/path/to/kinto.ini": ini, "/path/to/kinto": deployment.folder})


def page_block(deployment: Deployment, *, ini: Path) -> str:
    """The block of the page."""
    user = daemon_user()
    changes = {
        _USER: f"user={user} group=nogroup " if user else "",
        "/etc/kinto/kinto.ini": ini,
        "python-home=/opt/kinto": f"python-home={deployment.virtualenv}",
        "/opt/kinto": deployment.folder,
    }
    block = adapt(read_block(PAGE, "apache", having="WSGIDaemonProcess"), changes)
    return read_block(PAGE, "apache", having="WSGISocketRotation") + block


@pytest.fixture(scope="module")
def guided(deployment: Deployment, settings: Mapping[str, str]) -> Iterator[Site]:
    """Apache with the guide's block, and an INI that is elsewhere."""
    more = {
        "kinto.project_name": "named by SetEnv",
        "kinto.bucket_create_principals": "system.Everyone",
        "kinto.experimental_collection_schema_validation": "true",
    }
    ini = deployment.write_ini({**settings, **more})
    ini = ini.rename(deployment.folder / "elsewhere.ini")
    port, site = new_site()
    with running_apache(guide_block(deployment, ini=ini), port=port) as (daemon, _folder):
        wait_for_service(daemon, site)
        yield site


@pytest.mark.guide("Apache block")
class TestTheGuidesBlock:
    @pytest.fixture
    def site(self, guided: Site) -> Site:
        return guided

    def test_anonymous_requests_are_served(self, site: Site) -> None:
        for path in ("/v1/", "/v1/__heartbeat__", "/v1/__api__"):
            assert site.get(path).status == 200
        assert site.get("/").status == 307
        assert site.get("/v1/nowhere").json["errno"] == 111

    @pytest.mark.guide("Apache KINTO_INI")
    def test_kinto_ini_is_named_by_setenv(self, site: Site, deployment: Deployment) -> None:
        root = site.get("/v1/").json

        assert root["project_name"] == "named by SetEnv"
        assert root["config"]["path"] == str(deployment.folder / "elsewhere.ini")

    def test_c_extensions_work_in_the_interpreter_of_the_site(self, site: Site) -> None:
        # Each process of Apache has one for a site; patterns of schemas are matched by re2.
        schema = {"properties": {"a": {"pattern": "^(x|y)+z$"}}}
        site.put("/v1/buckets/open")
        site.put("/v1/buckets/open/collections/c", data={"schema": schema})

        def write(number: int) -> tuple[int, int]:
            path = f"/v1/buckets/open/collections/c/records/r{number}"
            return tuple(site.put(path, data={"a": a}).status for a in ("xyz", "abc"))

        with ThreadPoolExecutor(8) as threads:
            assert set(threads.map(write, range(24))) == {(201, 400)}

    def test_nobody_can_sign_in(self, site: Site) -> None:
        # mod_wsgi keeps the header to itself.
        assert site.as_user("owner").get("/v1/buckets/b").status == 401
        assert "user" not in site.as_user("owner").get("/v1/").json


@pytest.fixture(scope="module")
def served(
    deployment: Deployment, settings: Mapping[str, str]
) -> Iterator[tuple[Daemon, Path, Site]]:
    """Apache with the block of the page, and its folder."""
    ini = deployment.write_ini(settings)
    port, site = new_site()
    with running_apache(page_block(deployment, ini=ini), port=port) as (daemon, folder):
        wait_for_service(daemon, site)
        owner = site.as_user("owner")
        owner.put("/v1/buckets/b")
        owner.put(COLLECTION)
        yield daemon, folder, site


class TestThePagesBlock:
    @pytest.fixture
    def site(self, served: tuple[Daemon, Path, Site]) -> Site:
        return served[2].as_user("owner")

    def test_signed_in_requests_are_served(self, site: Site) -> None:
        created = site.put(f"{COLLECTION}/records/signed", data={"a": "é"})

        assert created.status == 201
        assert site.get(f"{COLLECTION}/records/signed").data["a"] == "é"
        assert site.as_user("somebody").get(f"{COLLECTION}/records/signed").status == 403
        assert site.as_user(None).get(f"{COLLECTION}/records/signed").status == 401

    def test_patch_merges(self, site: Site) -> None:
        site.put(f"{COLLECTION}/records/patched", data={"a": 1})

        reply = site.call("PATCH", f"{COLLECTION}/records/patched", {"data": {"b": 2}})

        assert (reply.data["a"], reply.data["b"]) == (1, 2)

    def test_preconditions_hold(self, site: Site) -> None:
        path = f"{COLLECTION}/records/guarded"
        etag = site.put(path, data={"a": 1}).headers["ETag"]

        unmodified = site.get(path, If_None_Match=etag)
        assert (unmodified.status, unmodified.body) == (304, b"")
        assert site.call("PUT", path, {"data": {}}, {"If-Match": '"1"'}).status == 412
        assert site.call("PUT", path, {"data": {}}, {"If-None-Match": "*"}).status == 412
        assert site.call("PUT", path, {"data": {}}, {"If-Match": etag}).status == 200

    def test_big_bodies_are_taken(self, site: Site) -> None:
        body = {"data": {"a": "x" * 2 * MEGABYTE}}
        filling = b'{"data": {"a": "%s"}}'

        assert site.call("PUT", f"{COLLECTION}/records/big", body).status == 201
        assert len(site.get(f"{COLLECTION}/records/big").body) > 2 * MEGABYTE
        accepted = filling % (b"x" * 70 * MEGABYTE)
        # The service has read the body, and has nothing to replace.
        assert site.call("PUT", "/v1/buckets/x", accepted, {"If-Match": '"1"'}).status == 412
        assert site.call("PUT", "/v1/buckets/x", filling % (b"x" * 76 * MEGABYTE)).status == 413

    def test_encoded_slashes_come_to_the_service(self, site: Site) -> None:
        reply = site.get("/v1/buckets/a%2Fb")

        assert reply.headers["Content-Type"] == "application/json"
        assert reply.status == reply.json["code"]

    def test_private_urls_are_restricted(self, site: Site) -> None:
        assert site.get("/v1/__heartbeat__").status == 200
        for path in (
            "/v1/__heartbeat__",
            "/v1/%5F%5Fheartbeat__",
            "//v1//__heartbeat__",
            "/v1/x/../__heartbeat__",
            "/v1/__heartbeat__/",
            "/v1%2F__heartbeat__",
        ):
            reply = site.call("GET", path, source="127.0.0.2")
            assert reply.status in (307, 403, 404)
            assert b"storage" not in reply.body
        assert site.call("GET", "/v1/__heartbeat__", source="127.0.0.2").status == 403
        assert site.call("GET", "/v1/", source="127.0.0.2").status == 200

    def test_graceful_restart_loses_no_request(
        self,
        served: tuple[Daemon, Path, Site],
        deployment: Deployment,
        settings: Mapping[str, str],
    ) -> None:
        daemon, folder, site = served
        with under_load(site.as_user("owner"), COLLECTION) as load:
            deployment.write_ini({**settings, "kinto.backoff": "3600"})
            # What `apachectl graceful` sends.
            daemon.process.send_signal(signal.SIGUSR1)
            wait_until(
                lambda: {site.get("/v1/").headers["Backoff"] for _ in range(10)} == {"3600"},
                what="the new configuration",
            )
            load.wait_for(10)
        assert load.failures == [], (folder / "apache.log").read_text()


def test_missing_ini_is_an_error_500_that_names_the_file(deployment: Deployment) -> None:
    port, site = new_site()
    block = page_block(deployment, ini=Path("/nowhere/kinto.ini"))
    with running_apache(block, port=port) as (_daemon, folder):
        assert site.get("/v1/").status == 500

        log = folder / "apache.log"
        line = "Could not find config file at /nowhere/kinto.ini"
        wait_until(lambda: line in log.read_text(), what="a line in the error log")
        assert "Traceback" not in log.read_text()
        assert "KeyError" not in log.read_text()
