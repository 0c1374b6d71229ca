"""Bodies that are sent in chunks, without a length, are held to the limit by every server."""

from collections.abc import Iterator

import pytest

from tests.production.adapted import HOST, recommended_nginx, recommended_uwsgi
from tests.support.deployment import Deployment
from tests.support.http import Site
from tests.support.processes import running
from tests.support.services import MEMORY_SETTINGS
from tests.support.webservers import (
    new_site,
    running_gunicorn,
    running_nginx,
    running_uwsgi,
    wait_for_service,
)


LIMIT_BYTES = 100_000
SETTINGS = {
    **MEMORY_SETTINGS,
    "kinto.bucket_create_principals": "system.Authenticated",
    "kinto.max_body_size_bytes": LIMIT_BYTES,
}


@pytest.fixture(scope="module", params=["kinto start", "gunicorn", "nginx and uWSGI"])
def site(request: pytest.FixtureRequest, deployment: Deployment) -> Iterator[Site]:
    ini = deployment.write_ini(SETTINGS, more=recommended_uwsgi(deployment))
    port, site = new_site()
    if request.param == "kinto start":
        command = [deployment.script("kinto"), "start", "--ini", str(ini), "--port", str(port)]
        log = deployment.folder / "kinto.log"
        with running(command, log_file=log, env=deployment.environment()) as daemon:
            wait_for_service(daemon, site)
            yield site.as_user("owner")
    elif request.param == "gunicorn":
        arguments = ["kinto.app:application", "--bind", f"127.0.0.1:{port}"]
        environment = {"KINTO_INI": str(ini)}
        with running_gunicorn(deployment, arguments, environment=environment) as daemon:
            wait_for_service(daemon, site)
            yield site.as_user("owner")
    else:
        port, site = new_site(scheme="https", host=HOST)
        with (
            running_uwsgi(deployment, ini) as daemon,
            running_nginx(recommended_nginx(deployment, port=port)),
        ):
            wait_for_service(daemon, site)
            yield site.as_user("owner")


def in_chunks(size_bytes: int) -> Iterator[bytes]:
    """A bucket of so many bytes, in pieces."""
    yield b'{"data":{"a":"'
    for start in range(0, size_bytes, 10_000):
        yield b"x" * min(10_000, size_bytes - start)
    yield b'"}}'


def test_chunks_within_the_limit_are_taken(site: Site) -> None:
    reply = site.call("POST", "/v1/buckets", in_chunks(LIMIT_BYTES - 100))

    assert reply.status == 201
    assert len(reply.data["a"]) == LIMIT_BYTES - 100


def test_chunks_over_the_limit_are_refused(site: Site) -> None:
    reply = site.call("POST", "/v1/buckets", in_chunks(LIMIT_BYTES + 10_000))

    assert (reply.status, reply.json["errno"]) == (413, 113)
