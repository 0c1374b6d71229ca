"""Start-up of applications: settings, directives, plugins, listeners, metrics, permissions."""

import warnings
from typing import Any

import pytest
import webtest
from pyramid import testing as pyramid_testing
from pyramid.config import Configurator
from pyramid.events import ApplicationCreated
from pyramid.exceptions import ConfigurationError
from pyramid.interfaces import IAuthorizationPolicy, ISecurityPolicy
from zope.interface import implementer

import kinto
import kinto.core
from kinto.core import initialization
from kinto.core.events import ResourceChanged, ResourceRead
from kinto.core.listeners import ListenerBase
from kinto.core.metrics import (
    IMetricsService,
    NoOpMetricsService,
    listener_with_timer,
    watch_execution_time,
)
from kinto.core.migrations import IMigratable
from kinto.core.openapi import OpenAPI
from tests.support.extensions import (
    ALICE,
    BUCKET,
    COLLECTION,
    RECORDS,
    Extended,
    warns_once,
)
from tests.support.plugins import MetricsService
from tests.support.services import MEMORY_SETTINGS


PLUGINS = "tests.support.plugins"


def initialized(settings: dict[str, Any] | None = None, *args: Any, **kwargs: Any) -> Configurator:
    config = Configurator(settings=settings or {})
    kinto.core.initialize(config, *args, **kwargs)
    return config


@pytest.fixture(autouse=True)
def quiet() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        yield


# -- initialize -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "version", "expected"),
    [
        ({}, "0.1.0", ("0.1.0", "0.1", "v0")),
        ({"project_version": "7.2.1"}, "0.1.0", ("7.2.1", "7.2", "v7")),
        ({"http_api_version": "3.4"}, "0.1.0", ("0.1.0", "3.4", "v3")),
        ({"myapp.project_version": "2.0"}, None, ("2.0", "2.0", "v2")),
    ],
)
def test_versions(settings, version, expected):
    config = initialized(settings, version=version, settings_prefix="myapp")
    found = config.get_settings()
    prefix = config.route_prefix
    assert (found["project_version"], found["http_api_version"], prefix) == expected
    assert config.registry.route_prefix == prefix


def test_a_version_is_needed():
    with pytest.raises(ConfigurationError):
        initialized({}, settings_prefix="myapp")


def test_a_missing_prefix_warns():
    with pytest.warns(UserWarning, match="No value specified for `settings_prefix`"):
        initialized({}, version="1.0")


def test_plain_http_warns():
    with pytest.warns(UserWarning, match="HTTPS is not enabled"):
        initialized({}, version="1.0", settings_prefix="myapp")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        initialized(
            {"http_scheme": "https", "userid_hmac_secret": "x"},
            version="1.0",
            settings_prefix="myapp",
        )


@pytest.mark.parametrize("setting", ["settings_prefix", "kinto.settings_prefix"])
def test_the_prefix_in_the_settings_wins(setting):
    settings = {setting: "other", "other.paginate_by": "5", "myapp.paginate_by": "7"}
    config = initialized(settings, version="1.0", settings_prefix="myapp")
    assert config.get_settings()["paginate_by"] == 5


def test_the_prefix_is_that_of_the_environment(monkeypatch):
    monkeypatch.setenv("MYAPP_PAGINATE_BY", "12")
    config = initialized({"myapp.paginate_by": 3}, version="1.0", settings_prefix="myapp")
    assert config.get_settings()["paginate_by"] == 12
    monkeypatch.setenv("KINTO_SETTINGS_PREFIX", "thing")
    monkeypatch.setenv("THING_PAGINATE_BY", "13")
    config = initialized({}, version="1.0", settings_prefix="myapp")
    assert config.get_settings()["paginate_by"] == 13


def test_defaults_of_the_application():
    defaults = {"myapp.paginate_by": "7", "mine": "[1]", "project_name": "Mine"}
    config = initialized(
        {"myapp.project_name": "File"},
        version="1.0",
        settings_prefix="myapp",
        default_settings=defaults,
    )
    settings = config.get_settings()
    assert settings["paginate_by"] == 7
    assert settings["mine"] == [1]
    assert settings["project_name"] == "File"
    assert settings["retry_after_seconds"] == 30


def test_the_same_setting_twice():
    same = {"myapp.paginate_by": "5", "paginate_by": "5"}
    config = initialized(same, version="1.0", settings_prefix="myapp")
    assert config.get_settings()["paginate_by"] == 5
    with pytest.raises(ValueError, match="paginate_by"):
        initialized(
            {"myapp.paginate_by": "5", "paginate_by": "6"}, version="1.0", settings_prefix="myapp"
        )


def test_without_backends_the_registry_has_none():
    registry = initialized({}, version="1.0", settings_prefix="myapp").registry
    assert not any(hasattr(registry, name) for name in ("storage", "cache", "permission"))


@pytest.mark.parametrize("module", ["kinto.core.cache.memory", "json"])
def test_a_backend_of_the_wrong_kind_is_refused(module):
    with pytest.raises(ConfigurationError):
        initialized({"storage_backend": module}, version="1.0", settings_prefix="myapp")


def test_load_default_settings():
    config = Configurator(settings={"kinto.mine.a": "1", "settings_prefix": "kinto"})
    kinto.core.load_default_settings(config, {"mine.a": 0, "mine.b": "true"})
    settings = config.get_settings()
    assert (settings["mine.a"], settings["mine.b"]) == (1, True)


# -- main -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("global_config", "command"), [(None, None), ({}, None), ({"command": "migrate"}, "migrate")]
)
def test_the_command_lands_on_the_registry(global_config, command):
    config = Configurator(settings=MEMORY_SETTINGS)
    kinto.main(global_config, config=config)
    assert config.registry.command == command


def test_default_settings_can_be_passed_whole():
    settings = {**kinto.core.DEFAULT_SETTINGS, **kinto.DEFAULT_SETTINGS}
    app = kinto.main({}, **settings)
    assert app.registry.settings["userid_hmac_secret"] == ""
    assert webtest.TestApp(app).get("/v1/").json["http_api_version"] == "1.23"


def test_includes_can_be_added_to():
    settings = {**kinto.core.DEFAULT_SETTINGS, **kinto.DEFAULT_SETTINGS, **MEMORY_SETTINGS}
    settings = {**settings, "userid_hmac_secret": MEMORY_SETTINGS["kinto.userid_hmac_secret"]}
    settings["includes"] += f"\n{PLUGINS}.curious"
    assert kinto.main({}, **settings).registry.seen


def test_the_configurator_of_pyramid_testing_takes_directives_after_main():
    config = pyramid_testing.setUp(settings=dict(MEMORY_SETTINGS))
    try:
        app = kinto.main(None, config=config, paginate_by=5)
        assert app.registry is config.registry
        assert config.get_settings()["paginate_by"] is None
        config.add_api_capability("mine", description="d", url="u", version=1)
        expected = {"description": "d", "url": "u", "version": 1}
        assert config.registry.api_capabilities["mine"] == expected
        client = webtest.TestApp(app)
        assert client.get("/v1/").json["capabilities"]["mine"] == expected
        config.registry.notify(ResourceChanged({"action": "create"}, [], None))
    finally:
        pyramid_testing.tearDown()


def test_many_applications_live_side_by_side():
    first, second = Extended(), Extended({"kinto.project_name": "Second"})
    first.client.put_json(BUCKET, {}, headers=ALICE)
    second.client.get(BUCKET, headers=ALICE, status=403)
    assert second.client.get("/v1/").json["project_name"] == "Second"


# -- directives -------------------------------------------------------------------------


def test_a_capability_is_announced_once():
    app = Extended()
    app.config.add_api_capability("mine")
    assert app.registry.api_capabilities["mine"] == {"description": "", "url": ""}
    with pytest.raises(ValueError, match="mine"):
        app.config.add_api_capability("mine")


def test_migrations_are_utilities():
    @implementer(IMigratable)
    class Migration:
        name = "mine"

        def initialize_schema(self, client: Any = None, dry_run: bool = False) -> None: ...

    app = Extended()
    migration = Migration()
    app.config.add_migration(migration)
    assert app.registry.queryUtility(IMigratable, name="mine") is migration
    assert ("mine", migration) in list(app.registry.getUtilitiesFor(IMigratable))


def test_what_plugins_find_on_the_registry():
    app = Extended({"kinto.includes": f"{PLUGINS}.curious {PLUGINS}.second"})
    seen = app.registry.seen
    assert seen["storage"] is app.registry.storage
    assert seen["command"] is None
    assert seen["route_prefix"] == "v1"
    assert {"storage", "permission", "cache"} <= set(seen["heartbeats"])
    assert "batch_max_requests" in seen["public_settings"]
    assert "" in seen["id_generators"]
    assert bool(seen["metrics"])
    app.client.put_json(BUCKET, {}, headers=ALICE)
    assert app.registry.events == ["curious", "second"]


def test_statsd_is_a_deprecated_name_of_the_metrics():
    registry = Extended().registry
    with warns_once("`statsd` is deprecated, use `metrics` instead."):
        assert registry.statsd is registry.metrics
    with pytest.raises(AttributeError):
        registry.unknown  # noqa: B018


def test_mappings_of_the_registry_are_looked_up_at_each_request():
    app = Extended()
    app.registry.api_capabilities = {"only": {}}
    app.registry.public_settings = {"project_name"}
    app.registry.heartbeats = {
        "mine": lambda request: request.method == "GET",
        "none": lambda r: None,
    }
    hello = app.client.get("/v1/").json
    assert hello["capabilities"] == {"only": {}}
    assert set(hello["settings"]) == {"project_name"}
    assert app.client.get("/v1/__heartbeat__").json == {"mine": True, "none": None}
    app.registry.heartbeats["broken"] = lambda request: 1 / 0
    assert app.client.get("/v1/__heartbeat__", status=503).json["broken"] is False


def test_utilities():
    registry = Extended().registry
    assert registry.getUtility(IAuthorizationPolicy)
    assert registry.getUtility(ISecurityPolicy)
    assert registry.getUtility(IMetricsService) is registry.metrics
    assert registry.cornice_services["v1/buckets/{id}"].name == "bucket-object"


@pytest.mark.parametrize(
    ("setting", "value", "path", "status", "header"),
    [
        ("backoff", 7, "/v1/", 200, ("Backoff", "7")),
        ("retry_after_seconds", 9, "/v1/__broken__", 503, ("Retry-After", "9")),
        ("paginate_by", 1, "/v1/buckets", 200, ("Next-Page", "")),
        ("bucket_cache_expires_seconds", 5, "/v1/buckets", 200, ("Cache-Control", "max-age=5")),
        ("eos", "2000-01-01", "/v1/", 410, ("Alert", "hard-eol")),
    ],
)
def test_settings_are_live(setting, value, path, status, header, monkeypatch):
    app = Extended({"kinto.bucket_read_principals": "system.Everyone"})
    for name in "ab":
        app.client.put_json(f"/v1/buckets/{name}", {}, headers=ALICE)
    app.registry.settings[setting] = value
    if setting == "retry_after_seconds":
        path = "/v1/buckets"

        def fail(*args: Any, **kwargs: Any) -> Any:
            raise kinto.core.storage.exceptions.BackendError()

        monkeypatch.setattr(app.registry.storage, "list_all", fail)
    response = app.client.get(path, status=status)
    assert header[1] in response.headers[header[0]]


def test_principals_of_settings_are_live():
    app = Extended()
    app.client.put_json(BUCKET, {}, headers=ALICE)
    app.client.get(BUCKET, status=401)
    app.registry.settings["bucket_read_principals"] = "system.Everyone"
    app.client.get(BUCKET, status=200)


def test_unknown_settings_stay_under_both_names(monkeypatch):
    monkeypatch.setenv("KINTO_ATTACHMENT_BASE_PATH", "/env")
    monkeypatch.setenv("MAIL_HOST", "mail")
    app = Extended(
        {
            "kinto.attachment.base_path": "/file",
            "kinto.attachment.keep": "true",
            "kinto.attachment.list": "[1, 2]",
            "kinto.attachment.text": "a\nb",
            "kinto.mail.host": "x",
            "use": "egg:kinto",
        }
    )
    settings = app.registry.settings
    assert settings["attachment.base_path"] == "/env"
    assert settings["attachment.keep"] is True
    assert settings["attachment.list"] == [1, 2]
    assert settings["attachment.text"] == "a\nb"
    assert settings["kinto.attachment.keep"] == "true"
    assert settings["mail.host"] == "mail"
    assert settings["use"] == "egg:kinto"


ANYBODY = "system.Authenticated"
BOB = {"Authorization": "Basic Ym9iOmI="}


@pytest.mark.parametrize(
    ("setting", "allowed", "refused"),
    [
        ("bucket_read", ["GET /buckets/b", "GET /buckets"], ["PATCH /buckets/b", "GET {c}"]),
        (
            "bucket_write",
            ["GET /buckets/b", "PATCH /buckets/b", "GET /buckets"],
            ["GET {c}", "PUT /buckets/b/groups/g"],
        ),
        ("collection_create", ["PUT /buckets/b/collections/new"], ["GET {c}", "GET /buckets/b"]),
        ("collection_read", ["GET {c}", "GET /buckets/b/collections"], ["GET {c}/records/r"]),
        ("collection_write", ["GET {c}", "PATCH {c}"], ["GET {c}/records/r", "PUT {c}/records/n"]),
        ("record_create", ["PUT {c}/records/n"], ["GET {c}/records/r", "PATCH {c}/records/r"]),
        ("record_write", ["PATCH {c}/records/r", "GET {c}/records"], ["PUT {c}/records/n"]),
    ],
)
def test_settings_grant_permissions_on_objects_of_their_kind(setting, allowed, refused):
    app = Extended({f"kinto.{setting}_principals": ANYBODY})
    app.make_collection()
    app.call("put", f"{RECORDS}/r", {})
    for line in (*refused, *allowed):
        method, path = line.format(c="/buckets/b/collections/c").split()
        status = 403 if line in refused else "2*"
        body = '{"data": {}}' if method != "GET" else ""
        headers = {**BOB, "Content-Type": "application/json"}
        app.client.request(
            f"/v1{path}", method=method, body=body.encode(), headers=headers, status=status
        )


# -- listeners --------------------------------------------------------------------------


def test_listener_base():
    with pytest.raises(NotImplementedError):
        ListenerBase("anything", at="all")(None)


@pytest.mark.parametrize("name", ["plain", PLUGINS])
def test_listeners_of_the_settings(name):
    key = name.rpartition(".")[2]
    app = Extended(
        {
            "kinto.event_listeners": name,
            f"kinto.event_listeners.{key}.use": PLUGINS,
            f"kinto.event_listeners.{key}.actions": "create read",
            f"kinto.event_listeners.{key}.resources": "record",
        }
    )
    app.make_collection()
    app.call("put", f"{RECORDS}/r", {})
    app.call("put", f"{RECORDS}/r", {})
    app.call("get", f"{RECORDS}/r")
    app.call("get", COLLECTION)
    uri = "/buckets/b/collections/c/records/r"
    prefix = f"event_listeners.{key}."
    assert app.registry.heard == [
        (prefix, f"<ResourceChanged action=create uri={uri}>"),
        (prefix, f"<ResourceRead action=read uri={uri}>"),
    ]


def test_listeners_of_the_environment(monkeypatch):
    monkeypatch.setenv("KINTO_EVENT_LISTENERS_PLAIN_USE", PLUGINS)
    monkeypatch.setenv("KINTO_EVENT_LISTENERS_PLAIN_RESOURCES", "bucket")
    app = Extended({"kinto.event_listeners": "plain"})
    app.make_collection()
    assert len(app.registry.heard) == 1


def test_steps_work_on_a_bare_configurator():
    config = Configurator(
        settings={
            "event_listeners": "plain",
            "event_listeners.plain.use": PLUGINS,
        }
    )
    config.add_subscriber_predicate("for_actions", kinto.core.events.ForActions)
    config.add_subscriber_predicate("for_resources", kinto.core.events.ForResources)
    initialization.setup_metrics(config)
    initialization.setup_listeners(config)
    config.commit()
    config.registry.notify(ResourceChanged({"action": "create"}, [], None))
    assert len(config.registry.heard) == 1


# -- metrics ----------------------------------------------------------------------------


def test_a_metrics_plugin_measures():
    app = Extended({"kinto.includes": f"{PLUGINS}.metrics", "kinto.event_listeners": PLUGINS})
    service = app.registry.metrics
    assert isinstance(service, MetricsService)
    app.make_collection()
    assert ("backend.storage.seconds", ("method", "create")) in service.timed
    assert ("listeners.plugins.seconds",) in service.timed
    assert any(key[0].startswith("authentication.") for key in service.timed)
    service.counted.clear()
    app.registry.cache.get("unknown")
    assert service.counted == ["cache_misses"]


def test_backends_are_timed_when_the_application_is_made():
    app = Extended({"kinto.includes": f"{PLUGINS}.metrics"})
    app.registry.notify(ApplicationCreated(type("App", (), {"registry": app.registry})()))
    app.registry.storage.count_all("x", "y")


def test_without_a_plugin_the_service_does_nothing():
    service = Extended().registry.metrics
    assert isinstance(service, NoOpMetricsService)
    with service.timer("a"):
        assert service.timer("b")(len)([1]) == 1
    service.observe("a", 1)
    service.count("a", unique=[("b", "c")])


def test_watch_execution_time_sets_timed_methods():
    class Thing:
        attribute = 1

        def method(self) -> int:
            return 1

        def _private(self) -> int:
            return 2

    service, thing = MetricsService(), Thing()
    watch_execution_time(service, thing, prefix="p")
    assert thing.method() == 1
    assert thing._private() == 2
    assert service.timed == [("p.thing.seconds", ("method", "method"))]
    watch_execution_time(service, thing, prefix="p", classname="other")


def test_listeners_find_the_service_at_the_call():
    config = Configurator()
    timed = listener_with_timer(config, "key", lambda event: event)
    assert timed(1) == 1
    service = MetricsService()
    config.registry.registerUtility(service, IMetricsService)
    assert timed(2) == 2
    assert service.timed == [("key.seconds",)]


# -- OpenAPI ----------------------------------------------------------------------------


def test_plugins_declare_how_to_authenticate(monkeypatch):
    monkeypatch.setattr(OpenAPI, "security_definitions", dict(OpenAPI.security_definitions))
    monkeypatch.setattr(OpenAPI, "_scopes", dict(OpenAPI._scopes))
    definition = {"type": "oauth2", "flow": "implicit", "scopes": {"profile": "Yours"}}
    OpenAPI.expose_authentication_method("mine", definition)
    app = Extended()
    from_view = kinto.core.views.openapi.openapi_view
    vars(from_view).pop("__json__", None)
    document = app.client.get("/v1/__api__").json
    vars(from_view).pop("__json__", None)
    assert document["securityDefinitions"]["mine"] == definition
    assert {"mine": ["profile"]} in document["paths"]["/buckets"]["get"]["security"]


# -- policies ---------------------------------------------------------------------------


class Everything:
    """Permits what it is asked for."""

    def permits(self, context: Any, principals: Any, permission: str) -> bool:
        return "system.Authenticated" in principals


def test_any_policy_can_be_named(monkeypatch):
    app = Extended({"multiauth.authorization_policy": f"{__name__}.Everything"})
    app.client.put_json(BUCKET, {}, headers=ALICE)
    for path in (BUCKET, "/v1/buckets"):
        app.client.get(path, headers={"Authorization": "Basic Ym9iOmI="}, status=200)
        app.client.get(path, status=401)
    events: list[Any] = []
    app.subscribe(events.append, ResourceRead)
    listed = app.client.get("/v1/buckets", headers={"Authorization": "Basic Ym9iOmI="})
    assert [bucket["id"] for bucket in listed.json["data"]] == ["b"]
