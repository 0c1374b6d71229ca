"""Settings of metrics, logs and error reports."""

from dataclasses import dataclass

from kinto.core.settings.definitions import setting
from kinto.core.settings.kinds import (
    BOOL,
    DOTTED,
    FLOATS,
    NATURAL,
    OPTIONAL_DOTTED,
    OPTIONAL_TEXT,
    OPTIONAL_UDP_URL,
    OPTIONAL_URL,
    POSITIVE,
    TEXT,
    WORDS,
)


@dataclass(frozen=True, slots=True)
class MonitoringSettings:
    """Metrics, monitoring"""

    statsd_url: str | None = setting(
        OPTIONAL_UDP_URL, None, doc="Where metrics are sent, udp://host:port."
    )
    statsd_prefix: str | None = setting(
        OPTIONAL_TEXT, None, listed=False, doc="Of their names; default: the project name."
    )
    statsd_backend: str = setting(DOTTED, "kinto.core.statsd", doc="Module that sends them.")
    statsd_legacy_names: bool = setting(
        BOOL, True, doc="Send them under their names of Kinto 3 as well."
    )
    metrics_matchdict_fields: tuple[str, ...] = setting(
        WORDS,
        ["bucket_id", "collection_id"],
        core=[],
        doc="Parts of the URL that become labels.",
    )
    metrics_max_label_values: int = setting(
        POSITIVE, 1000, doc="How many values of a label are told apart; the rest is other."
    )
    sentry_dsn: str | None = setting(OPTIONAL_URL, None, secret=True, doc="Where errors are sent.")
    sentry_env: str | None = setting(OPTIONAL_TEXT, None, doc="Name of this environment there.")
    sentry_breadcrumbs_min_level: int = setting(NATURAL, 10, doc="Level of what is attached.")
    sentry_events_min_level: int = setting(NATURAL, 30, doc="Level of what is sent.")
    newrelic_config: str | None = setting(
        OPTIONAL_TEXT, None, doc="Configuration file of the New Relic agent."
    )
    newrelic_env: str = setting(TEXT, "dev", doc="Its environment.")
    has_profiler: bool = setting(
        BOOL, False, name="profiler_enabled", doc="Write a profile of every request."
    )
    profiler_dir: str | None = setting(
        OPTIONAL_TEXT, None, doc="Where profiles go; default: the temporary folder."
    )
    logging_renderer: str | None = setting(
        OPTIONAL_DOTTED, None, doc="Such as kinto.core.logs.MozillaHekaRenderer."
    )


@dataclass(frozen=True, slots=True)
class PrometheusSettings:
    """Prometheus"""

    prefix: str | None = setting(
        OPTIONAL_TEXT, None, listed=False, doc="Of the metrics; default: the project name."
    )
    disabled_metrics: tuple[str, ...] = setting(
        WORDS, "", doc="Names of metrics that are left out."
    )
    created_metrics_enabled: bool = setting(
        BOOL, True, doc="false leaves out the *_created series."
    )
    histogram_buckets: tuple[float, ...] = setting(
        FLOATS, "0.01 0.05 0.1 0.5 1.0 3.0 6.0 Inf", doc="Of all histograms."
    )
