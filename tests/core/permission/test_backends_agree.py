"""Memory equals PostgreSQL after any sequence of operations on permissions."""

from typing import Any, ClassVar

import pytest
import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule
from pyramid import testing

from kinto.core.permission import PermissionBase, memory, postgresql
from kinto.core.storage.transactions import begin_request_scope


URIS = ("/b/a", "/b/a/c/1", "/b/ab", "/b/a_", "/c")
objects = st.sampled_from(URIS)
patterns = st.sampled_from(
    [*URIS, "/b/*", "/b/a*", "/b/a/*", "*/1", "*", "/b/*/c/*", "/b/__", "/%"]
)
permissions = st.sampled_from(["read", "write", "record:create"])
principals = st.sampled_from(["bob", "alice", "/b/a/groups/g", "/b/ab/groups/g", "a_b", "axb"])
users = st.sampled_from(["bob", "alice", "system.Authenticated"])
bound = st.lists(st.tuples(patterns, permissions), max_size=3)

writes: st.SearchStrategy[tuple[Any, ...]] = st.one_of(
    st.tuples(st.just("add_user_principal"), users, principals),
    st.tuples(st.just("remove_user_principal"), users, principals),
    st.tuples(st.just("remove_principal"), principals),
    st.tuples(st.just("remove_principals_below"), st.sampled_from(["/b/a/groups/", "a"])),
    st.tuples(st.just("add_principal_to_ace"), objects, permissions, principals),
    st.tuples(st.just("remove_principal_from_ace"), objects, permissions, principals),
    st.tuples(
        st.just("replace_object_permissions"),
        objects,
        st.dictionaries(permissions, st.lists(principals, max_size=3), max_size=2),
    ),
    st.tuples(st.just("delete_object_permissions"), patterns),
    st.tuples(st.just("delete_object_permissions"), patterns, patterns),
)


class PermissionBackends(RuleBasedStateMachine):
    """The same commands for both backends, each answer compared."""

    backends: ClassVar[tuple[PermissionBase, PermissionBase]]

    def __init__(self) -> None:
        super().__init__()
        for backend in self.backends:
            backend.flush()

    def compare(self, method: str, *args: Any, **kwargs: Any) -> None:
        first, second = (getattr(each, method)(*args, **kwargs) for each in self.backends)
        assert first == second, method

    @rule(write=writes)
    def write(self, write: tuple[Any, ...]) -> None:
        self.compare(*write)

    @rule(write=st.lists(writes, max_size=5), kept=st.integers(0, 5), is_committed=st.booleans())
    def request(self, write: list[tuple[Any, ...]], kept: int, is_committed: bool) -> None:
        """A request whose last writes are rolled back to a savepoint."""
        transaction.begin()
        begin_request_scope()
        try:
            for each in write[:kept]:
                self.compare(*each)
            savepoint = transaction.savepoint()
            for each in write[kept:]:
                self.compare(*each)
            savepoint.rollback()
            self.hold_the_same()
        except BaseException:
            transaction.abort()
            raise
        if is_committed:
            transaction.commit()
        else:
            transaction.abort()

    @rule(
        who=st.lists(principals, max_size=3),
        pairs=st.none() | bound,
        with_children=st.booleans(),
    )
    def accessible(self, who: list[str], pairs: Any, with_children: bool) -> None:
        self.compare("get_accessible_objects", who, pairs, with_children=with_children)

    @rule(pairs=bound, who=st.lists(principals, max_size=2))
    def authorized(self, pairs: Any, who: list[str]) -> None:
        self.compare("get_authorized_principals", pairs)
        self.compare("check_permission", who, pairs)

    @rule(uris=st.lists(objects, max_size=3), names=st.none() | st.lists(permissions, max_size=2))
    def permissions_of(self, uris: list[str], names: Any) -> None:
        self.compare("get_objects_permissions", uris, names)

    def teardown(self) -> None:
        self.hold_the_same()

    def hold_the_same(self) -> None:
        self.compare("get_objects_permissions", list(URIS))
        for user_id in ("bob", "alice", "system.Authenticated"):
            self.compare("get_user_principals", user_id)


PermissionBackends.TestCase.settings = settings(
    max_examples=50,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="class")
def _backends(postgresql_url: str) -> None:
    config = testing.setUp(settings={"permission_url": postgresql_url})
    made = (memory.load_from_config(config), postgresql.load_from_config(config))
    for backend in made:
        backend.initialize_schema()
    PermissionBackends.backends = made


@pytest.mark.usefixtures("_backends")
class TestMemoryEqualsPostgreSQL(PermissionBackends.TestCase):
    pass
