import timeit

import pytest

from kinto.core.settings import (
    CORE_DEFAULT_SETTINGS,
    KINTO_DEFAULT_SETTINGS,
    LiveSettings,
    find_cache_expires_seconds,
    parse_settings,
    principals_setting,
    read_settings,
)


@pytest.fixture
def settings():
    defaults = {**CORE_DEFAULT_SETTINGS, **KINTO_DEFAULT_SETTINGS}
    return read_settings({}, prefix="kinto", defaults=defaults, environ={})


@pytest.fixture
def live(settings):
    return LiveSettings(parse_settings(settings), settings)


@pytest.mark.parametrize(
    ("name", "value", "group", "field", "expected"),
    [
        ("backoff", 10, "backoff", "seconds", 10),
        ("backoff", "10", "backoff", "seconds", 10),
        ("backoff_percentage", 5, "backoff", "percentage", 5),
        ("retry_after_seconds", 7, "backoff", "retry_after_seconds", 7),
        ("eos_message", "x", "deprecation", "message", "x"),
        ("eos_url", "x", "deprecation", "url", "x"),
        ("http_api_version", "0.1", "project", "http_api_version", "0.1"),
        ("paginate_by", 2, "pagination", "paginate_by", 2),
        ("batch_max_requests", 3, "batch", "max_requests", 3),
        ("heartbeat_timeout_seconds", 0.1, "features", "heartbeat_timeout_seconds", 0.1),
        ("cors_origins", ["a"], "cors", "origins", ("a",)),
    ],
)
def test_altered_settings_are_seen(live, settings, name, value, group, field, expected):
    former = live.current(settings)

    altered = live.current({**settings, name: value})

    assert getattr(getattr(altered, group), field) == expected
    assert live.current(settings) == former


def test_the_same_object_is_returned_while_nothing_changes(live, settings):
    assert live.current(settings) is live.current(dict(settings))


def test_removed_setting_has_its_default(live, settings):
    settings["paginate_by"] = 3
    assert live.current(settings).pagination.paginate_by == 3

    del settings["paginate_by"]

    assert live.current(settings).pagination.paginate_by is None


def test_bad_value_is_logged_and_changes_nothing(live, settings, caplog):
    settings["batch_max_requests"] = "many"
    settings["paginate_by"] = 3

    current = live.current(settings)

    assert current.batch.max_requests == 25
    assert current.pagination.paginate_by == 3
    assert "'kinto.batch_max_requests'" in caplog.text


def test_unchanged_settings_cost_next_to_nothing(live, settings):
    live.current(settings)

    seconds = min(timeit.repeat(lambda: live.current(settings), number=1000, repeat=20))

    assert seconds / 1000 < 2e-6


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a b", {"a", "b"}),
        ("a, b,c", {"a", "b", "c"}),
        ("\n  a\n  b\n", {"a", "b"}),
        (["a", "b"], {"a", "b"}),
        ("", set()),
        (None, set()),
    ],
)
def test_principals_are_separated_by_blanks_or_commas(value, expected):
    assert principals_setting({"bucket_read_principals": value}, "bucket_read_principals") == (
        expected
    )
    assert principals_setting({}, "bucket_read_principals") == set()


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, None),
        ({"record_cache_expires_seconds": "60"}, 60),
        ({"record_cache_expires_seconds": 0}, 0),
        ({"record_cache_expires_seconds": "x"}, None),
        ({"record_cache_expires_seconds": 1, "b_record_cache_expires_seconds": 2}, 2),
        ({"b_record_cache_expires_seconds": 1, "b.record_cache_expires_seconds": 2}, 2),
        ({"b.record_cache_expires_seconds": 1, "b_c_record_cache_expires_seconds": 2}, 2),
        ({"b_c_record_cache_expires_seconds": 1, "b.c.record_cache_expires_seconds": 2}, 2),
        ({"other_record_cache_expires_seconds": 1}, None),
    ],
)
def test_most_specific_cache_setting_wins(settings, expected):
    found = find_cache_expires_seconds(settings, "record", bucket_id="b", collection_id="c")

    assert found == expected


def test_cache_setting_without_bucket():
    settings = {"bucket_cache_expires_seconds": 3}

    assert find_cache_expires_seconds(settings, "bucket") == 3
    assert find_cache_expires_seconds(settings, "collection", bucket_id="b") is None
