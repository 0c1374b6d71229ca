"""``GET /__metrics__``: names and labels to the letter, settings, StatsD beside it."""

import logging
from collections.abc import Callable
from typing import Any

import prometheus_client
import pytest
import webtest
from pyramid.config import Configurator
from pyramid.exceptions import ConfigurationError

import kinto.plugins.prometheus
from kinto import main
from kinto.core.metrics import CombinedMetricsService, IMetricsService
from kinto.plugins.prometheus import PrometheusService
from tests.support.measured import ALICE, BUCKET, COLLECTION, GROUP, RECORD, Measured, names_of
from tests.support.plugins import MetricsService
from tests.support.services import MEMORY_SETTINGS
from tests.support.statsd import running_statsd


PLUGIN = "kinto.plugins.prometheus"
MakeApp = Callable[..., webtest.TestApp]


@pytest.fixture
def make(make_app: MakeApp) -> MakeApp:
    def make_measured(settings: dict[str, Any] | None = None, **more: Any) -> webtest.TestApp:
        named = {f"kinto.{name}": value for name, value in (settings or more).items()}
        return make_app({"kinto.includes": PLUGIN, **named})

    return make_measured


def lines_of(app: webtest.TestApp) -> list[str]:
    return app.get("/v1/__metrics__").text.splitlines()


def series_of(app: webtest.TestApp, beginning: str) -> dict[str, float]:
    """Value of each series, by its name with its labels."""
    pairs = (line.rpartition(" ") for line in lines_of(app) if line.startswith(beginning))
    return {name: float(value) for name, _, value in pairs}


def put(app: webtest.TestApp, *paths: str) -> None:
    for path in paths:
        app.put_json(path, {"data": {"members": []} if path == GROUP else {}}, headers=ALICE)


def test_the_endpoint_is_public_text(make: MakeApp) -> None:
    answer = make().get("/v1/__metrics__", status=200)

    assert answer.headers["Content-Type"] == "text/plain; version=1.0.0; charset=utf-8"
    assert "# TYPE kinto_backend_storage_seconds histogram" in answer.text


def test_other_methods_are_refused_and_head_is_answered(make: MakeApp) -> None:
    app = make()

    assert app.head("/v1/__metrics__", status=200).body == b""
    app.post("/v1/__metrics__", status=405)


def test_the_capability_tells_prefix_and_what_is_left_out(make: MakeApp) -> None:
    app = make(prometheus_prefix="kinto-prod", prometheus_disabled_metrics="request_size")

    capability = app.get("/v1/").json["capabilities"]["prometheus"]

    assert capability["prefix"] == "kintoprod_"
    assert capability["disabled_metrics"] == ["request_size"]
    assert capability["description"] == "Prometheus metrics."
    assert capability["url"] == "https://github.com/Kinto/kinto/"


def test_requests_are_counted_by_status_endpoint_and_place(make: MakeApp) -> None:
    app = make()
    put(app, BUCKET, COLLECTION, RECORD)
    app.get(f"{BUCKET}/collections/unknown", headers=ALICE, status=404)

    series = series_of(app, "kinto_request_summary_total{")

    place = 'bucket_id="b",collection_id="c",endpoint="record-object"'
    assert (
        series[
            f"kinto_request_summary_total{{{place},"
            'group_id="",method="put",record_id="",status="201"}'
        ]
        == 1
    )
    nowhere = 'bucket_id="",collection_id="",endpoint="collection-object"'
    assert (
        series[
            f"kinto_request_summary_total{{{nowhere},"
            'group_id="",method="get",record_id="",status="404"}'
        ]
        == 1
    )


def test_fields_of_the_url_can_all_be_labels(make: MakeApp) -> None:
    app = make(metrics_matchdict_fields="bucket_id collection_id group_id record_id")
    put(app, BUCKET, COLLECTION, GROUP, RECORD)

    series = series_of(app, "kinto_request_size_count{")

    assert [name for name in series if 'record_id="r"' in name]
    assert [name for name in series if 'group_id="g"' in name]


def test_every_series_of_the_documentation_is_there(make: MakeApp) -> None:
    app = make()
    put(app, BUCKET)
    app.registry.cache.get("unknown")
    app.registry.cache.set("known", 1, ttl=10)
    app.registry.cache.get("known")

    kinds = dict(line.split()[2:4] for line in lines_of(app) if line.startswith("# TYPE kinto_"))
    kinds = {name: kind for name, kind in kinds.items() if not name.endswith("_created")}

    assert kinds == {
        "kinto_authentication_basicauth_seconds": "histogram",
        "kinto_authentication_permits_seconds": "histogram",
        "kinto_authentication_total": "counter",
        "kinto_backend_cache_seconds": "histogram",
        "kinto_backend_permission_seconds": "histogram",
        "kinto_backend_storage_seconds": "histogram",
        "kinto_cache_hits_total": "counter",
        "kinto_cache_misses_total": "counter",
        "kinto_request_duration_seconds": "histogram",
        "kinto_request_size": "summary",
        "kinto_request_summary_total": "counter",
        "kinto_users_total": "counter",
    }


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("kinto_request_summary_total", "Counter of kinto_request_summary"),
        ("kinto_request_duration_seconds", "Histogram of kinto_request_duration_seconds"),
        ("kinto_request_size", "Summary of kinto_request_size"),
    ],
)
def test_series_have_a_help_text(make: MakeApp, name: str, text: str) -> None:
    app = make()
    app.get("/v1/")

    assert f"# HELP {name} {text}" in lines_of(app)


def test_users_and_policies_are_counted(make: MakeApp) -> None:
    app = make()
    app.get("/v1/", headers=ALICE)
    userid = app.get("/v1/", headers=ALICE).json["user"]["id"].partition(":")[2]

    assert series_of(app, "kinto_users_total") == {
        f'kinto_users_total{{auth="basicauth",userid="{userid}"}}': 2
    }
    assert series_of(app, "kinto_authentication_total") == {
        'kinto_authentication_total{type="basicauth"}': 2
    }


def test_sizes_and_durations_are_summed(make: MakeApp) -> None:
    app = make()
    body = app.get("/v1/__lbheartbeat__").body

    labels = '{bucket_id="",collection_id="",endpoint="lbheartbeat",group_id="",method="get",'
    labels += 'record_id=""}'
    assert series_of(app, "kinto_request_size_sum")[f"kinto_request_size_sum{labels}"] == len(body)
    durations = series_of(app, "kinto_request_duration_seconds_")
    assert 0 < durations[f"kinto_request_duration_seconds_sum{labels}"] < 10
    assert durations[f"kinto_request_duration_seconds_count{labels}"] == 1


@pytest.mark.parametrize(
    ("settings", "prefix"),
    [
        ({}, "kinto_"),
        ({"project_name": "My Proj.x-y_z"}, "myprojxyz_"),
        ({"prometheus_prefix": "kinto-prod"}, "kintoprod_"),
        ({"prometheus_prefix": "2nd"}, "_2nd_"),
        ({"project_name": ""}, ""),
    ],
)
def test_names_begin_with_the_prefix(make: MakeApp, settings: dict[str, str], prefix: str) -> None:
    app = make(settings)
    app.get("/v1/")

    assert f"# TYPE {prefix}request_size summary" in lines_of(app)


@pytest.mark.parametrize("setting", ["prometheus_disabled_metrics", "disabled_metrics"])
def test_metrics_are_left_out_by_either_name(make: MakeApp, setting: str) -> None:
    names = "request_duration_seconds kinto_backend_cache_seconds users request_size"
    app = make({setting: names})
    app.get("/v1/", headers=ALICE)
    app.registry.cache.get("key")

    text = app.get("/v1/__metrics__").text

    for name in ("request_duration_seconds", "backend_cache_seconds", "users", "request_size"):
        assert f"kinto_{name}" not in text
    assert "kinto_request_summary" in text


def test_buckets_of_histograms_are_those_of_the_setting(make: MakeApp) -> None:
    app = make(prometheus_histogram_buckets="5 0.1 Inf")
    app.get("/v1/__lbheartbeat__")

    bounds = [
        name.partition('le="')[2].partition('"')[0]
        for name in series_of(app, "kinto_request_duration_seconds_bucket")
        if "lbheartbeat" in name
    ]
    assert bounds == ["0.1", "5.0", "+Inf"]


def test_buckets_of_histograms_by_default(make: MakeApp) -> None:
    app = make()
    app.get("/v1/__lbheartbeat__")

    text = app.get("/v1/__metrics__").text
    for bound in ("0.01", "0.05", "0.1", "0.5", "1.0", "3.0", "6.0", "+Inf"):
        assert f'endpoint="lbheartbeat",group_id="",le="{bound}"' in text


def test_times_of_creation_can_be_left_out(make: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "_created" in make().get("/v1/__metrics__").text
    kinto.plugins.prometheus.reset_registry()

    app = make(prometheus_created_metrics_enabled=False)
    try:
        assert "kinto_" in app.get("/v1/__metrics__").text
        assert "_created" not in app.get("/v1/__metrics__").text
    finally:
        prometheus_client.enable_created_metrics()


def test_labels_are_bounded(make: MakeApp) -> None:
    app = make(metrics_max_label_values=3)
    put(app, *(f"/v1/buckets/b{number}" for number in range(6)))
    for number in range(6):
        user = {"Authorization": f"Basic {'YWxpY2U6' + 'abcd' * (number + 1)}"}
        app.get("/v1/", headers=user)

    places = {name for name in series_of(app, "kinto_request_summary_total") if "put" in name}
    assert len(places) == 4
    assert len([name for name in places if 'bucket_id="other"' in name]) == 1
    assert len(series_of(app, "kinto_users_total")) == 4


def test_statsd_is_fed_as_well(make: MakeApp) -> None:
    with running_statsd() as listener:
        app = make(statsd_url=listener.url)
        sent = names_of(Measured(app, listener).metrics_of("PUT", BUCKET))

    assert sent.count("view.bucket-record.PUT") == 1
    assert sent.count("storage.create") == 1
    counted = series_of(app, 'kinto_backend_storage_seconds_count{method="create"}')
    assert list(counted.values()) == [1]
    assert isinstance(app.registry.metrics, CombinedMetricsService)


@pytest.mark.parametrize(
    "includes",
    [f"{PLUGIN} kinto.plugins.statsd", f"kinto.plugins.statsd {PLUGIN}"],
)
def test_both_plugins_feed_both_once(make: MakeApp, includes: str) -> None:
    with running_statsd() as listener:
        app = make(includes=includes, statsd_url=listener.url)
        sent = names_of(Measured(app, listener).metrics_of("PUT", BUCKET))

    assert sent.count("storage.create") == 1
    assert series_of(app, 'kinto_backend_storage_seconds_count{method="create"}') == {
        'kinto_backend_storage_seconds_count{method="create"}': 1
    }


def test_without_a_url_the_service_is_that_of_prometheus(make: MakeApp) -> None:
    registry = make().registry

    assert isinstance(registry.metrics, PrometheusService)
    assert registry.getUtility(IMetricsService) is registry.metrics


def test_a_single_process_is_warned_about(make: MakeApp, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        make()

    assert [record for record in caplog.records if "one process" in record.getMessage()]


def test_the_folder_is_made_empty(
    make: MakeApp, monkeypatch: pytest.MonkeyPatch, tmp_path: Any, caplog: Any
) -> None:
    folder = tmp_path / "deep" / "metrics"
    (folder / "sub").mkdir(parents=True)
    (folder / "counter_1.db").write_bytes(b"of an earlier run")
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(folder))

    app = make()

    assert [path.name for path in folder.iterdir()] == ["owner.lock"]
    assert not [record for record in caplog.records if "one process" in record.getMessage()]
    app.get("/v1/__metrics__", status=200)


def test_commands_leave_the_folder_to_the_service(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    (tmp_path / "counter_1.db").touch()

    main({"command": "migrate"}, **{**MEMORY_SETTINGS, "kinto.includes": PLUGIN})

    assert [path.name for path in tmp_path.iterdir()] == ["counter_1.db"]


def test_a_folder_that_has_gone_is_204(
    make: MakeApp, monkeypatch: pytest.MonkeyPatch, tmp_path: Any, caplog: Any
) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path / "metrics"))
    app = make()
    (tmp_path / "metrics" / "owner.lock").unlink()
    (tmp_path / "metrics").rmdir()

    answer = app.get("/v1/__metrics__", status=204)

    assert answer.body == b""
    assert [record for record in caplog.records if "has gone" in record.getMessage()]


def test_a_missing_library_is_named_with_the_extra(
    make: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kinto.plugins.prometheus, "prometheus_module", None)

    with pytest.raises(ConfigurationError, match=r"prometheus-client: kinto\[monitoring\]"):
        kinto.plugins.prometheus.includeme(Configurator(settings={}))


def test_the_endpoint_is_described(make: MakeApp) -> None:
    from kinto.core.views.openapi import openapi_view

    vars(openapi_view).pop("__json__", None)
    paths = make().get("/v1/__api__").json["paths"]
    vars(openapi_view).pop("__json__", None)

    assert paths["/__metrics__"]["get"]["operationId"] == "__metrics__"


# -- as other plugins see it -------------------------------------------------------------


def test_plugins_included_afterwards_find_the_service(make: MakeApp) -> None:
    seen = make(includes=f"{PLUGIN} tests.support.plugins.curious").registry.seen

    assert isinstance(seen["metrics"], PrometheusService)
    assert seen["statsd"] is seen["metrics"]


def test_what_a_plugin_measures_is_shown(make: MakeApp) -> None:
    app = make()
    metrics = app.registry.metrics
    metrics.count("mushrooms", unique=[("species", "boletus")])
    metrics.observe("basket-size", 12)
    with metrics.timer("picking.seconds", labels=[("forest", "north")]):
        pass

    assert series_of(app, "kinto_mushrooms_total") == {
        'kinto_mushrooms_total{species="boletus"}': 1
    }
    assert series_of(app, "kinto_basket_size_sum") == {"kinto_basket_size_sum": 12}
    assert series_of(app, "kinto_picking_seconds_count") == {
        'kinto_picking_seconds_count{forest="north"}': 1
    }


def test_the_last_service_registered_by_a_plugin_counts(make: MakeApp) -> None:
    app = make(includes=f"{PLUGIN} tests.support.plugins.metrics")
    app.get("/v1/")

    assert isinstance(app.registry.metrics, MetricsService)
    assert app.registry.getUtility(IMetricsService) is app.registry.metrics
    assert "request_summary" in app.registry.metrics.counted
