import json
import logging
from datetime import UTC, datetime
from ipaddress import ip_network

import pytest
from pyramid.exceptions import ConfigurationError

from kinto.core.settings import (
    CORE_DEFAULT_SETTINGS,
    DEFINITIONS,
    KINTO_DEFAULT_SETTINGS,
    CoreSettings,
    HistorySettings,
    is_endpoint_enabled,
    parse_group,
    parse_settings,
    read_settings,
)


NETWORKS = (ip_network("10.0.0.0/8"),)
BUCKETS = (1.1, float("inf"))


def parse(**raw):
    defaults = {**CORE_DEFAULT_SETTINGS, **KINTO_DEFAULT_SETTINGS}
    return parse_settings(read_settings(raw, prefix="kinto", defaults=defaults, environ={}))


def test_defaults_are_those_of_the_dataclasses():
    assert parse() == CoreSettings()


@pytest.mark.parametrize("word", ["true", "True", "t", "YES", "y", "on", "1", 1, True])
def test_words_for_true(word):
    assert parse(readonly=word).features.is_readonly is True


@pytest.mark.parametrize("word", ["false", "F", "No", "n", "off", "0", "", 0, False])
def test_words_for_false(word):
    assert parse(explicit_permissions=word).features.has_explicit_permissions is False


@pytest.mark.parametrize(
    ("name", "value", "group", "field", "expected"),
    [
        ("paginate_by", "10", "pagination", "paginate_by", 10),
        ("paginate_by", '"10"', "pagination", "paginate_by", 10),
        ("paginate_by", "", "pagination", "paginate_by", None),
        ("paginate_by", "None", "pagination", "paginate_by", None),
        ("paginate_by", "null", "pagination", "paginate_by", None),
        ("paginate_by", "0", "pagination", "paginate_by", None),
        ("batch_max_requests", "0", "batch", "max_requests", None),
        ("batch_max_requests", "", "batch", "max_requests", None),
        ("batch_max_requests", "50", "batch", "max_requests", 50),
        ("backoff", "", "backoff", "seconds", None),
        ("backoff", "None", "backoff", "seconds", None),
        ("backoff", "3600", "backoff", "seconds", 3600),
        ("backoff_percentage", "12.5", "backoff", "percentage", 12.5),
        ("backoff_percentage", "", "backoff", "percentage", None),
        ("http_host", "", "deployment", "http_host", None),
        ("http_host", "null", "deployment", "http_host", None),
        ("http_scheme", "NONE", "deployment", "http_scheme", None),
        ("http_scheme", "http2", "deployment", "http_scheme", "http2"),
        ("statsd_url", "none", "monitoring", "statsd_url", None),
        ("statsd_url", "udp://host:8125", "monitoring", "statsd_url", "udp://host:8125"),
        ("sentry_dsn", "", "monitoring", "sentry_dsn", None),
        ("newrelic_config", "null", "monitoring", "newrelic_config", None),
        ("eos", "", "deprecation", "eos", None),
        ("eos", "2030", "deprecation", "eos", datetime(2030, 1, 1, tzinfo=UTC)),
        ("eos", "2030-05", "deprecation", "eos", datetime(2030, 5, 1, tzinfo=UTC)),
        ("eos", "2030-05-06", "deprecation", "eos", datetime(2030, 5, 6, tzinfo=UTC)),
        ("eos", '"2030-05-06T01:00"', "deprecation", "eos", datetime(2030, 5, 6, 1, tzinfo=UTC)),
        ("eos_message", '"Too old"', "deprecation", "message", "Too old"),
        ("cors_origins", "a b\n*.c", "cors", "origins", ("a", "b", "*.c")),
        ("cors_origins", '["a", "b"]', "cors", "origins", ("a", "b")),
        ("cors_origins", "a,b", "cors", "origins", ("a,b",)),
        ("cors_max_age_seconds", "", "cors", "max_age_seconds", None),
        ("vary", "", "cors", "vary", ()),
        ("heartbeat_timeout_seconds", "0.5", "features", "heartbeat_timeout_seconds", 0.5),
        ("bucket_create_principals", "a, b c,", "principals", "bucket_create", {"a", "b", "c"}),
        ("bucket_create_principals", '["a"]', "principals", "bucket_create", {"a"}),
        ("storage_backend", "", "storage", "backend", None),
        ("storage_pool_size", "50", "storage", "pool_size", 50),
        ("cache_hosts", "a:1 b:2", "cache", "hosts", ("a:1", "b:2")),
        ("cache_prefix", "12", "cache", "prefix", "12"),
        ("storage_statement_timeout", "0", "storage", "statement_timeout", 0),
        ("max_body_size_bytes", "0", "limits", "max_body_size_bytes", None),
        ("trusted_proxies", "10.0.0.0/8", "deployment", "trusted_proxies", NETWORKS),
        ("prometheus_histogram_buckets", "1.10 Inf", "prometheus", "histogram_buckets", BUCKETS),
        ("flush_endpoint_enabled", "false", "features", "flush_endpoint_enabled", False),
        ("history.auto_trim_max_count", "5", "history", "auto_trim_max_count", 5),
        ("fxa-oauth.cache_ttl_seconds", "3600", "fxa", "cache_ttl_seconds", 3600),
        ("id_generator", "json.JSONEncoder", "id_generators", "default", "json.JSONEncoder"),
    ],
)  # fmt: skip
def test_values_are_parsed(name, value, group, field, expected):
    assert getattr(getattr(parse(**{name: value}), group), field) == expected


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("readonly", "maybe", "bool"),
        ("readonly", "2", "bool"),
        ("readonly", "null", "bool"),
        ("batch_max_requests", "many", "int"),
        ("batch_max_requests", "-1", "int (at least 0)"),
        ("batch_max_requests", "1.5", "int"),
        ("batch_max_requests", "true", "int"),
        ("paginate_by", "abc", "optional int"),
        ("storage_pool_size", "0", "int (at least 1)"),
        ("storage_pool_timeout", "long", "float"),
        ("heartbeat_timeout_seconds", "", "float"),
        ("backoff_percentage", "101", "optional float from 0 to 100"),
        ("eos", "tomorrow", "date"),
        ("eos", "2030-13", "date"),
        ("cors_origins", {"a": 1}, "list"),
        ("trusted_proxies", "proxy", "list of addresses"),
        ("prometheus_histogram_buckets", "a", "list of floats"),
        ("id_generator", "no.such.Module", "dotted"),
        ("id_generator", "json.NoSuchName", "dotted"),
        ("id_generator", "a-b", "dotted"),
        ("storage_backend", "kinto.core.storage.mongodb", "dotted"),
        ("group_id_generator", "nowhere", "dotted"),
        ("account_id_generator", "nowhere", "dotted"),
        ("object_bucket_put_enabled", "perhaps", "bool"),
        ("record_bucket_put_enabled", "perhaps", "bool"),
        ("b.c.record_cache_expires_seconds", "x", "optional int"),
        ("multiauth.policy.g.state_length", "x", "int"),
    ],
)
def test_bad_values_are_refused(name, value, expected):
    with pytest.raises(ConfigurationError) as caught:
        parse(**{name: value})

    shown = value if isinstance(value, str) else json.dumps(value)
    assert f"{name}': expected {expected}, got '{shown}'." in str(caught.value)


def test_all_bad_values_are_told_at_once():
    with pytest.raises(ConfigurationError) as caught:
        parse(**{"kinto.readonly": "maybe", "batch_max_requests": "x", "kinto.backoff": "y"})

    assert str(caught.value).splitlines() == [
        "Invalid value for setting 'kinto.readonly': expected bool, got 'maybe'.",
        "Invalid value for setting 'kinto.batch_max_requests': expected int, got 'x'.",
        "Invalid value for setting 'kinto.backoff': expected optional int, got 'y'.",
    ]


def test_settings_of_frameworks_are_named_without_prefix():
    with pytest.raises(ConfigurationError, match=r"setting 'multiauth\.groupfinder'"):
        parse(**{"multiauth.groupfinder": "nowhere"})


@pytest.mark.parametrize("kind", ["storage", "permission"])
def test_redis_is_a_cache_only(kind):
    with pytest.raises(ConfigurationError, match="redis is only available as a cache"):
        parse(**{f"{kind}_backend": f"kinto.core.{kind}.redis"})


@pytest.mark.parametrize("name", ["statsd_url", "sentry_dsn"])
@pytest.mark.parametrize("value", ["host:8125", "//host", "udp:host", "udp://host:port/"])
def test_urls_need_scheme_and_host(name, value):
    with pytest.raises(ConfigurationError, match=f"'kinto.{name}': expected url"):
        parse(**{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [("statsd_url", "udp://user:hunter2@"), ("sentry_dsn", "hunter2"), ("statsd_url", "hunter2")],
)
def test_secrets_are_not_shown(name, value):
    with pytest.raises(ConfigurationError) as caught:
        parse(**{name: value})

    assert "hunter2" not in str(caught.value)
    assert "***" in str(caught.value)


def test_repr_hides_secrets():
    settings = parse(userid_hmac_secret="hunter2", storage_url="postgresql://u:hunter2@h/d")

    assert "hunter2" not in repr(settings)
    assert settings.storage.url == "postgresql://u:hunter2@h/d"


def test_unknown_settings_are_no_error():
    parse(**{"kinto.mail.host": "x", "use": "egg:kinto", "fxa-oauth.other": "1"})


@pytest.mark.parametrize(
    ("written", "known"),
    [
        ("kinto.batch_max_request", "kinto.batch_max_requests"),
        ("kinto.paginateby", "kinto.paginate_by"),
        ("kinto.storage_uri", "kinto.storage_url"),
    ],
)
def test_misspelled_names_are_told(caplog, written, known):
    parse(**{written: "1"})

    assert f"Unknown setting '{written}', did you mean '{known}'?" in caplog.text


def test_names_of_plugins_are_not_taken_for_misspelled(caplog):
    parse(**{"kinto.mail.host": "x", "kinto.article_read_principals": "a", "mail_url": "x"})

    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.parametrize(
    ("settings", "endpoint", "is_enabled"),
    [
        ({}, "plural", True),
        ({"plural_bucket_delete_enabled": False}, "plural", False),
        ({"plural_bucket_delete_enabled": "false"}, "object", True),
        ({"collection_bucket_delete_enabled": "no"}, "plural", False),
        ({"record_bucket_delete_enabled": False}, "object", False),
        (
            {"record_bucket_delete_enabled": False, "object_bucket_delete_enabled": True},
            "object",
            True,
        ),
    ],
)
def test_endpoints_are_switched_off_in_both_spellings(settings, endpoint, is_enabled):
    found = is_endpoint_enabled(settings, endpoint, resource_name="bucket", method="DELETE")

    assert found is is_enabled


def test_former_spelling_of_endpoints_is_deprecated(caplog):
    parse(**{"kinto.record_bucket_delete_enabled": "false"})

    assert "use 'object_bucket_delete_enabled' instead" in caplog.text


def test_plugins_parse_their_own_settings():
    settings = {"history.exclude_user_ids": "a b"}

    parsed = parse_group(HistorySettings, settings, group_prefix="history.")

    assert parsed.exclude_user_ids == ("a", "b")
    with pytest.raises(ConfigurationError, match=r"kinto\.history\.auto_trim_threshold"):
        parse_group(HistorySettings, {"history.auto_trim_threshold": "x"}, group_prefix="history.")


def test_every_default_is_accepted_as_it_is_written():
    for definition in DEFINITIONS.values():
        if definition.kind.label != "dotted":
            definition.kind.parse(definition.default)


def test_documented_defaults():
    assert CORE_DEFAULT_SETTINGS["storage_backend"] == ""
    assert CORE_DEFAULT_SETTINGS["project_name"] == ""
    assert CORE_DEFAULT_SETTINGS["project_docs"] == ""
    assert CORE_DEFAULT_SETTINGS["retry_after_seconds"] == 30
    assert CORE_DEFAULT_SETTINGS["metrics_matchdict_fields"] == []
    assert CORE_DEFAULT_SETTINGS["userid_hmac_secret"] == ""
    assert KINTO_DEFAULT_SETTINGS["retry_after_seconds"] == 3
    assert KINTO_DEFAULT_SETTINGS["storage_backend"] == "kinto.core.storage.memory"
    assert KINTO_DEFAULT_SETTINGS["includes"] == ""
    for name in ("includes", "multiauth.policies", "event_listeners", "cache_hosts"):
        assert CORE_DEFAULT_SETTINGS[name] == ""
    # Their absence means something to plugins.
    assert "bucket_read_principals" not in CORE_DEFAULT_SETTINGS
    assert "flush_endpoint_enabled" not in CORE_DEFAULT_SETTINGS
