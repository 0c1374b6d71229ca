"""Scheme and host of a request, as links in its answer show them.

Source: "Scheme, host and absolute URLs" of the HTTP API, section 1.3.
"""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address

from pyramid.request import Request

from kinto.core.exceptions import InvalidParameter
from kinto.core.protocol.host import is_valid_host
from kinto.core.protocol.urls import is_plain_path
from kinto.core.settings import DeploymentSettings


_SCHEMES = ("http", "https")
_IS_ON = ("on", "1")

Networks = Sequence[IPv4Network | IPv6Network]


def settle_origin(request: Request, deployment: DeploymentSettings) -> None:
    """Have the request show the scheme and host that links may name.

    Settings win, then what a trusted proxy forwards, then what the client connected to.

    :raises InvalidParameter: there is no such scheme, or no such host.
    """
    if "HTTP_X_FORWARDED_PROTO" in request.environ or "HTTP_X_FORWARDED_HOST" in request.environ:
        _judge_forwarded(request, deployment.trusted_proxies)
    if deployment.http_scheme:
        request.scheme = deployment.http_scheme
    elif request.scheme not in _SCHEMES:
        raise InvalidParameter("header", "X-Forwarded-Proto", "Invalid scheme")
    if not is_valid_host(request.environ.get("HTTP_HOST", "localhost")):
        raise InvalidParameter("header", "Host", "Invalid host")
    if deployment.http_host:
        request.host = deployment.http_host


def own_url(request: Request) -> str:
    """URL of a request without its query string."""
    path = request.environ.get("SCRIPT_NAME", "") + request.environ["PATH_INFO"]
    return f"{request.host_url}{path}" if is_plain_path(path) else request.path_url


def _judge_forwarded(request: Request, trusted: Networks) -> None:
    environ = request.environ
    scheme = environ.get("HTTP_X_FORWARDED_PROTO")
    if is_trusted(environ.get("REMOTE_ADDR"), trusted):
        if scheme:
            request.scheme = _first(scheme).lower()
        if host := environ.get("HTTP_X_FORWARDED_HOST"):
            request.host = _first(host)
    elif scheme is not None and request.scheme == scheme:
        # uWSGI takes the header for the scheme, whoever sent it.
        is_secure = str(environ.get("HTTPS", "")).lower() in _IS_ON
        request.scheme = "https" if is_secure else "http"


def is_trusted(address: str | None, trusted: Networks) -> bool:
    """Whether the peer is one of the proxies that the settings name."""
    if not address or not trusted:
        return False
    try:
        peer = ip_address(address)
    except ValueError:
        return False
    return any(peer in network for network in trusted)


def _first(forwarded: str) -> str:
    """What the first proxy was asked for; each further one adds a comma and its own."""
    return forwarded.partition(",")[0].strip()
