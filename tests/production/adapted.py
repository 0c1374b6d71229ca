"""Blocks of the guide and of the documentation, with the places of a test instead of theirs."""

import re

from tests.production import guide
from tests.support.deployment import Deployment
from tests.support.pages import adapt, read_block
from tests.support.webservers import UWSGI_PARAMS, make_certificate, service_ids


PAGE = "how-to/uwsgi-nginx.rst"
HOST = "kinto.example.org"


def guide_uwsgi(deployment: Deployment, *, plugin: str = "python") -> str:
    """The guide's section, with the socket and the user of a test."""
    uid, gid = service_ids()
    changes = {
        "/var/run/uwsgi": deployment.folder,
        "uid = kinto": f"uid = {uid}",
        "gid = kinto": f"gid = {gid}",
        "plugin = python": f"plugin = {plugin}",
    }
    return adapt(guide.UWSGI, changes)


def guide_nginx(deployment: Deployment, *, port: int, more: str = "") -> str:
    """The guide's server, with the socket, the port and the file of a test.

    :param more: that the guide adds to the server.
    """
    changes = {
        "/var/run/uwsgi": deployment.folder,
        "8000": f"127.0.0.1:{port}",
        "/path/to/uwsgi_params": UWSGI_PARAMS,
    }
    server = adapt(guide.NGINX, changes)
    return server.rstrip().removesuffix("}") + more + "}"


def recommended_uwsgi(deployment: Deployment) -> str:
    """The section of the page, for the folder and the user of a test."""
    uid, gid = service_ids()
    changes = {
        "/opt/kinto": deployment.virtualenv,
        "/run/kinto": deployment.folder,
        "uid = kinto": f"uid = {uid}",
        "gid = www-data": f"gid = {gid}",
    }
    return adapt(read_block(PAGE, "ini", having="[uwsgi]"), changes)


def recommended_nginx(deployment: Deployment, *, port: int, location: str | None = None) -> str:
    """The server of the page, with the socket, the port and the certificate of a test.

    :param location: instead of its first one.
    """
    certificate, key = make_certificate(deployment.folder, name=HOST)
    changes = {
        "/run/kinto": deployment.folder,
        "443": f"127.0.0.1:{port}",
        "/etc/ssl/certs/kinto.pem": certificate,
        "/etc/ssl/private/kinto.key": key,
        "include uwsgi_params": f"include {UWSGI_PARAMS}",
    }
    block = adapt(read_block(PAGE, "nginx", having="upstream"), changes)
    return with_location(block, location) if location else block


def proxying_nginx(
    deployment: Deployment, *, port: int, service_port: int, location: str | None = None
) -> str:
    """The server of the page on gunicorn, which passes requests to that port."""
    certificate, key = make_certificate(deployment.folder, name=HOST)
    changes = {
        "127.0.0.1:8888": f"127.0.0.1:{service_port}",
        "443": f"127.0.0.1:{port}",
        "/etc/ssl/certs/kinto.pem": certificate,
        "/etc/ssl/private/kinto.key": key,
    }
    block = adapt(read_block("how-to/gunicorn.rst", "nginx", having="upstream"), changes)
    return with_location(block, location) if location else block


def with_location(server: str, location: str) -> str:
    """The server with another block for ``location /``."""
    changed, count = re.subn(r"    location / \{.*?\}\n", lambda _: location, server, flags=re.S)
    assert count == 1
    return changed
