"""gunicorn, by itself and behind nginx, with what ``docs/how-to/gunicorn.rst`` shows."""

import os
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import psutil
import pytest

from tests.production.adapted import HOST, proxying_nginx
from tests.support.deployment import Deployment
from tests.support.http import Site, under_load, wait_until
from tests.support.pages import adapt, read_block
from tests.support.processes import Daemon
from tests.support.webservers import new_site, running_gunicorn, running_nginx, wait_for_service


PAGE = "how-to/gunicorn.rst"
WORKERS = 2


def page_command(deployment: Deployment, *, port: int) -> tuple[list[str], dict[str, str]]:
    """Arguments and environment of gunicorn, as the page has them."""
    text = adapt(
        read_block(PAGE, "console", having="--bind"),
        {
            "/etc/kinto/kinto.ini": deployment.folder / "config" / "kinto.ini",
            "/opt/kinto": deployment.virtualenv,
            "127.0.0.1:8888": f"127.0.0.1:{port}",
        },
    )
    variable, program, *arguments = shlex.split(text.replace("\\\n", " "))
    assert program == deployment.script("gunicorn")
    name, _, value = variable.partition("=")
    return arguments, {name: value}


@contextmanager
def serving(deployment: Deployment, arguments: list[str], site: Site, **environment: str):
    """gunicorn, when it answers."""
    with running_gunicorn(deployment, arguments, environment=environment) as daemon:
        wait_for_service(daemon, site)
        yield daemon


@pytest.fixture(scope="module")
def service(
    deployment: Deployment, settings: Mapping[str, str]
) -> Iterator[tuple[Daemon, int, Site]]:
    """gunicorn as the page has it, its port, its address."""
    deployment.write_ini({**settings, "kinto.trusted_proxies": "127.0.0.1"})
    port, site = new_site()
    arguments, environment = page_command(deployment, port=port)
    with serving(deployment, arguments, site, **environment) as daemon:
        yield daemon, port, site


def check_service(site: Site) -> None:
    """Write, read, patch, list, in a bucket of the owner's."""
    owner = site.as_user("owner")
    collection = "/v1/buckets/b/collections/c"
    owner.put("/v1/buckets/b")
    owner.put(collection)
    etag = owner.put(f"{collection}/records/r", data={"a": "é"}).headers["ETag"]
    assert owner.get(f"{collection}/records/r", If_None_Match=etag).status == 304
    assert owner.call("PATCH", f"{collection}/records/r", {"data": {"b": 2}}).data["a"] == "é"
    assert len(owner.get(f"{collection}/records").data) == 1
    assert owner.call("PUT", f"{collection}/records/r", {}, {"If-Match": '"1"'}).status == 412
    assert site.get(collection).status == 401


def test_gunicorn_alone_serves(service: tuple[Daemon, int, Site]) -> None:
    check_service(service[2])


def test_workers_are_two(service: tuple[Daemon, int, Site]) -> None:
    assert len(psutil.Process(service[0].pid).children()) == WORKERS


@pytest.mark.guide("nginx with other servers")
def test_gunicorn_behind_nginx_serves(
    service: tuple[Daemon, int, Site], deployment: Deployment
) -> None:
    daemon, service_port, _site = service
    port, site = new_site(scheme="https", host=HOST)
    with running_nginx(proxying_nginx(deployment, port=port, service_port=service_port)):
        wait_for_service(daemon, site)
        check_service(site)
        # Scheme and host are those that nginx was asked for.
        assert site.get("/v1/").json["url"] == f"https://{HOST}/v1/"
        filling = b'{"data": {"a": "%s"}}' % (b"x" * 20_000_000)
        reply = site.as_user("owner").call("PUT", "/v1/buckets/b", filling, {"If-Match": '"1"'})
        assert reply.status == 412
        assert site.call("GET", "/v1/__heartbeat__", source="127.0.0.2").status == 403
        assert site.get("/v1/__heartbeat__").status == 200


@pytest.mark.parametrize("module", ["app:application", "kinto.app:application"])
def test_gunicorn_app_application(
    deployment: Deployment, settings: Mapping[str, str], module: str
) -> None:
    other = deployment.write_ini({**settings, "kinto.project_name": "from KINTO_INI"})
    port, site = new_site()
    arguments = [module, "--bind", f"127.0.0.1:{port}", "--workers", str(WORKERS)]

    with serving(deployment, arguments, site, KINTO_INI=str(other)):
        assert site.get("/v1/").json["project_name"] == "from KINTO_INI"


def test_gunicorn_says_which_file_is_missing(deployment: Deployment) -> None:
    arguments = ["app:application", "--bind", "127.0.0.1:0"]
    environment = {"KINTO_INI": "/nowhere.ini"}

    with running_gunicorn(deployment, arguments, environment=environment) as daemon:
        assert daemon.process.wait(60) != 0
        assert "Could not find config file at /nowhere.ini" in daemon.log()


def test_hup_reloads_gunicorn_without_a_failed_request(
    deployment: Deployment, settings: Mapping[str, str]
) -> None:
    deployment.write_ini(settings)
    port, site = new_site()
    arguments, environment = page_command(deployment, port=port)
    with serving(deployment, arguments, site, **environment) as daemon:
        owner = site.as_user("owner")
        owner.put("/v1/buckets/b")
        owner.put("/v1/buckets/b/collections/c")
        master = psutil.Process(daemon.pid)
        before = master.children()
        command = read_block(PAGE, "console", having="-HUP")
        with under_load(owner, "/v1/buckets/b/collections/c") as load:
            deployment.write_ini({**settings, "kinto.backoff": "3600"})
            assert os.system(adapt(command, {"$MAIN_PID": daemon.pid})) == 0
            wait_until(
                lambda: (
                    not set(before) & set(master.children())
                    and site.get("/v1/").headers["Backoff"] == "3600"
                ),
                what="new workers",
            )
            load.wait_for(20)
    assert load.failures == []
