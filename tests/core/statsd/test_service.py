"""What the service sends, to the letter; which service the settings make."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
import webtest
from pyramid.config import Configurator
from pyramid.exceptions import ConfigurationError

import kinto.plugins.statsd
from kinto.core.metrics import IMetricsService, NoOpMetricsService
from kinto.core.statsd import StatsDService
from tests.support.measured import BUCKET, RECORD, Measured, make_measured, names_of
from tests.support.statsd import StatsDListener, running_statsd


@pytest.fixture(scope="module")
def listener() -> Iterator[StatsDListener]:
    with running_statsd() as listening:
        yield listening


@pytest.fixture
def service(listener: StatsDListener) -> StatsDService:
    listener.texts()
    return StatsDService("127.0.0.1", listener.port, "pre")


def test_a_timer_with_a_value_sends_milliseconds(
    service: StatsDService, listener: StatsDListener
) -> None:
    service.timer("key", value=1.5, labels=[("method", "get"), ("id", "a:b|c@d\ne")])

    assert listener.texts() == ["pre.key.method.get.id.abcde:1500.000000|ms"]


def test_a_duration_of_zero_is_sent(service: StatsDService, listener: StatsDListener) -> None:
    service.timer("key", value=0)

    assert listener.texts() == ["pre.key:0.000000|ms"]


def test_a_timer_is_a_context_manager_and_a_decorator(
    service: StatsDService, listener: StatsDListener
) -> None:
    with service.timer("block"):
        pass
    assert service.timer("call")(partial(int, "1"))() == 1
    with pytest.raises(ZeroDivisionError), service.timer("failing"):
        _ = 1 / 0

    names = [each.name for each in listener.received()]
    assert names == ["pre.block", "pre.call", "pre.failing"]


def test_timers_may_be_nested(service: StatsDService, listener: StatsDListener) -> None:
    timer = service.timer("key")
    with timer, timer:
        pass

    assert len(listener.texts()) == 2


@pytest.mark.parametrize(
    ("value", "expected"),
    [(12, ["pre.key:12|g"]), (1.5, ["pre.key:1.5|g"]), (-3, ["pre.key:0|g\npre.key:-3|g"])],
)
def test_an_observation_is_a_gauge(
    service: StatsDService, listener: StatsDListener, value: float, expected: list[str]
) -> None:
    service.observe("key", value, labels=[("a", "b")])

    assert listener.texts() == expected


def test_a_count_is_a_counter(service: StatsDService, listener: StatsDListener) -> None:
    service.count("key")
    service.count("key", 5)

    assert listener.texts() == ["pre.key:1|c", "pre.key:5|c"]


def test_what_is_counted_makes_it_a_set(service: StatsDService, listener: StatsDListener) -> None:
    service.count("users", unique=[("auth", "ldap"), ("userid", "ldap:ünal")])

    assert listener.texts() == ["pre.users:auth.ldap.userid.ldap.ünal|s"]


def test_what_is_counted_may_be_a_text_with_a_warning(
    service: StatsDService, listener: StatsDListener
) -> None:
    with pytest.warns(DeprecationWarning, match="`unique` parameter"):
        service.count("mushrooms", unique="species.boletus")

    assert listener.texts() == ["pre.mushrooms:species.boletus|s"]


@pytest.mark.parametrize(
    ("settings", "prefix"),
    [
        ({}, "kinto"),
        ({"project_name": "shop"}, "shop"),
        ({"statsd_prefix": "mine"}, "mine"),
        ({"statsd_prefix": "mine", "project_name": "shop"}, "mine"),
        ({"project_name": ""}, "kinto.core"),
    ],
)
def test_the_prefix_is_what_the_operator_wrote_or_the_project(
    make_app: Callable[..., webtest.TestApp],
    listener: StatsDListener,
    settings: dict[str, str],
    prefix: str,
) -> None:
    sent = make_measured(make_app, listener, **settings).metrics_of("GET", "/v1/")

    assert {each.name for each in sent if each.name.endswith(".view.hello.GET")} == {
        f"{prefix}.view.hello.GET"
    }


def test_names_of_kinto_3_can_be_left_out(
    make_app: Callable[..., webtest.TestApp], listener: StatsDListener
) -> None:
    measured = make_measured(make_app, listener, statsd_legacy_names=False)

    sent = names_of(measured.metrics_of("PUT", BUCKET))

    beginnings = {name.partition(".")[0] for name in sent}
    assert not beginnings & {"view", "storage", "permission", "cache", "authn_type"}
    assert "authentication.permits" not in sent
    assert "backend.storage.seconds.method.create" in sent


def test_requests_send_what_26_sends(
    make_app: Callable[..., webtest.TestApp], listener: StatsDListener
) -> None:
    every_field = "bucket_id collection_id group_id record_id"
    measured = make_measured(
        make_app, listener, statsd_legacy_names=False, metrics_matchdict_fields=every_field
    )
    measured.make_objects()

    sent = measured.metrics_of("GET", RECORD)

    ids = "bucket_id.b.collection_id.c.group_id..record_id.r"
    userid = measured.call("GET", "/v1/").json["user"]["id"].partition(":")[2]
    size = len(measured.call("GET", RECORD).body)
    last = [(each.name.removeprefix("kinto."), each.value, each.kind) for each in sent[-5:]]
    duration = last[2][1]
    assert last == [
        ("users", f"auth.basicauth.userid.{userid}", "s"),
        ("request_summary", f"method.get.endpoint.record-object.{ids}.status.200", "s"),
        (f"request_duration_seconds.method.get.endpoint.record-object.{ids}", duration, "ms"),
        ("request_size", str(size), "g"),
        ("authentication", "type.basicauth", "s"),
    ]
    assert 0 < float(duration) < 10_000


@pytest.mark.parametrize(
    "settings",
    [
        {"includes": "kinto.plugins.statsd"},
        {"initialization_sequence": "setup_statsd"},
        {"includes": "kinto.plugins.statsd", "initialization_sequence": "setup_statsd"},
    ],
    ids=["plugin", "setup_statsd", "both"],
)
def test_nothing_is_sent_twice(
    make_app: Callable[..., webtest.TestApp], listener: StatsDListener, settings: dict[str, str]
) -> None:
    settings = dict(settings)
    if step := settings.pop("initialization_sequence", None):
        sequence = make_app().registry.settings["initialization_sequence"]
        settings["initialization_sequence"] = " ".join(
            [*sequence, f"kinto.core.initialization.{step}"]
        )
    measured = make_measured(make_app, listener, **settings)

    sent = names_of(measured.metrics_of("PUT", BUCKET))

    assert sent.count("view.bucket-record.PUT") == 1
    assert sent.count("storage.create") == 1
    assert sent.count("authentication.permits") == 1


def test_the_plugin_serves_where_the_step_was_dropped(
    make_app: Callable[..., webtest.TestApp], listener: StatsDListener
) -> None:
    sequence = [
        step
        for step in make_app().registry.settings["initialization_sequence"]
        if not step.endswith("setup_metrics")
    ]
    settings = {"includes": "kinto.plugins.statsd", "initialization_sequence": " ".join(sequence)}
    measured = make_measured(make_app, listener, **settings)
    listener.texts()

    measured.registry.metrics.count("mine")

    assert listener.texts() == ["kinto.mine:1|c"]


def test_the_plugin_without_a_url_measures_nothing(
    make_app: Callable[..., webtest.TestApp],
) -> None:
    app = make_app({"kinto.includes": "kinto.plugins.statsd"})

    assert isinstance(app.registry.metrics, NoOpMetricsService)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("localhost:8125", "localhost:8125"),
        ("udp://host:port", "udp://host:port"),
        ("udp://host:99999", "udp://host:99999"),
        ("udp://", "udp://"),
        ("http://host:8125", "http://host:8125"),
        ("statsd://host:8125", "statsd://host:8125"),
    ],
)
def test_a_malformed_url_stops_the_start_with_one_line(
    make_app: Callable[..., webtest.TestApp], url: str, shown: str
) -> None:
    with pytest.raises(ConfigurationError) as raised:
        make_app({"kinto.statsd_url": url})

    line = str(raised.value)
    assert line.startswith("Invalid value for setting 'kinto.statsd_url': expected url")
    assert line.endswith(f"got '{shown}'.")
    assert "\n" not in line


@pytest.mark.parametrize("url", ["", "none", "null"])
def test_an_empty_url_is_none(make_app: Callable[..., webtest.TestApp], url: str) -> None:
    app = make_app({"kinto.statsd_url": url})

    assert isinstance(app.registry.getUtility(IMetricsService), NoOpMetricsService)


def test_a_service_of_ones_own_may_take_the_place(
    make_app: Callable[..., webtest.TestApp],
) -> None:
    backend = "tests.support.metrics_backend"
    app = make_app({"kinto.statsd_url": "udp://host:1", "kinto.statsd_backend": backend})

    app.get("/v1/")

    service = app.registry.metrics
    assert type(service).__module__ == "tests.support.plugins"
    assert service is app.registry.getUtility(IMetricsService)
    assert "request_summary" in service.counted


def test_a_service_of_ones_own_that_fails_is_named(
    make_app: Callable[..., webtest.TestApp],
) -> None:
    with pytest.raises(ConfigurationError, match=r"'kinto.statsd_backend': kinto\.events"):
        make_app({"kinto.statsd_url": "udp://host:1", "kinto.statsd_backend": "kinto.events"})


@pytest.fixture
def bare_config() -> Configurator:
    return Configurator(
        settings={
            "statsd_url": "udp://localhost:1234",
            "statsd_prefix": "prefix",
            "project_name": "",
        }
    )


def test_the_plugin_makes_the_service_of_a_bare_configurator(bare_config: Configurator) -> None:
    assert isinstance(kinto.plugins.statsd.load_from_config(bare_config), StatsDService)


@pytest.mark.parametrize("name", ["includeme", "load_from_config"])
def test_a_missing_library_is_named_with_the_extra(
    bare_config: Configurator, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(kinto.plugins.statsd, "statsd_module", None)

    with pytest.raises(ConfigurationError, match=r"statsd: kinto\[monitoring\]"):
        getattr(kinto.plugins.statsd, name)(bare_config)


def test_a_missing_library_is_named_by_the_setting(
    make_app: Callable[..., webtest.TestApp], monkeypatch: pytest.MonkeyPatch
) -> None:
    without: Any = None
    monkeypatch.setitem(__import__("sys").modules, "statsd.client.base", without)

    with pytest.raises(ConfigurationError, match=r"'kinto.statsd_url'.*kinto\[monitoring\]"):
        make_app({"kinto.statsd_url": "udp://localhost:8125"})


def test_a_failing_metric_does_not_hurt_the_request(
    make_app: Callable[..., webtest.TestApp],
    listener: StatsDListener,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    measured: Measured = make_measured(make_app, listener)

    def fail(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("no metrics today")

    monkeypatch.setattr(measured.registry.metrics, "count", fail)

    assert measured.call("GET", "/v1/").status_code == 200
