"""Every metric of the operator's guide arrives at a StatsD server, under the guide's name.

Source: "Monitoring" of the production guide, with ``kinto.statsd_url`` as the only setting.
"""

from collections.abc import Callable, Iterator

import pytest
import webtest

from tests.support.measured import (
    ALICE,
    BOB,
    BUCKET,
    COLLECTION,
    GROUP,
    RECORD,
    RECORDS,
    Measured,
    make_measured,
    make_measured_on_postgresql,
    names_of,
)
from tests.support.statsd import StatsDListener, running_statsd


LISTS = {"bucket": "/v1/buckets", "collection": f"{BUCKET}/collections"}
LISTS |= {"group": f"{BUCKET}/groups", "record": RECORDS}
OBJECTS = {"bucket": BUCKET, "collection": COLLECTION, "group": GROUP, "record": RECORD}
VIEWS = [
    *((kind, "collection", path, method) for kind, path in LISTS.items()
      for method in ("GET", "HEAD", "POST", "DELETE", "OPTIONS")),
    *((kind, "record", path, method) for kind, path in OBJECTS.items()
      for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS")),
]  # fmt: skip

KEYS = ("resource", "parent")
BACKEND_CALLS = {
    "cache.ping": None,
    "cache.ttl": lambda cache: cache.ttl("key"),
    "cache.expire": lambda cache: cache.expire("key", 1),
    "cache.set": lambda cache: cache.set("key", 1, ttl=1),
    "cache.get": lambda cache: cache.get("key"),
    "cache.delete": lambda cache: cache.delete("key"),
    "storage.ping": None,
    "storage.collection_timestamp": lambda storage: storage.resource_timestamp(*KEYS),
    "storage.create": lambda storage: storage.create(*KEYS, {"n": 1}),
    "storage.get": lambda storage: storage.get(*KEYS, "known"),
    "storage.update": lambda storage: storage.update(*KEYS, "known", {"n": 2}),
    "storage.delete": lambda storage: storage.delete(*KEYS, "known"),
    "storage.delete_all": lambda storage: storage.delete_all(*KEYS),
    "storage.get_all": lambda storage: storage.list_all(*KEYS),
    "permission.ping": None,
    "permission.add_user_principal": lambda permission: permission.add_user_principal("u", "p"),
    "permission.remove_user_principal": lambda permission: permission.remove_user_principal(
        "u", "p"
    ),
    "permission.user_principals": lambda permission: permission.get_user_principals("u"),
    "permission.add_principal_to_ace": lambda permission: permission.add_principal_to_ace(
        "/o", "read", "p"
    ),
    "permission.remove_principal_from_ace": (
        lambda permission: permission.remove_principal_from_ace("/o", "read", "p")
    ),
    "permission.object_permission_principals": (
        lambda permission: permission.get_object_permission_principals("/o", "read")
    ),
    "permission.check_permission": lambda permission: permission.check_permission(
        ["p"], [("/o", "read")]
    ),
}


@pytest.fixture(scope="module")
def listener() -> Iterator[StatsDListener]:
    with running_statsd() as listening:
        yield listening


@pytest.fixture(scope="module")
def memory(make_app: Callable[..., webtest.TestApp], listener: StatsDListener) -> Measured:
    return make_measured(make_app, listener)


@pytest.fixture(scope="module")
def postgresql(
    make_app: Callable[..., webtest.TestApp], listener: StatsDListener, postgresql_url: str
) -> Measured:
    return make_measured_on_postgresql(make_app, listener, postgresql_url)


@pytest.fixture(params=["memory", "postgresql"])
def measured(request: pytest.FixtureRequest) -> Measured:
    found: Measured = request.getfixturevalue(request.param)
    found.make_objects()
    return found


@pytest.mark.guide("users")
def test_counter_users(measured: Measured) -> None:
    sent = [
        each
        for user in (ALICE, ALICE, BOB)
        for each in measured.metrics_of("GET", BUCKET, headers=user)
        if each.name == "kinto.users"
    ]

    assert len(sent) == 3
    assert {each.kind for each in sent} == {"s"}
    assert len({each.value for each in sent}) == 2


def test_counter_users_is_not_sent_for_anonymous_requests(measured: Measured) -> None:
    sent = names_of(measured.metrics_of("GET", "/v1/", headers={}))

    assert not {"users", "authentication", "authn_type.basicauth"} & set(sent)


@pytest.mark.guide("authn_type.basicauth")
def test_counter_authn_type_basicauth(measured: Measured) -> None:
    sent = measured.metrics_of("GET", BUCKET)

    assert [(each.value, each.kind) for each in sent if each.name.endswith("type.basicauth")] == [
        ("1", "c")
    ]


@pytest.mark.guide("authn_type.fxa")
def test_counter_authn_type_fxa(
    make_app: Callable[..., webtest.TestApp], listener: StatsDListener
) -> None:
    policy = "kinto.core.authentication.BasicAuthAuthenticationPolicy"
    settings = {"multiauth.policies": "fxa", "multiauth.policy.fxa.use": policy}
    app = make_app({"kinto.statsd_url": listener.url, **settings})

    sent = Measured(app, listener).metrics_of("GET", "/v1/")

    assert ("kinto.authn_type.fxa", "1", "c") in sent


@pytest.mark.guide("authentication.permits")
@pytest.mark.parametrize(("user", "path"), [(ALICE, BUCKET), (BOB, BUCKET), ({}, RECORDS)])
def test_timer_authentication_permits(measured: Measured, user: dict[str, str], path: str) -> None:
    sent = measured.metrics_of("GET", path, headers=user)

    assert [each.kind for each in sent if each.name == "kinto.authentication.permits"] == ["ms"]


@pytest.mark.guide("view.hello.GET", "view.heartbeat.GET", "view.{service}.{method}")
@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("hello", "/v1/"),
        ("heartbeat", "/v1/__heartbeat__"),
        ("lbheartbeat", "/v1/__lbheartbeat__"),
        ("version", "/v1/__version__"),
        ("openapi", "/v1/__api__"),
    ],
)
def test_timer_view(measured: Measured, name: str, path: str) -> None:
    sent = measured.metrics_of("GET", path)

    assert [each.kind for each in sent if each.name == f"kinto.view.{name}.GET"] == ["ms"]


@pytest.mark.guide("view.batch.POST")
def test_timer_view_batch_post_and_those_of_its_requests(measured: Measured) -> None:
    requests = [
        {"method": "PUT", "path": f"/buckets/b/collections/c/records/{number}"}
        for number in range(30, 33)
    ]
    requests += [{"path": "/buckets/b"}, {"path": "/buckets/unknown"}, {"path": "/nowhere"}]

    sent = names_of(measured.metrics_of("POST", "/v1/batch", {"requests": requests}))

    assert sent.count("view.batch.POST") == 1
    assert sent.count("view.record-record.PUT") == 3
    assert sent.count("view.bucket-record.GET") == 2
    assert sent.count("storage.create") == 3
    unknown = [name for name in sent if "request_duration_seconds.method.get.endpoint.unk" in name]
    assert len(unknown) == 1


@pytest.mark.guide("view.{resource}-{type}.{method}")
@pytest.mark.parametrize(
    ("resource", "kind", "path", "method"),
    VIEWS,
    ids=[f"view.{resource}-{kind}.{method}" for resource, kind, _, method in VIEWS],
)
def test_timer_view_of_every_resource_and_method(
    measured: Measured, resource: str, kind: str, path: str, method: str
) -> None:
    body = {"data": {"members": []}} if method in ("POST", "PUT", "PATCH") else None

    sent = measured.metrics_of(method, path, body)

    view = f"kinto.view.{resource}-{kind}.{method}"
    assert [each.kind for each in sent if each.name == view] == ["ms"]
    endpoint = f"{resource}-{'plural' if kind == 'collection' else 'object'}"
    current = f"kinto.request_duration_seconds.method.{method.lower()}.endpoint.{endpoint}."
    assert [each.kind for each in sent if each.name.startswith(current)] == ["ms"]


@pytest.mark.parametrize("path", [f"{RECORDS}/unknown", "/v1/buckets/x", f"{RECORDS}/-bad-"])
def test_timers_are_sent_whatever_the_status(measured: Measured, path: str) -> None:
    sent = names_of(measured.metrics_of("GET", path, headers=BOB))

    assert len([name for name in sent if name.startswith("view.")]) == 1


@pytest.mark.guide("cache.{method}", "storage.{method}", "permission.{method}")
@pytest.mark.parametrize("name", BACKEND_CALLS)
def test_timer_of_a_backend(measured: Measured, name: str) -> None:
    kind, _, _method = name.partition(".")
    backend = getattr(measured.registry, kind)
    measured.registry.storage.update(*KEYS, "known", {"n": 1})
    measured.listener.texts()

    call = BACKEND_CALLS[name]
    if call is None:
        measured.call("GET", "/v1/__heartbeat__")
    else:
        call(backend)

    sent = measured.listener.received()
    assert "ms" in {each.kind for each in sent if each.name == f"kinto.{name}"}


@pytest.mark.guide("storage.{method}", "permission.{method}")
@pytest.mark.parametrize(
    ("method", "path", "body", "expected"),
    [
        ("GET", RECORD, None, "storage.get permission.user_principals"),
        ("GET", BUCKET, None, "storage.get permission.check_permission"),
        ("GET", RECORDS, None, "storage.get_all storage.collection_timestamp storage.get"),
        ("GET", f"{RECORDS}?n=1&_sort=n", None, "storage.get_all permission.check_permission"),
        ("POST", RECORDS, {"data": {}}, "storage.create permission.check_permission"),
        ("PUT", RECORD, {"data": {"n": 1}}, "storage.update storage.get"),
        ("PATCH", RECORD, {"data": {"n": 1}}, "storage.update storage.get"),
        ("DELETE", RECORD, None, "storage.delete storage.get"),
        ("DELETE", RECORDS, None, "storage.delete_all permission.check_permission"),
        ("DELETE", BUCKET, None, "storage.delete storage.delete_all"),
    ],
)  # fmt: skip
def test_timers_of_backends_move_when_objects_are_read_and_written(
    measured: Measured, method: str, path: str, body: object, expected: str
) -> None:
    sent = names_of(measured.metrics_of(method, path, body))

    for name in expected.split():
        assert name in sent
    assert sent.count("storage.get_all") <= 1
    current = {name.partition(".method.")[2] for name in sent if name.startswith("backend.")}
    assert not current & {"fetch_context", "list_page", "fetch_shared", "plan_put", "plan_writes"}


@pytest.mark.guide("listeners.{name}")
def test_timer_of_a_listener(
    make_app: Callable[..., webtest.TestApp], listener: StatsDListener
) -> None:
    listeners = {
        "event_listeners": "mine",
        "event_listeners.mine.use": "tests.support.plugins",
    }

    sent = make_measured(make_app, listener, **listeners).metrics_of("PUT", BUCKET)

    kinds = {each.name: each.kind for each in sent}
    assert kinds["kinto.listeners.mine"] == "ms"
    assert kinds["kinto.listeners.mine.seconds"] == "ms"
