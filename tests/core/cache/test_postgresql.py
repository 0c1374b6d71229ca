"""The cache in PostgreSQL keeps the contract."""

import logging
import unittest
from collections.abc import Iterator
from time import monotonic
from unittest import mock

import pytest
import sqlalchemy
import sqlalchemy.exc
import transaction
from pyramid import testing

from kinto.core.cache import postgresql
from kinto.core.cache.testing import CacheTest
from kinto.core.storage.transactions import begin_request_scope


@pytest.fixture(scope="class")
def cache_settings(request: pytest.FixtureRequest, postgresql_url: str) -> None:
    request.cls.settings = {"cache_url": postgresql_url}


@pytest.mark.usefixtures("cache_settings")
class PostgreSQLCacheTest(CacheTest, unittest.TestCase):
    backend = postgresql

    def setUp(self) -> None:
        super().setUp()
        self.client_error_patcher = mock.patch.object(
            self.cache.client, "session_factory", side_effect=sqlalchemy.exc.SQLAlchemyError
        )


@pytest.fixture
def cache(postgresql_url: str) -> Iterator[postgresql.Cache]:
    config = testing.setUp(settings={"cache_url": postgresql_url})
    cache = postgresql.load_from_config(config)
    cache.initialize_schema()
    yield cache
    cache.flush()


def count_rows(cache: postgresql.Cache) -> int:
    with cache.client.connect() as session:
        count: int = session.execute(sqlalchemy.text("SELECT COUNT(*) FROM cache")).scalar_one()
    return count


def test_values_survive_the_rollback_of_a_request(cache: postgresql.Cache) -> None:
    transaction.begin()
    begin_request_scope()
    cache.set("key", "value", 10)
    transaction.abort()

    assert cache.get("key") == "value"


def test_expired_keys_are_cleaned_now_and_then(cache: postgresql.Cache) -> None:
    cache.set("old", 1, 0)
    cache.set("new", 2, 10)
    assert count_rows(cache) == 2

    cache._clean_at = monotonic()
    cache.set("new", 3, 10)
    cache.set("old", 1, 0)

    assert count_rows(cache) == 2
    assert cache._clean_at > monotonic()
    assert cache.get("new") == 3


def test_long_keys_that_differ_at_their_end_are_different(cache: postgresql.Cache) -> None:
    cache.set("k" * 300 + "1", 1, 10)
    cache.set("k" * 300 + "2", 2, 10)

    assert (cache.get("k" * 300 + "1"), cache.get("k" * 300 + "2")) == (1, 2)


def test_schema_is_made_once(cache: postgresql.Cache, caplog: pytest.LogCaptureFixture) -> None:
    with cache.client.connect() as session:
        session.execute(sqlalchemy.text("DROP TABLE cache"))
    with caplog.at_level(logging.INFO), mock.patch.object(postgresql, "logger") as logger:
        cache.initialize_schema(dry_run=True)
        cache.initialize_schema()
        cache.initialize_schema()

    assert [call.args[0] for call in logger.info.call_args_list] == [
        "Created PostgreSQL cache tables",
        "Created PostgreSQL cache tables",
        "PostgreSQL cache schema is up-to-date.",
    ]
    assert count_rows(cache) == 0
