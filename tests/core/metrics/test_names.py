"""Names of metrics: today's, those of Kinto 3, the table of both."""

import pytest

from kinto.core.metrics.names import METRICS, older_counter, older_timer


@pytest.mark.parametrize(
    ("key", "labels", "expected"),
    [
        ("backend.storage.seconds", {"method": "get"}, "storage.get"),
        ("backend.storage.seconds", {"method": "list_all"}, "storage.get_all"),
        (
            "backend.storage.seconds",
            {"method": "resource_timestamp"},
            "storage.collection_timestamp",
        ),
        ("backend.cache.seconds", {"method": "ping"}, "cache.ping"),
        (
            "backend.permission.seconds",
            {"method": "get_user_principals"},
            "permission.user_principals",
        ),
        (
            "backend.permission.seconds",
            {"method": "get_object_permission_principals"},
            "permission.object_permission_principals",
        ),
        ("backend.other.seconds", {"method": "get"}, None),
        ("listeners.redis.seconds", {}, "listeners.redis"),
        ("listeners.redis", {}, None),
        ("authentication.permits.seconds", {}, "authentication.permits"),
        ("authentication.basicauth.seconds", {"method": "callback"}, None),
        ("plugins.history.seconds", {}, None),
        ("mine", {}, None),
    ],
)
def test_timers_of_kinto_3(key: str, labels: dict[str, str], expected: str | None) -> None:
    assert older_timer(key, list(labels.items())) == expected


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        ("hello", "view.hello.GET"),
        ("batch", "view.batch.GET"),
        ("record-plural", "view.record-collection.GET"),
        ("history-object", "view.history-record.GET"),
        ("unknown", None),
        ("unnamed", None),
        ("redirect_to_version", None),
        ("default_bucket", None),
        ("default_bucket_collection", None),
        ("", None),
    ],
)
def test_views_of_kinto_3(endpoint: str, expected: str | None) -> None:
    labels = [("method", "get"), ("endpoint", endpoint)]

    assert older_timer("request_duration_seconds", labels) == expected


def test_counters_of_kinto_3() -> None:
    assert older_counter("authentication", [("type", "fxa")]) == "authn_type.fxa"
    assert older_counter("users", [("auth", "fxa"), ("userid", "x")]) is None


def test_the_table_has_each_metric_once() -> None:
    names = [metric.name for metric in METRICS]

    assert len(set(names)) == len(names)
    assert all(metric.meaning.endswith(".") for metric in METRICS)
