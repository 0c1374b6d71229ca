"""Settings of PostgreSQL clients."""

import time
from typing import Any

import pytest
from pyramid.exceptions import ConfigurationError
from sqlalchemy.pool import NullPool, StaticPool

from kinto.core.postgresql.config import connect_arguments, normalize_url, read_settings
from kinto.core.postgresql.driver import DriverOptions
from kinto.core.postgresql.limits import TimeLimits
from kinto.core.postgresql.pool import QueuePoolWithMaxBacklog


URL = "postgresql+psycopg2://user:secret@host/db"


def read(**settings: Any) -> Any:
    prefixed = {f"storage_{name}": value for name, value in settings.items()}
    return read_settings({"cache_pool_size": 3, **prefixed}, "storage_", url=URL)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            "postgres://u:p@h:1/d?sslmode=require",
            "postgresql+psycopg2://u:p@h:1/d?sslmode=require",
        ),
        ("postgresql:///d", "postgresql+psycopg2:///d"),
        ("postgresql+psycopg2://h/d", "postgresql+psycopg2://h/d"),
        ("postgresql+pg8000://h/d", "postgresql+pg8000://h/d"),
    ],
)
def test_driver_is_psycopg2_unless_named(given: str, expected: str) -> None:
    assert normalize_url(given) == expected


def test_defaults() -> None:
    settings = read(url=URL, backend="kinto.core.storage.postgresql", max_fetch_size=3)

    assert settings.driver == DriverOptions(limits=TimeLimits(2, 5, 30, 3, 3))
    assert settings.engine == {
        "poolclass": QueuePoolWithMaxBacklog,
        "pool_size": 25,
        "max_overflow": 5,
        "pool_recycle": -1,
        "max_backlog": -1,
        "pool_use_lifo": True,
        "pool_timeout": 3,
        "use_native_hstore": False,
        "hide_parameters": True,
    }


def test_text_is_converted_and_the_rest_is_passed_on() -> None:
    settings = read(
        pool_size="50", pool_timeout="0.5", max_backlog="7", echo="true", hide_parameters="no",
        pool_pre_ping="false",
    )  # fmt: skip

    assert settings.driver.limits.pool_seconds == 0.5
    assert settings.engine["pool_size"] == 50
    assert settings.engine["pool_timeout"] == 0.5
    assert settings.engine["max_backlog"] == 7
    assert settings.engine["echo"] is True
    assert settings.engine["pool_pre_ping"] is False
    assert settings.engine["hide_parameters"] is False


@pytest.mark.parametrize("poolclass", [NullPool, StaticPool])
def test_pool_gets_the_options_that_it_knows(poolclass: type) -> None:
    settings = read(poolclass=f"sqlalchemy.pool.{poolclass.__name__}", pool_size=50, max_backlog=1)

    assert settings.engine == {
        "poolclass": poolclass,
        "pool_recycle": -1,
        "use_native_hstore": False,
        "hide_parameters": True,
    }


def test_nothing_is_prepared_behind_pgbouncer() -> None:
    driver = read(poolclass="sqlalchemy.pool.NullPool", prepared_statements=True).driver

    assert (driver.prepared, driver.limits_in_statements) == (False, True)
    assert driver.startup_options() == ""


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("pool_size", "many"),
        ("statement_timeout", "5s"),
        ("isolation_level", "CHAOS"),
        ("poolclass", "sqlalchemy.pool.nothing"),
        ("poolclass", "nothing.at.all"),
    ],
)
def test_bad_value_is_named(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=f"storage_{name}: '{value}'"):
        read(**{name: value})


@pytest.mark.parametrize(
    ("level", "begin"),
    [
        (None, b"BEGIN"),
        ("AUTOCOMMIT", b"BEGIN"),
        ("repeatable_read", b"BEGIN ISOLATION LEVEL REPEATABLE READ"),
    ],
)
def test_isolation_level_is_that_of_transactions(level: str | None, begin: bytes) -> None:
    assert read(isolation_level=level).driver.begin_sql() == begin


def test_limits_are_asked_for_when_connecting_before_those_of_the_url() -> None:
    arguments = connect_arguments(
        {"host": "h", "options": "-c search_path=kinto", "keepalives_idle": 5}, DriverOptions()
    )

    assert arguments["options"] == (
        "-c statement_timeout=3750 -c lock_timeout=3000 -c jit=off -c search_path=kinto"
    )
    assert arguments["keepalives_idle"] == 5


@pytest.mark.parametrize(
    ("seconds", "of_server", "ours"), [(5, 3.75, 4.25), (30, 28.75, 29.25), (1, 0.5, 1)]
)
def test_server_gives_up_before_we_do_within_the_limit(
    seconds: float, of_server: float, ours: float
) -> None:
    limits = TimeLimits(statement_seconds=seconds, long_statement_seconds=seconds)
    now = time.monotonic()

    assert limits.server_seconds == limits.long_server_seconds == of_server
    assert limits.statement_deadline() - now == pytest.approx(ours, abs=0.2)
    assert limits.statement_deadline(is_long=True) - now == pytest.approx(ours, abs=0.2)


def test_zero_is_no_limit() -> None:
    limits = TimeLimits(0, 0, 0, 0, 0)

    assert limits.connect_deadline() == limits.statement_deadline(is_long=True) == float("inf")
    options = DriverOptions(limits).startup_options()
    assert options.startswith("-c statement_timeout=0 -c lock_timeout=0 ")


def test_password_is_not_shown() -> None:
    assert "secret" not in repr(read())
