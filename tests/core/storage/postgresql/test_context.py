"""What a request has to know comes in one round trip, from one snapshot."""

from dataclasses import replace
from typing import Any

import pytest

from kinto.core.protocol.comparison import COMPARISON
from kinto.core.resource.listing import count_query
from kinto.core.storage import Filter
from kinto.core.storage.postgresql import Storage
from kinto.core.storage.protocols import (
    ConditionalWriter,
    ContextQuery,
    ContextReader,
    ListLocker,
    PageReader,
    StoredContext,
    SubtreeRemover,
)
from kinto.core.types import BoundPermission, ListKey, ObjectKey


BUCKET, COLLECTION = "/buckets/b", "/buckets/b/collections/c"
RECORD = f"{COLLECTION}/records/r"
RECORDS = ListKey("record", COLLECTION)


@pytest.fixture(scope="module")
def filled(storage: Storage) -> Storage:
    """A storage with permissions in its database."""
    with storage.client.connect() as session:
        for statement in (
            'CREATE TABLE user_principals (user_id TEXT COLLATE "C", principal TEXT,'
            " PRIMARY KEY (user_id, principal))",
            'CREATE TABLE access_control_entries (object_id TEXT COLLATE "C", permission TEXT,'
            " principal TEXT, PRIMARY KEY (object_id, permission, principal))",
            "INSERT INTO user_principals VALUES ('basicauth:alice', '/buckets/b/groups/g'),"
            " ('basicauth:bob', '/buckets/b/groups/other'),"
            " ('system.Authenticated', '/buckets/b/groups/all')",
            f"INSERT INTO access_control_entries VALUES ('{BUCKET}', 'write', 'basicauth:bob'),"
            f" ('{COLLECTION}', 'read', '/buckets/b/groups/g'),"
            f" ('{RECORD}', 'write', 'basicauth:alice'), ('{RECORD}', 'read', 'system.Everyone'),"
            f" ('{RECORD}x', 'write', 'basicauth:alice')",
        ):
            session.connection().exec_driver_sql(statement)
    storage.create("collection", BUCKET, {"id": "c", "schema": {}})
    storage.create(*RECORDS, {"id": "r", "title": "é"})
    return storage


def query(**changes: Any) -> ContextQuery:
    asked: dict[str, Any] = {
        "userid": "basicauth:alice",
        "principals": ("basicauth:alice", "system.Authenticated", "system.Everyone"),
        "uris": (BUCKET, COLLECTION, RECORD),
        "target": RECORDS,
        "object_id": "r",
        "object_uri": RECORD,
        "owner": ObjectKey("collection", BUCKET, "c"),
    }
    return ContextQuery(**{**asked, **changes})


@pytest.mark.parametrize("with_timestamp", [False, True])
@pytest.mark.parametrize("for_write", [False, True])
def test_the_context_of_a_record(filled: Storage, for_write: bool, with_timestamp: bool) -> None:
    context = filled.fetch_context(query(), for_write=for_write, with_timestamp=with_timestamp)

    assert context == StoredContext(
        groups=frozenset({"/buckets/b/groups/g", "/buckets/b/groups/all"}),
        granted=frozenset(
            {
                BoundPermission(COLLECTION, "read"),
                BoundPermission(RECORD, "write"),
                BoundPermission(RECORD, "read"),
            }
        ),
        obj=filled.get(*RECORDS, "r"),
        permissions={"write": {"basicauth:alice"}, "read": {"system.Everyone"}},
        owner=filled.get("collection", BUCKET, "c"),
        timestamp=filled.resource_timestamp(*RECORDS) if with_timestamp else None,
    )


def test_where_there_is_no_object_the_list_tells_its_timestamp(filled: Storage) -> None:
    context = filled.fetch_context(query(object_id="unknown"), with_timestamp=False)
    assert context.timestamp == filled.resource_timestamp(*RECORDS)


def test_servers_that_were_not_upgraded_are_answered(filled: Storage) -> None:
    call = (
        "SELECT list_epoch FROM kinto_fetch_context("
        f"'{{}}', '{{}}', '{{}}', NULL, 'record', '{COLLECTION}', 'r', NULL, NULL, NULL)"
    )
    with filled.client.connect(readonly=True) as session:
        row = session.connection().exec_driver_sql(call).one()
    assert row == (filled.resource_timestamp(*RECORDS),)


def test_an_anonymous_request_has_no_groups(filled: Storage) -> None:
    context = filled.fetch_context(query(userid=None, principals=("system.Everyone",)))
    assert context.groups == frozenset()
    assert context.granted == {BoundPermission(RECORD, "read")}


def test_what_is_missing_is_none(filled: Storage) -> None:
    missing = ObjectKey("collection", BUCKET, "unknown")
    context = filled.fetch_context(
        query(object_id="unknown", object_uri=f"{COLLECTION}/records/unknown", owner=missing)
    )
    assert (context.obj, context.owner, context.permissions) == (None, None, {})


def test_a_tombstone_is_missing(filled: Storage) -> None:
    filled.create(*RECORDS, {"id": "gone"})
    gone = filled.delete(*RECORDS, "gone")
    context = filled.fetch_context(query(object_id="gone"))
    assert context.obj is None
    assert context.timestamp == gone["last_modified"]


def test_little_is_given_where_little_is_asked(filled: Storage) -> None:
    bare = ContextQuery(userid=None, principals=(), uris=(), target=ListKey("record", "/nowhere"))
    context = filled.fetch_context(bare)
    assert context == StoredContext(timestamp=context.timestamp)
    assert context.timestamp == filled.list_page("record", "/nowhere").timestamp > 0


@pytest.mark.parametrize(
    "protocol", [ContextReader, PageReader, ListLocker, ConditionalWriter, SubtreeRemover]
)
def test_the_storage_offers_the_finer_protocols(filled: Storage, protocol: type) -> None:
    assert isinstance(filled, protocol)


@pytest.mark.parametrize(
    ("filters", "count"), [([], 1), ([Filter("title", "e", COMPARISON.EQ)], 0)], ids=["all", "few"]
)
def test_a_count_comes_along_for_who_may_read_the_list(
    filled: Storage, filters: list[Filter], count: int
) -> None:
    asked = replace(count_query(filters), granted_by=(BoundPermission(COLLECTION, "read"),))
    assert filled.fetch_context(query(), page=asked).count == count
    anonymous = query(userid=None, principals=("system.Everyone",))
    context = filled.fetch_context(anonymous, page=asked)
    assert (context.count, context.page) == (None, None)
