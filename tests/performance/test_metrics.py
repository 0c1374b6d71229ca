"""Metrics cost datagrams, but no round trip: requests go the same fast ways."""

from collections.abc import Callable, Iterator

import pytest

from tests.performance.conftest import MEASURED_REQUESTS, World
from tests.performance.test_round_trips import READS, WRITES, count_round_trips
from tests.support.statsd import StatsDListener, running_statsd


# What each must at least tell about the storage, in the guide's words.
STORAGE_TIMERS = {
    "get_record": "storage.get",
    "get_record_group": "permission.user_principals",
    "list_100": "storage.get_all",
    "list_filter_sort": "storage.get_all",
    "list_since": "storage.get_all",
    "post": "storage.create",
    "put_new": "storage.create",
    "put_existing": "storage.update",
    "patch": "storage.update",
    "delete": "storage.delete",
    "batch_25_put": "permission.check_permission",
}


@pytest.fixture(scope="module")
def listener() -> Iterator[StatsDListener]:
    with running_statsd() as listening:
        yield listening


@pytest.fixture(scope="module")
def world(make_world: Callable[..., World], listener: StatsDListener) -> World:
    return make_world(
        {"kinto.statsd_url": listener.url, "kinto.includes": "kinto.plugins.prometheus"}
    )


@pytest.mark.parametrize("name", STORAGE_TIMERS)
def test_measured_requests_keep_within_their_budgets(
    world: World, listener: StatsDListener, name: str
) -> None:
    counts = count_round_trips(world, name)

    assert max(counts) <= {**READS, **WRITES}[name], world.proxy.queries
    names = [each.name for each in listener.received()]
    assert names.count(f"kinto.{STORAGE_TIMERS[name]}") >= MEASURED_REQUESTS
