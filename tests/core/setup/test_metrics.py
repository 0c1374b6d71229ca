"""What is measured once the application is made, and that nothing is where nobody measures."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import webtest
from pyramid.events import NewRequest, NewResponse
from pyramid.interfaces import IAuthorizationPolicy, ISecurityPolicy, ITweens
from zope.interface import implementedBy

from kinto.core.prepared_requests import execute_prepared
from kinto.core.setup.request_metrics import label_fields
from kinto.core.storage.exceptions import BackendError, ConcurrentWriteError, IntegrityError
from tests.support.measured import (
    ALICE,
    BUCKET,
    COLLECTION,
    RECORD,
    RECORDS,
    Measured,
    make_measured,
    make_measured_on_postgresql,
    names_of,
)
from tests.support.statsd import StatsDListener, running_statsd


@pytest.fixture(scope="module")
def listener() -> Iterator[StatsDListener]:
    with running_statsd() as listening:
        yield listening


@pytest.fixture(scope="module")
def measured(make_app: Callable[..., webtest.TestApp], listener: StatsDListener) -> Measured:
    made = make_measured(make_app, listener)
    made.make_objects()
    return made


def durations(measured: Measured, method: str, path: str, body: Any = None, **kwargs: Any) -> Any:
    """Names of ``request_duration_seconds``, without that."""
    sent = names_of(measured.metrics_of(method, path, body, **kwargs))
    beginning = "request_duration_seconds."
    return [name.removeprefix(beginning) for name in sent if name.startswith(beginning)]


# -- nobody measures ---------------------------------------------------------------------


def test_without_metrics_nothing_is_put_in_the_way_of_requests(
    make_app: Callable[..., webtest.TestApp], listener: StatsDListener
) -> None:
    plain, measured = make_app(), make_app({"kinto.statsd_url": listener.url})

    registry = plain.registry
    assert "invoke_request" not in vars(plain.app)
    assert registry.execute_prepared is execute_prepared
    assert "invoke_request" in vars(measured.app)
    for backend in (registry.storage, registry.cache, registry.permission):
        assert not [name for name, value in vars(backend).items() if hasattr(value, "is_timer")]
    assert "permits" not in vars(registry.getUtility(IAuthorizationPolicy))
    for _name, policy in registry.getUtility(ISecurityPolicy).get_policies():
        assert not [value for value in vars(policy).values() if hasattr(value, "is_timer")]
    assert not any(hasattr(check, "is_timer") for check in registry.heartbeats.values())
    for event in (NewRequest, NewResponse):
        assert not registry.adapters.subscriptions((implementedBy(event),), None)
    assert tweens_of(plain) == tweens_of(measured)


def tweens_of(app: webtest.TestApp) -> Any:
    return [name for name, _factory in app.registry.getUtility(ITweens).implicit()]


# -- labels of requests ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/", "method.get.endpoint.redirect_to_version"),
        ("GET", "/v1", "method.get.endpoint.unnamed"),
        ("GET", "/v1/buckets/", "method.get.endpoint.unnamed"),
        ("GET", "/v1/unknown", "method.get.endpoint.unknown"),
        ("GET", "/v0/", "method.get.endpoint.unknown"),
        ("GET", "/v1/", "method.get.endpoint.hello"),
        ("POST", "/v1/", "method.post.endpoint.hello"),
        ("BREW", "/v1/", "method.other.endpoint.hello"),
        ("GET", "/v1/buckets", "method.get.endpoint.bucket-plural"),
        ("GET", "/v1/__heartbeat__", "method.get.endpoint.heartbeat"),
    ],
)
def test_endpoints_have_names(measured: Measured, method: str, path: str, expected: str) -> None:
    no_ids = "bucket_id..collection_id..group_id..record_id."

    assert durations(measured, method, path) == [f"{expected}.{no_ids}"]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (None, "bucket_id.b.collection_id.c.group_id..record_id."),
        ("bucket_id", "bucket_id.b"),
        ("record_id bucket_id", "record_id.r.bucket_id.b"),
        ("", ""),
    ],
)
def test_parts_of_the_url_are_labels_where_the_setting_names_them(
    make_app: Callable[..., webtest.TestApp],
    listener: StatsDListener,
    fields: str | None,
    expected: str,
) -> None:
    settings = {} if fields is None else {"metrics_matchdict_fields": fields}
    measured = make_measured(make_app, listener, **settings)
    measured.make_objects()

    name = "method.get.endpoint.record-object"
    assert durations(measured, "GET", RECORD) == [f"{name}.{expected}" if expected else name]


def test_fields_are_those_of_kinto_by_default() -> None:
    every_field = ("bucket_id", "collection_id", "group_id", "record_id")

    assert label_fields(["bucket_id", "collection_id"]) == every_field
    assert label_fields(["bucket_id", "mushroom_id"]) == ("bucket_id", "mushroom_id")
    assert label_fields([]) == ()


@pytest.mark.parametrize("path", [f"{BUCKET}/collections/unknown", f"{RECORDS}/unknown"])
def test_labels_of_refused_requests_tell_nothing_that_clients_invent(
    measured: Measured, path: str
) -> None:
    (name,) = durations(measured, "GET", path)

    assert name.endswith("bucket_id..collection_id..group_id..record_id.")


def test_ids_past_the_limit_are_other(
    make_app: Callable[..., webtest.TestApp], listener: StatsDListener
) -> None:
    measured = make_measured(make_app, listener, metrics_max_label_values=2)

    seen = [durations(measured, "PUT", f"/v1/buckets/b{number}")[0] for number in range(4)]

    assert [name.split(".")[5] for name in seen] == ["b0", "b1", "other", "other"]


# -- statuses of requests within others --------------------------------------------------


@pytest.mark.parametrize(
    ("item", "headers", "status"),
    [
        ({"path": "/buckets/b"}, ALICE, 200),
        ({"path": "/buckets/unknown"}, ALICE, 403),
        ({"path": "/buckets/b"}, {}, 401),
        ({"path": "/buckets/b/collections/unknown"}, ALICE, 404),
        ({"path": "/buckets/b", "headers": {"If-None-Match": '"0"'}}, ALICE, 200),
        ({"path": "/buckets/b", "method": "PUT", "body": {"data": 1}}, ALICE, 400),
        ({"path": "/__heartbeat__", "method": "POST"}, ALICE, 405),
    ],
)
@pytest.mark.parametrize("times", [1, 2], ids=["router", "prepared"])
def test_requests_within_a_batch_have_their_own_status(
    measured: Measured, item: dict[str, Any], headers: dict[str, str], status: int, times: int
) -> None:
    body = {"requests": [item] * times}

    sent = measured.metrics_of("POST", "/v1/batch", body, headers=headers)

    answer = measured.call("POST", "/v1/batch", body, headers=headers).json["responses"][0]
    assert answer["status"] == status
    summaries = [each.value for each in sent if each.name == "kinto.request_summary"]
    assert [value.rpartition(".")[2] for value in summaries] == [str(status)] * times + ["200"]


@pytest.mark.parametrize(
    ("error", "statuses"),
    [
        (BackendError(message="down"), ["503", "503"]),
        (IntegrityError(message="taken"), ["409", "409", "200"]),
        (KeyError("bug"), ["500", "500"]),
    ],
    ids=["backend", "conflict", "bug"],
)
def test_failures_within_a_batch_have_a_status_too(
    measured: Measured, monkeypatch: pytest.MonkeyPatch, error: Exception, statuses: list[str]
) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise error

    monkeypatch.setattr(measured.registry.storage, "update", fail)
    item = {"method": "PUT", "path": "/buckets/b", "body": {"data": {"n": 1}}}
    body = {"requests": [item, item]}

    sent = measured.metrics_of("POST", "/v1/batch", body)

    summaries = [each.value for each in sent if each.name == "kinto.request_summary"]
    assert [value.rpartition(".")[2] for value in summaries] == statuses


# -- PostgreSQL --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def postgresql(
    make_app: Callable[..., webtest.TestApp], listener: StatsDListener, postgresql_url: str
) -> Measured:
    made = make_measured_on_postgresql(make_app, listener, postgresql_url)
    made.make_objects()
    return made


def test_one_statement_tells_its_time_under_each_method_that_it_stands_for(
    postgresql: Measured,
) -> None:
    sent = postgresql.metrics_of("GET", RECORD)

    times = {
        each.name: each.value for each in sent if ".seconds.method." in each.name
        and each.name.startswith("kinto.backend.")
    }  # fmt: skip
    assert {name.removeprefix("kinto.backend.") for name in times} == {
        "permission.seconds.method.check_permission",
        "permission.seconds.method.get_object_permissions",
        "permission.seconds.method.get_user_principals",
        "storage.seconds.method.get",
    }
    assert len(set(times.values())) == 1


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (RECORDS, {"get", "list_all", "resource_timestamp"}),
        (f"{COLLECTION}?", {"get"}),
        ("/v1/buckets", {"list_all", "resource_timestamp"}),
    ],
)
def test_reads_tell_what_they_do_to_the_storage(
    postgresql: Measured, path: str, expected: set[str]
) -> None:
    sent = names_of(postgresql.metrics_of("GET", path))

    beginning = "backend.storage.seconds.method."
    assert {
        name.removeprefix(beginning) for name in sent if name.startswith(beginning)
    } == expected


def test_counting_a_list_is_told(postgresql: Measured) -> None:
    sent = names_of(postgresql.metrics_of("HEAD", RECORDS))

    assert "storage.count_all" in sent


def test_a_request_that_collides_with_another_writer_is_counted_once(
    postgresql: Measured, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = postgresql.registry.storage
    update, attempts = storage.update, []

    def collide(*args: Any, **kwargs: Any) -> Any:
        attempts.append(args)
        if len(attempts) == 1:
            raise ConcurrentWriteError
        return update(*args, **kwargs)

    monkeypatch.setattr(storage, "update", collide)

    seen = durations(postgresql, "PUT", RECORD, {"data": {"n": 7}})

    assert len(attempts) == 2
    assert len(seen) == 1
