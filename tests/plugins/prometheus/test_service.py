"""The service as plugins use it: kinds, names, labels, what cannot be kept."""

import logging
from typing import Any

import prometheus_client
import pytest

from kinto.plugins.prometheus import PrometheusService, reset_registry
from kinto.plugins.prometheus import service as service_module


@pytest.fixture
def service() -> PrometheusService:
    return PrometheusService(prefix="pre_")


def value_of(name: str, **labels: str) -> float | None:
    value: float | None = prometheus_client.REGISTRY.get_sample_value(name, labels)
    return value


def test_timers_are_histograms(service: PrometheusService) -> None:
    service.timer("one.two-three four", value=2, labels=[("a-b", "x")])
    with service.timer("block"):
        pass
    assert service.timer("call")(lambda: 1)() == 1

    assert value_of("pre_one_two_three_four_sum", a_b="x") == 2
    assert value_of("pre_block_count") == 1
    assert value_of("pre_call_count") == 1


def test_a_duration_of_zero_counts(service: PrometheusService) -> None:
    service.timer("key", value=0)

    assert value_of("pre_key_count") == 1


def test_observations_are_summaries(service: PrometheusService) -> None:
    service.observe("price", 3, labels=[("a", "b")])
    service.observe("price", 4.5, labels=[("a", "b")])

    assert value_of("pre_price_sum", a="b") == 7.5
    assert value_of("pre_price_count", a="b") == 2


def test_counts_are_counters(service: PrometheusService) -> None:
    service.count("plain")
    service.count("plain", 4)
    service.count("clicks", unique=[("component", "menu"), ("sound", "off")])

    assert value_of("pre_plain_total") == 5
    assert value_of("pre_clicks_total", component="menu", sound="off") == 1


@pytest.mark.parametrize(
    ("unique", "labels"),
    [("species.boletus", {"species": "boletus"}), ("boletus", {"group": "boletus"})],
)
def test_what_is_counted_may_be_a_text_with_a_warning(
    service: PrometheusService, unique: str, labels: dict[str, str]
) -> None:
    with pytest.warns(DeprecationWarning, match="`unique` parameter"):
        service.count("mushrooms", unique=unique)

    assert value_of("pre_mushrooms_total", **labels) == 1


@pytest.mark.parametrize("first", ["timer", "observe", "count"])
@pytest.mark.parametrize("second", ["timer", "observe", "count"])
def test_a_name_is_of_one_kind(service: PrometheusService, first: str, second: str) -> None:
    def use(kind: str) -> None:
        getattr(service, kind)("key", **({} if kind == "count" else {"value": 1}))

    use(first)
    if first == second:
        use(second)
        return
    with pytest.raises(RuntimeError, match="pre_key already exists with different type"):
        use(second)


def test_decorating_with_a_name_of_another_kind_fails_at_once(service: PrometheusService) -> None:
    service.count("key")

    with pytest.raises(RuntimeError, match="already exists with different type"):
        service.timer("key")


def test_series_are_shared_by_the_applications_of_a_process() -> None:
    PrometheusService(prefix="pre_").count("key")
    PrometheusService(prefix="pre_").count("key")

    assert value_of("pre_key_total") == 2


def test_series_can_be_forgotten(service: PrometheusService) -> None:
    service.count("key")
    reset_registry()

    assert value_of("pre_key_total") is None
    service.timer("key", value=1)
    assert value_of("pre_key_sum") == 1


def test_metrics_can_be_left_out() -> None:
    service = PrometheusService(prefix="pre_", disabled_metrics=["a", "pre_b", "c"])
    service.timer("a", value=1)
    service.observe("b", 1)
    service.count("c")
    assert service.timer("a")(lambda: 1)() == 1

    assert prometheus_client.generate_latest().count(b"pre_") == 0


def test_what_plugins_keep_by_themselves_is_shown() -> None:
    counter = prometheus_client.Counter("of_a_plugin", "Of a plugin")
    try:
        counter.inc()
        assert value_of("of_a_plugin_total") == 1
    finally:
        prometheus_client.REGISTRY.unregister(counter)


def test_labels_take_so_many_values(service: PrometheusService) -> None:
    few = PrometheusService(prefix="pre_", max_label_values=1)
    for name in ("a", "b", "c"):
        few.count("key", unique=[("letter", name)])

    assert value_of("pre_key_total", letter="a") == 1
    assert value_of("pre_key_total", letter="other") == 2


def test_what_cannot_be_kept_is_one_warning(
    service: PrometheusService, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    timed = service.timer("call")(lambda: 1)
    collector: Any = service_module._collectors["pre_call"]

    def fail(*_args: Any, **_kwargs: Any) -> None:
        raise FileNotFoundError("the folder has gone")

    monkeypatch.setattr(service_module, "_has_warned", False)
    monkeypatch.setattr(collector, "observe", fail)
    again = service.timer("call")(lambda: 2)
    monkeypatch.setattr(prometheus_client, "Counter", fail)
    with caplog.at_level(logging.WARNING):
        assert (timed(), again()) == (1, 2)
        service.timer("call", value=1)
        service.count("new")

    assert len([record for record in caplog.records if "cannot be kept" in record.msg]) == 1
