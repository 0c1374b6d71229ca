"""Checks of where metrics and errors are sent."""

import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from kinto.cli.doctor.findings import Check, Context, Finding, Problem, failure, ok, warning
from kinto.core.settings import CoreSettings


_STATSD_PORT = 8125


@dataclass(frozen=True, slots=True)
class StatsdHost:
    """Where metrics go.

    :param address: of the host; ``None``: none are sent.
    """

    url: str | None
    address: str | None


def resolve_statsd(url: str | None) -> StatsdHost | Problem:
    """The address of the host that metrics are sent to."""
    if not url:
        return StatsdHost(None, None)
    parts = urlsplit(url)
    fix = "kinto.statsd_url = udp://host:8125"
    try:
        port = parts.port or _STATSD_PORT
        found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_DGRAM)
    except (OSError, ValueError) as error:
        return Problem(f"{url}: {error}", fix)
    return StatsdHost(url, str(found[0][4][0]))


def judge_statsd(host: StatsdHost, context: Context) -> Finding:
    """Is there a host to send metrics to?"""
    if host.url is None:
        return ok("metrics are not sent", "kinto.statsd_url = udp://host:8125")
    scheme = urlsplit(host.url).scheme
    if scheme != "udp":
        return failure(f"{host.url}: expected udp", "kinto.statsd_url = udp://host:8125")
    return ok(f"{host.url} is {host.address}")


def judge_sentry(settings: CoreSettings, context: Context) -> Finding:
    """Is the address of Sentry one?"""
    dsn = settings.monitoring.sentry_dsn
    fix = "kinto.sentry_dsn = https://key@host/project"
    if not dsn:
        return ok("errors are not sent", fix)
    if problem := find_dsn_problem(dsn):
        return failure(f"sentry_dsn has {problem}", fix)
    return ok(f"errors are sent to {urlsplit(dsn).hostname}")


def find_dsn_problem(dsn: str) -> str | None:
    """What is wrong with the address of a Sentry project; ``None``: nothing."""
    parts = urlsplit(dsn)
    if parts.scheme not in ("http", "https"):
        return "another scheme than http or https"
    if not parts.username:
        return "no key"
    if not parts.hostname:
        return "no host"
    if not parts.path.rpartition("/")[2].isdecimal():
        return "no number of a project at its end"
    return None


def judge_profiler(settings: CoreSettings, context: Context) -> Finding:
    """Is every request profiled?"""
    if settings.monitoring.has_profiler:
        return warning("each request writes a file, and is slow", "kinto.profiler_enabled = false")
    return ok("off")


CHECKS = (
    Check(
        "monitoring.statsd",
        "The host of StatsD has an address.",
        "statsd",
        judge_statsd,
        tells_problem=True,
    ),
    Check("monitoring.sentry", "The DSN of Sentry is one.", "settings", judge_sentry),
    Check("monitoring.profiler", "Requests are not profiled.", "settings", judge_profiler),
)
