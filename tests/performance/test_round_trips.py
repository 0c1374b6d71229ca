"""No request waits for PostgreSQL more often than its budget allows.

The reference waits 3 times for hello, 9 to 11 for reads, 14 to 17 for writes, 329 for a batch.
"""

from collections.abc import Callable

import pytest
from pyramid.config import Configurator

from benchmarks.workload import BIG_COLLECTION, OWNER, READER, records_path
from kinto.core.events import ResourceChanged, ResourceRead
from tests.performance.conftest import MEASURED_REQUESTS, RECORDS, WARM_UP_REQUESTS, World


# Round trips for each kind of request, BEGIN and COMMIT included. Lower a number when the code
# has become better than it; the comment is where the design wants it.
READS = {
    "hello": 1,
    "get_record": 1,
    "get_record_group": 1,
    "get_record_304": 1,
    "list_100": 1,
    "list_100_group": 1,
    "list_filter_sort": 1,
    "list_since": 1,
    "list_304": 1,
    "walk_pages": 1,
    "list_all_10k": 1,
}
WRITES = {
    "post": 2,
    "put_new": 2,
    "put_new_same": 2,
    "put_existing": 2,
    "patch": 2,
    "delete": 2,
    "batch_25_put": 2,
}


@pytest.fixture(scope="module")
def world(make_world: Callable[..., World]) -> World:
    return make_world()


@pytest.fixture(scope="module")
def read_only_world(make_world: Callable[..., World]) -> World:
    """Its database refuses writes, so that no answer can owe anything to one."""
    world = make_world()
    world.refuse_writes()
    return world


def count_round_trips(world: World, name: str) -> list[int]:
    """Of some requests, one after the other, once all is warm."""
    sequence = world.warm_up(world.scenarios[name])
    counts = []
    for _ in range(MEASURED_REQUESTS):
        world.proxy.forget()
        sequence.send_next()
        counts.append(world.proxy.round_trips)
    return counts


@pytest.mark.parametrize("name", READS)
def test_reads_keep_within_their_budget_and_write_nothing(
    read_only_world: World, name: str
) -> None:
    counts = count_round_trips(read_only_world, name)

    assert max(counts) <= READS[name], read_only_world.proxy.queries
    assert not {"BEGIN", "COMMIT", "ROLLBACK"} & set(read_only_world.proxy.tags)


@pytest.mark.parametrize("name", WRITES)
def test_writes_keep_within_their_budget(world: World, name: str) -> None:
    counts = count_round_trips(world, name)

    assert max(counts) <= WRITES[name], world.proxy.queries


def test_a_batch_is_one_transaction(world: World) -> None:
    count_round_trips(world, "batch_25_put")

    assert world.proxy.tags.count("BEGIN") == world.proxy.tags.count("COMMIT") == 1


@pytest.mark.parametrize("query", ["", "?n=5", "?_since=5"], ids=["all", "filter", "since"])
@pytest.mark.parametrize("user", [OWNER, READER])
def test_head_of_a_list_keeps_within_one_round_trip(
    read_only_world: World, query: str, user: str
) -> None:
    path = records_path(BIG_COLLECTION, query)
    for _ in range(WARM_UP_REQUESTS):
        read_only_world.send(user, "HEAD", path)
    read_only_world.proxy.forget()

    reply = read_only_world.send(user, "HEAD", path)

    assert read_only_world.proxy.round_trips == 1, read_only_world.proxy.queries
    assert reply.headers["Total-Objects"] == ("1" if query == "?n=5" else str(RECORDS))


def test_every_scenario_has_a_budget(world: World) -> None:
    assert {*READS, *WRITES} == set(world.scenarios)


@pytest.mark.parametrize(
    "name", ["get_record", "get_record_304", "put_existing", "patch", "delete"]
)
def test_no_list_is_asked_for_its_timestamp_to_tell_nobody(world: World, name: str) -> None:
    """It costs a tenth of what PostgreSQL does to read an object."""
    count_round_trips(world, name)

    read = world.proxy.queries[0]
    assert 'EXECUTE "kinto_fetch_context"(' in read, world.proxy.queries


def listen(config: Configurator) -> None:
    """Listen to all that happens to records, without doing anything."""
    for event in (ResourceRead, ResourceChanged):
        config.add_subscriber(lambda event: None, event, for_resources=("record",))


def test_who_listens_costs_reads_none_and_writes_a_commit(
    make_world: Callable[..., World],
) -> None:
    world = make_world({"kinto.includes": f"{__name__}.{listen.__name__}"})

    for name in ("get_record", "list_100"):
        assert max(count_round_trips(world, name)) <= 1, world.proxy.queries
    for name in ("put_new", "put_existing", "patch", "delete"):
        assert max(count_round_trips(world, name)) <= 3, world.proxy.queries


def test_checking_schemas_adds_no_round_trip(make_world: Callable[..., World]) -> None:
    world = make_world({"experimental_collection_schema_validation": True})

    counts = {name: max(count_round_trips(world, name)) for name in WRITES}

    assert counts == WRITES
