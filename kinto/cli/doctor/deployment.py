"""Settings that are fine for a try, and not on the open internet."""

from collections.abc import Iterator

from kinto.cli.doctor.findings import (
    Check,
    Context,
    Finding,
    Findings,
    failure,
    ok,
    warning,
)
from kinto.core.settings import CoreSettings


_KINDS = ("storage", "permission", "cache")
_LIMITS = ("connect_timeout", "statement_timeout", "long_statement_timeout", "lock_timeout")
_MANY_SECONDS = 60


def judge_scheme(settings: CoreSettings, context: Context) -> Finding:
    """Do the URLs in answers begin with https?"""
    scheme = settings.deployment.http_scheme
    if scheme == "https":
        return ok("https")
    fix = "kinto.http_scheme = https"
    if scheme:
        return warning(f"{scheme}: passwords travel in the clear", fix)
    return warning("not set: URLs in answers have the scheme that the proxy tells", fix)


def judge_host(settings: CoreSettings, context: Context) -> Finding:
    """Do the URLs in answers have the host that clients know?"""
    host = settings.deployment.http_host
    if host:
        return ok(str(host))
    return ok("not set: that of each request", "behind a CDN: kinto.http_host = cdn.example.org")


def judge_flush(settings: CoreSettings, context: Context) -> Finding:
    """May anybody empty the server?"""
    enabled = settings.features.flush_endpoint_enabled
    is_included = "kinto.plugins.flush" in settings.startup.includes
    if enabled or (enabled is None and is_included):
        return failure(
            "POST /__flush__ removes everything, whoever asks",
            "kinto.flush_endpoint_enabled = false",
        )
    return ok("no __flush__ endpoint")


def judge_memory(settings: CoreSettings, context: Context) -> Findings:
    """Is what is stored kept, and seen by every process?"""
    return list(_judge_memory(settings, context)) or ok("nothing is kept in a process")


def _judge_memory(settings: CoreSettings, context: Context) -> Iterator[Finding]:
    processes = context.workload.processes
    for kind in _KINDS:
        if not str(getattr(settings, kind).backend).endswith(f".{kind}.memory"):
            continue
        fix = f"kinto.{kind}_backend = kinto.core.{kind}.postgresql, kinto.{kind}_url = …"
        found = f"the {kind} is in memory: lost at each restart"
        if processes is None or processes > 1:
            source = context.workload.source
            yield failure(f"{found}, and each process of {source} has another one", fix)
        elif kind != "cache":
            yield warning(found, fix)


def judge_limits(settings: CoreSettings, context: Context) -> Findings:
    """Does every wait for a server end?"""
    found = list(_judge_limits(settings))
    return found or ok(f"{settings.storage.statement_timeout:g} s for a statement of the storage")


def _judge_limits(settings: CoreSettings) -> Iterator[Finding]:
    for kind in _KINDS:
        group = getattr(settings, kind)
        if str(group.backend).endswith(".memory"):
            continue
        for name in _LIMITS:
            seconds = getattr(group, name)
            setting = f"kinto.{kind}_{name}"
            fix = f"{setting} = {getattr(type(group)(), name):g}"
            if not seconds:
                yield warning(f"{setting} = 0: a stalled server holds threads for ever", fix)
            elif seconds > _MANY_SECONDS:
                yield warning(f"{setting} = {seconds:g}: a thread may be held that long", fix)


def judge_heartbeat(settings: CoreSettings, context: Context) -> Finding:
    """Does the heartbeat answer before who asks gives up?"""
    seconds = settings.features.heartbeat_timeout_seconds
    if not seconds:
        return failure("0 s: every heartbeat fails", "kinto.heartbeat_timeout_seconds = 10")
    if seconds > _MANY_SECONDS:
        fix = "kinto.heartbeat_timeout_seconds = 10"
        return warning(f"{seconds:g} s: load balancers give up earlier", fix)
    return ok(f"{seconds:g} s at most")


def judge_body_size(settings: CoreSettings, context: Context) -> Finding:
    """Is there a longest body?"""
    size = settings.limits.max_body_size_bytes
    if size is None:
        return warning("a body may be of any size", "kinto.max_body_size_bytes = 83886080")
    return ok(f"{size / 1024 / 1024:.0f} MB")


def judge_page_size(settings: CoreSettings, context: Context) -> Finding:
    """Is what limits a page set?"""
    if settings.pagination.paginate_by is None:
        size = settings.pagination.max_fetch_size
        return ok(f"not set: up to {size} objects on a page", "kinto.paginate_by = 100")
    return ok(f"{settings.pagination.paginate_by} objects on a page")


CHECKS = (
    Check("http.scheme", "URLs in answers begin with ``https``.", "settings", judge_scheme),
    Check("http.host", "URLs in answers have the host of the CDN.", "settings", judge_host),
    Check("http.flush", "Nobody can empty the server.", "settings", judge_flush),
    Check("http.body_size", "Request bodies have a longest size.", "settings", judge_body_size),
    Check("http.page_size", "Pages of lists have a longest size.", "settings", judge_page_size),
    Check("http.heartbeat", "The heartbeat answers in time.", "settings", judge_heartbeat),
    Check("backends.memory", "Nothing that matters is in memory.", "settings", judge_memory),
    Check("backends.limits", "Every wait for a server ends.", "settings", judge_limits),
)
