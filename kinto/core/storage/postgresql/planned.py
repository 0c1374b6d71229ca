"""Reading for a plan, writing what was planned: one statement for any number of objects.

See :mod:`.plan`.
"""

from collections.abc import Sequence
from typing import Any

from kinto.core.postgresql.arrays import ArrayText, number_array, text_array
from kinto.core.postgresql.connection import Connection
from kinto.core.postgresql.statements import Mergeable, Params, Statement
from kinto.core.storage.postgresql.plan import (
    KnownRow,
    PlannedWrite,
    Snapshot,
    newest_by_list,
)
from kinto.core.storage.protocols import ContextQuery
from kinto.core.types import ListKey, ObjectKey


_FETCH_TYPES = {
    "user_ids": "text[]",
    "principals": "text[]",
    "ancestors": "text[]",
    "object_uris": "text[]",
    "names": "text[]",
    "parents": "text[]",
    "ids": "text[]",
    "list_names": "text[]",
    "list_parents": "text[]",
}
_FETCH = Statement(
    "kinto_fetch_contexts",
    """
    SELECT r_kind, r_n, r_epoch, r_deleted, r_a, r_b
      FROM kinto_fetch_contexts(
        %(user_ids)s, %(principals)s, %(ancestors)s, %(object_uris)s,
        %(names)s, %(parents)s, %(ids)s, %(list_names)s, %(list_parents)s)
    """,
    types=_FETCH_TYPES,
)

_WRITE = Statement(
    "kinto_write_objects",
    """
    SELECT kinto_write_objects(
        %(names)s, %(parents)s, %(ids)s, %(epochs)s, %(previous)s, %(data)s,
        %(list_names)s, %(list_parents)s, %(list_epochs)s, %(list_growth)s,
        %(owner_names)s, %(owner_parents)s, %(owner_ids)s)
    """,
    types={
        "names": "text[]",
        "parents": "text[]",
        "ids": "text[]",
        "epochs": "bigint[]",
        "previous": "bigint[]",
        "data": "text[]",
        "list_names": "text[]",
        "list_parents": "text[]",
        "list_epochs": "bigint[]",
        "list_growth": "bigint[]",
        "owner_names": "text[]",
        "owner_parents": "text[]",
        "owner_ids": "text[]",
    },
)


def read_snapshot(
    connection: Connection,
    queries: Sequence[ContextQuery],
    *,
    written: Sequence[ListKey],
    user_ids: Sequence[str],
) -> Snapshot:
    """What all the queries, of one user, have to know.

    :param written: lists that are locked.
    :param user_ids: whose groups are to be looked up.
    """
    first = queries[0]
    uris = {query.object_uri for query in queries if query.object_uri is not None}
    uris |= {uri for query in queries for _, uri in query.others}
    object_uris = list(uris)
    ancestors = list({uri for query in queries for uri in query.uris} - uris)
    lists = list({query.target for query in queries})
    keys = list(_keys(queries))
    rows = connection.fetch_all(
        _FETCH,
        {
            "user_ids": text_array(user_ids),
            "principals": text_array(first.principals),
            "ancestors": text_array(ancestors),
            "object_uris": text_array(object_uris),
            **_columns(keys, prefix=""),
            **_list_columns(lists),
        },
    )
    snapshot = Snapshot(
        userid=first.userid,
        principals=frozenset(first.principals),
        granted={uri: set() for uri in ancestors},
        aces={uri: {} for uri in object_uris},
        rows=dict.fromkeys(keys),
    )
    groups = set()
    for kind, n, epoch, is_deleted, a, b in rows:
        if kind == "object":
            snapshot.rows[keys[n - 1]] = KnownRow(epoch, None if is_deleted else a)
        elif kind == "ace":
            snapshot.aces[object_uris[n - 1]].setdefault(a, set()).add(b)
        elif kind == "granted":
            snapshot.granted[ancestors[n - 1]].add(a)
        elif kind == "list":
            key = lists[n - 1]
            timestamps = snapshot.locked if key in written else snapshot.unlocked
            timestamps[key] = epoch
        elif kind == "group":
            groups.add(a)
        else:
            snapshot.now = epoch
    snapshot.groups = frozenset(groups)
    return snapshot


def _keys(queries: Sequence[ContextQuery]) -> set[ObjectKey]:
    addressed = {
        ObjectKey(*query.target, query.object_id)
        for query in queries
        if query.object_id is not None
    }
    others = {
        ObjectKey(*query.target, object_id) for query in queries for object_id, _ in query.others
    }
    above = {key for query in queries for key in (query.owner, query.consulted)}
    return addressed | others | {key for key in above if key is not None}


def _merge_writes(writes: Sequence[Any]) -> tuple[Statement, Params]:
    """One statement for writes in their order; of one object, the last counts."""
    last: dict[ObjectKey, PlannedWrite] = {}
    previous: dict[ObjectKey, int | None] = {}
    for write in writes:
        previous.setdefault(write.key, write.previous)
        last[write.key] = write
    lists = newest_by_list(writes)
    owners = list({write.owner for write in writes if write.owner is not None})
    return _WRITE, {
        **_columns(list(last), prefix=""),
        "epochs": number_array([write.epoch for write in last.values()]),
        "previous": number_array([previous[key] for key in last]),
        "data": text_array([write.data for write in last.values()]),
        **_list_columns(list(lists)),
        "list_epochs": number_array([epoch for epoch, _ in lists.values()]),
        "list_growth": number_array([growth for _, growth in lists.values()]),
        **_columns(owners, prefix="owner_"),
    }


def _columns(keys: Sequence[ObjectKey], *, prefix: str) -> dict[str, ArrayText]:
    return {
        f"{prefix}names": text_array([key.resource_name for key in keys]),
        f"{prefix}parents": text_array([key.parent_id for key in keys]),
        f"{prefix}ids": text_array([key.object_id for key in keys]),
    }


def _list_columns(keys: Sequence[ListKey]) -> dict[str, ArrayText]:
    return {
        "list_names": text_array([key.resource_name for key in keys]),
        "list_parents": text_array([key.parent_id for key in keys]),
    }


WRITES = Mergeable(_merge_writes)
