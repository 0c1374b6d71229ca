"""Memory equals PostgreSQL after any sequence of operations, timestamps apart."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, ClassVar

import pytest
import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule
from pyramid import testing

from kinto.core.storage import Filter, StorageBase, exceptions, memory, postgresql
from kinto.core.storage.transactions import begin_request_scope
from kinto.core.types import ListKey
from tests.core.storage import commands


EXPECTED = (exceptions.BackendError, exceptions.RecordNotFoundError)


def resolve(value: Any, storage: StorageBase, where: dict[str, Any]) -> Any:
    """Arguments with the timestamps of this very storage in them."""
    if isinstance(value, commands.TimestampOf):
        listed = storage.list_all(include_deleted=True, **where)
        return listed[value.position % len(listed)]["last_modified"] if listed else 7
    if isinstance(value, Filter):
        return value._replace(value=resolve(value.value, storage, where))
    if isinstance(value, dict):
        return {name: resolve(member, storage, where) for name, member in value.items()}
    if isinstance(value, list):
        return [resolve(member, storage, where) for member in value]
    return value


def undated(answer: Any) -> Any:
    """An answer without its timestamps, which differ between backends."""
    if isinstance(answer, list):
        return [undated(member) for member in answer]
    if isinstance(answer, dict):
        return {name: undated(value) for name, value in answer.items() if name != "last_modified"}
    # Large numbers come back from PostgreSQL in full.
    is_large = isinstance(answer, float) and abs(answer) >= 2**53
    return int(Decimal(repr(answer))) if is_large else answer


def outcome(storage: StorageBase, method: str, arguments: dict[str, Any]) -> Any:
    """What a method answers, or the exception that it raises."""
    where = {name: arguments.get(name) for name in ("resource_name", "parent_id")}
    try:
        return getattr(storage, method)(**resolve(arguments, storage, where))
    except EXPECTED as error:
        return type(error)


def unordered(objects: Any) -> Any:
    """For lists of several parents: timestamps of different parents are not comparable."""
    if not isinstance(objects, list):
        return objects
    # PostgreSQL gives the keys of an object an order of its own.
    return sorted(objects, key=lambda obj: repr(sorted(obj.items(), key=repr)))


class Storages(RuleBasedStateMachine):
    """The same commands for both backends, each answer compared."""

    postgresql_url: ClassVar[str]
    storages: ClassVar[tuple[StorageBase, StorageBase]]

    def __init__(self) -> None:
        super().__init__()
        for storage in self.storages:
            storage.flush()

    def compare(
        self,
        method: str,
        arguments: dict[str, Any],
        *,
        normalized: Callable[[Any], Any] = lambda answer: answer,
    ) -> Any:
        first, second = (outcome(each, method, arguments) for each in self.storages)
        assert normalized(undated(first)) == normalized(undated(second)), method
        return first

    @rule(write=commands.writes)
    def write(self, write: tuple[str, dict[str, Any]]) -> None:
        self.compare(*write)

    @rule(
        resource_name=st.none() | commands.resources,
        parent_id=commands.parents_or_patterns,
        filters=commands.filters,
        with_deleted=st.booleans(),
    )
    def delete_below(self, **arguments: Any) -> None:
        arguments["filters"] = [
            each for each in arguments["filters"] if each.field != "last_modified"
        ]
        self.compare("delete_all", arguments, normalized=unordered)

    @rule(
        resource_name=st.none() | commands.resources,
        parent_id=commands.parents_or_patterns,
        limits=st.sampled_from([{}, {"max_retained": 1}, {"max_retained": 0}, {"before": 9}]),
    )
    def purge(self, resource_name: str | None, parent_id: str, limits: dict[str, int]) -> None:
        arguments = {"resource_name": resource_name, "parent_id": parent_id, **limits}
        self.compare("purge_deleted", arguments)

    @rule(parent_uri=commands.parents)
    def remove_subtree(self, parent_uri: str) -> None:
        self.compare("remove_subtree", {"parent_uri": parent_uri})

    @rule(parent_id=commands.parents)
    def add_lists(self, parent_id: str) -> None:
        keys = [ListKey(name, parent_id) for name in commands.RESOURCES]
        self.compare("add_lists", {"keys": keys})

    @rule(
        resource_name=commands.resources,
        parent_id=commands.parents,
        filters=commands.filters,
        sorting=commands.sortings,
        pagination_rules=commands.rules,
        limit=commands.limits,
        include_deleted=st.booleans(),
    )
    def list_all(self, **arguments: Any) -> None:
        self.compare("list_all", arguments)
        del arguments["limit"], arguments["pagination_rules"], arguments["sorting"]
        self.compare("count_all", arguments)

    @rule(
        resource_name=commands.resources,
        parent_id=commands.parents_or_patterns,
        filters=commands.filters,
        pagination_rules=commands.rules,
        include_deleted=st.booleans(),
    )
    def list_below(self, **arguments: Any) -> None:
        arguments["filters"] = [
            each for each in arguments["filters"] if each.field != "last_modified"
        ]
        self.compare("list_all", arguments, normalized=unordered)

    @rule(
        resource_name=commands.resources,
        parent_id=commands.parents,
        object_id=commands.identifiers,
    )
    def get(self, **arguments: Any) -> None:
        self.compare("get", arguments)

    @rule(writes=st.lists(commands.writes, max_size=4), is_committed=st.booleans())
    def request(self, writes: list[tuple[str, dict[str, Any]]], is_committed: bool) -> None:
        """A request: what it refuses is rolled back to a savepoint."""
        transaction.begin()
        begin_request_scope()
        try:
            for write in writes:
                savepoint = transaction.savepoint()
                answer = self.compare(*write)
                if isinstance(answer, type):
                    savepoint.rollback()
        except BaseException:
            transaction.abort()
            raise
        if is_committed:
            transaction.commit()
        else:
            transaction.abort()

    def teardown(self) -> None:
        self.hold_the_same()

    def hold_the_same(self) -> None:
        for resource_name in commands.RESOURCES:
            first, second = (
                each.all_resources_timestamps(resource_name) for each in self.storages
            )
            assert first.keys() == second.keys()
            for parent_id in commands.PARENTS:
                where = {"resource_name": resource_name, "parent_id": parent_id}
                self.compare("list_all", {**where, "include_deleted": True})


Storages.TestCase.settings = settings(
    max_examples=50,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="class")
def _storages(request: pytest.FixtureRequest, postgresql_url: str) -> None:
    stored = []
    for backend, configured in (
        (memory, {}),
        (postgresql, {"storage_url": postgresql_url}),
    ):
        config = testing.setUp(settings=configured)
        storage = backend.load_from_config(config)
        storage.initialize_schema()
        stored.append(storage)
    Storages.storages = (stored[0], stored[1])


@pytest.mark.usefixtures("_storages")
class TestMemoryEqualsPostgreSQL(Storages.TestCase):
    pass
