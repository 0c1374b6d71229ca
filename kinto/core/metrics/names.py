"""The metrics of the service by name: those of today, and those of Kinto 3.

Source: "Metrics" of the operations guide, sections 4.1 and 4.2.
"""

from typing import NamedTuple

from kinto.core.metrics.service import Labels


class Metric(NamedTuple):
    """One metric, as the documentation shows it.

    :param name: with placeholders in angle brackets.
    :param kind: ``timer``, ``counter``, ``set`` or ``size``.
    :param labels: names of its labels.
    :param older: what it is called, too, in the terms of Kinto 3.
    """

    name: str
    kind: str
    labels: tuple[str, ...]
    older: str
    meaning: str


REQUEST_LABELS = ("method", "endpoint", "bucket_id", "collection_id", "group_id", "record_id")

METRICS = (
    Metric(
        "request_duration_seconds",
        "timer",
        REQUEST_LABELS,
        "view.<service>.<METHOD>",
        "Time to answer a request, or a request within another one.",
    ),
    Metric(
        "request_summary",
        "set",
        (*REQUEST_LABELS, "status"),
        "",
        "Requests that were answered.",
    ),
    Metric("request_size", "size", REQUEST_LABELS, "", "Bytes of the body of an answer."),
    Metric("users", "set", ("auth", "userid"), "users", "Users whose requests were answered."),
    Metric(
        "authentication",
        "set",
        ("type",),
        "authn_type.<policy>",
        "Answers to requests that a policy authenticated.",
    ),
    Metric(
        "authentication.permits.seconds",
        "timer",
        (),
        "authentication.permits",
        "Time to allow or refuse a request.",
    ),
    Metric(
        "authentication.<policy>.seconds",
        "timer",
        ("method",),
        "",
        "Time in a method of an authentication policy.",
    ),
    Metric(
        "backend.storage.seconds",
        "timer",
        ("method",),
        "storage.<method>",
        "Time in a method of the storage; ``ping`` is its heartbeat.",
    ),
    Metric(
        "backend.permission.seconds",
        "timer",
        ("method",),
        "permission.<method>",
        "Time in a method of the permissions; ``ping`` is their heartbeat.",
    ),
    Metric(
        "backend.cache.seconds",
        "timer",
        ("method",),
        "cache.<method>",
        "Time in a method of the cache; ``ping`` is its heartbeat.",
    ),
    Metric("cache_hits", "counter", (), "", "Values that the cache had."),
    Metric("cache_misses", "counter", (), "", "Values that it had not."),
    Metric(
        "listeners.<name>.seconds",
        "timer",
        (),
        "listeners.<name>",
        "Time in a listener of the setting ``event_listeners``.",
    ),
    Metric("plugins.history.seconds", "timer", (), "", "Time to write entries of the history."),
)

PERMITS = "authentication.permits.seconds"

OLDER_METHODS = {
    "resource_timestamp": "collection_timestamp",
    "list_all": "get_all",
    "get_user_principals": "user_principals",
    "get_object_permission_principals": "object_permission_principals",
}
_BACKENDS = {f"backend.{kind}.seconds": kind for kind in ("storage", "permission", "cache")}
_LISTENERS = "listeners."
_SECONDS = ".seconds"
# Endpoints without a view that Kinto 3 would have named.
_UNNAMED_ENDPOINTS = frozenset(
    {"default_bucket", "default_bucket_collection", "redirect_to_version", "unknown", "unnamed"}
)


def older_timer(key: str, labels: Labels) -> str | None:
    """The name of a timer in Kinto 3; ``None`` where it had none."""
    if key == "request_duration_seconds":
        return _older_view(dict(labels))
    if kind := _BACKENDS.get(key):
        method = dict(labels).get("method", "")
        return f"{kind}.{OLDER_METHODS.get(method, method)}"
    if key == PERMITS or (key.startswith(_LISTENERS) and key.endswith(_SECONDS)):
        return key.removesuffix(_SECONDS)
    return None


def older_counter(key: str, unique: Labels) -> str | None:
    """The counter of Kinto 3 for what is a set today; ``None`` where it had none."""
    if key == "authentication" and len(unique) == 1:
        return f"authn_type.{unique[0][1]}"
    return None


def _older_view(labels: dict[str, str]) -> str | None:
    endpoint = labels.get("endpoint", "")
    if not endpoint or endpoint in _UNNAMED_ENDPOINTS:
        return None
    if endpoint.endswith("-plural"):
        endpoint = f"{endpoint.removesuffix('-plural')}-collection"
    elif endpoint.endswith("-object"):
        endpoint = f"{endpoint.removesuffix('-object')}-record"
    return f"view.{endpoint}.{labels.get('method', '').upper()}"
