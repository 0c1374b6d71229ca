"""What a batch knows under the locks of its lists: contexts of its items, outcomes of its writes.

As nobody else can write to a locked list, its next timestamps are known to this process, and so
is the outcome of a write: nothing has to be asked. Such writes wait in the queue of the
connection, where those of one kind become one statement (:mod:`.planned`), which checks that
everything was as foreseen.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import NamedTuple

from kinto.core.storage.matching import FieldNames
from kinto.core.storage.postgresql.rows import one_object
from kinto.core.storage.protocols import ContextQuery, PlannedObject, StoredContext
from kinto.core.types import (
    BoundPermission,
    KintoObject,
    ListKey,
    ObjectKey,
    Permissions,
    Timestamp,
)


class KnownRow(NamedTuple):
    """A row of ``objects``; ``data`` is ``None`` for a tombstone."""

    epoch: int
    data: str | None


class PlannedWrite(NamedTuple):
    """An object to be written, over the row that has the timestamp ``previous``, if any.

    :param data: JSON text; ``None`` for a tombstone.
    """

    key: ObjectKey
    list_key: ListKey
    epoch: int
    previous: int | None
    data: str | None
    growth: int
    owner: ObjectKey | None


@dataclass(slots=True)
class Snapshot:
    """What was read at once, for one user.

    :param asked: principals that were known before, and whether groups were asked for.
    :param granted: permissions on each ancestor that the user holds.
    :param aces: every permission of each object addressed.
    :param rows: every object addressed, owner or consulted; ``None`` where there is no row.
    :param locked: timestamps of the lists that are locked.
    :param unlocked: those of lists that are only read.
    :param now: the clock of the server, in ms since the epoch.
    """

    userid: str | None
    principals: frozenset[str]
    groups: frozenset[str] = frozenset()
    granted: dict[str, set[str]] = field(default_factory=dict)
    aces: dict[str, Permissions] = field(default_factory=dict)
    rows: dict[ObjectKey, KnownRow | None] = field(default_factory=dict)
    locked: dict[ListKey, int] = field(default_factory=dict)
    unlocked: dict[ListKey, int] = field(default_factory=dict)
    now: int = 0


class WritePlan:
    """The state of the locked lists, as this transaction leaves it.

    :ivar version: counts the writes.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._holders = snapshot.principals | snapshot.groups
        # Items of a batch have most of their ancestors in common.
        self._granted: dict[tuple[str, ...], frozenset[BoundPermission] | None] = {}
        self._above: dict[ObjectKey, KintoObject] = {}
        self._read_at = monotonic()
        self._written: set[ObjectKey] = set()
        self._rewritten_uris: set[str] = set()
        self.version = 0

    # -- contexts -----------------------------------------------------------------------

    def find_context(self, query: ContextQuery, *, names: FieldNames) -> StoredContext | None:
        """The answer to a query; ``None`` when the database has to be asked.

        That is so for what was not foreseen, and for what this transaction has changed.
        """
        snapshot = self._snapshot
        timestamp = snapshot.locked.get(query.target) or snapshot.unlocked.get(query.target)
        if timestamp is None or not self._is_of_same_user(query):
            return None
        if not self._rewritten_uris.isdisjoint(query.uris):
            return None
        if query.object_uri is not None and query.object_uri not in snapshot.aces:
            return None
        granted = self._find_granted(query)
        if granted is None:
            return None
        key = None if query.object_id is None else ObjectKey(*query.target, query.object_id)
        for each in (key, query.owner, query.consulted):
            if each is not None and (each in self._written or each not in snapshot.rows):
                return None
        context = StoredContext(
            groups=snapshot.groups,
            granted=granted,
            timestamp=Timestamp(timestamp),
        )
        if key is not None and query.object_uri is not None:
            row = snapshot.rows[key]
            if row is not None and row.data is not None:
                context.obj = one_object(row.data, key.object_id, row.epoch, names=names)
                context.permissions = snapshot.aces[query.object_uri]
        if query.owner is not None:
            context.owner = self._find_above(query.owner, names=names)
        if query.consulted is not None:
            context.consulted = self._find_above(query.consulted, names=names)
        return context

    def find_object(
        self, key: ObjectKey, uri: str, *, above: frozenset[tuple[str, str]]
    ) -> PlannedObject | None:
        """What was read of an object; ``None`` where this transaction has changed it.

        :param above: what is granted on its ancestors.
        """
        snapshot = self._snapshot
        permissions = snapshot.aces.get(uri)
        if permissions is None or uri in self._rewritten_uris:
            return None
        if key in self._written or key not in snapshot.rows:
            return None
        granted = above
        if permissions:
            granted |= self._granted_on((uri,)) or frozenset()
        return PlannedObject(key, self._live_epoch(key), permissions, granted)

    def _find_above(self, key: ObjectKey, *, names: FieldNames) -> KintoObject | None:
        known = self._above.get(key)
        if known is None:
            row = self._snapshot.rows[key]
            if row is None or row.data is None:
                return None
            known = one_object(row.data, key.object_id, row.epoch, names=names)
            self._above[key] = known
        return dict(known)

    def _is_of_same_user(self, query: ContextQuery) -> bool:
        """Whether the ACEs that were read are those that the query's principals hold."""
        snapshot = self._snapshot
        if query.userid is not None:
            return query.userid == snapshot.userid and snapshot.principals == {*query.principals}
        # Who asks has learnt of the groups already, or is nobody.
        return self._holders == {*query.principals}

    def _find_granted(self, query: ContextQuery) -> frozenset[BoundPermission] | None:
        above, own = query.uris[:-1], query.uris[-1:]
        if above not in self._granted:
            self._granted[above] = self._granted_on(above)
        granted = self._granted[above]
        # An object that is new has no permissions.
        if granted is None or (own and self._snapshot.aces.get(own[0]) == {}):
            return granted
        further = self._granted_on(own)
        return None if further is None else granted | further

    def _granted_on(self, uris: Iterable[str]) -> frozenset[BoundPermission] | None:
        """What is granted on these objects; ``None`` where the database has to be asked."""
        snapshot = self._snapshot
        granted: list[BoundPermission] = []
        for uri in uris:
            aces = snapshot.aces.get(uri)
            if aces is None:
                names: Iterable[str] | None = snapshot.granted.get(uri)
                if names is None:
                    return None
            else:
                names = [each for each in aces if not self._holders.isdisjoint(aces[each])]
            granted += [BoundPermission(uri, name) for name in names]
        return frozenset(granted)

    # -- writes -------------------------------------------------------------------------

    def plan(
        self, key: ObjectKey, data: str | None, *, expected: int | None, owner: ObjectKey | None
    ) -> PlannedWrite | None:
        """A write of which nothing is in doubt; ``None`` when the database has to decide.

        :param data: JSON text; ``None`` for a tombstone.
        :param expected: the timestamp of the live object to replace; ``None``: there is none.
        :param owner: an object that must be live.
        """
        snapshot = self._snapshot
        list_key = ListKey(key.resource_name, key.parent_id)
        if list_key not in snapshot.locked or self._live_epoch(key) != expected:
            return None
        if owner is not None and self._live_epoch(owner) is None:
            return None
        return self.note(key, list_key, data, owner=owner)

    def note(
        self, key: ObjectKey, list_key: ListKey, data: str | None, *, owner: ObjectKey | None
    ) -> PlannedWrite:
        """The same, of what is known to be as foreseen already, in a list that is locked."""
        snapshot = self._snapshot
        row = snapshot.rows.get(key)
        previous, is_live = (None, False) if row is None else (row.epoch, row.data is not None)
        epoch = max(snapshot.locked[list_key] + 1, self._now())
        growth = (data is not None) - is_live
        write = PlannedWrite(key, list_key, epoch, previous, data, growth, owner)
        snapshot.locked[list_key] = epoch
        snapshot.rows[key] = KnownRow(epoch, data)
        self._written.add(key)
        self.version += 1
        return write

    def is_locked(self, list_key: ListKey) -> bool:
        """Whether nobody else can write to the list."""
        return list_key in self._snapshot.locked

    def _live_epoch(self, key: ObjectKey) -> int | None:
        """Timestamp of a live object; an id that was made up now has none."""
        row = self._snapshot.rows.get(key)
        return None if row is None or row.data is None else row.epoch

    def _now(self) -> int:
        return self._snapshot.now + int((monotonic() - self._read_at) * 1000)

    def note_permissions(self, uri: str) -> bool | None:
        """The permissions of an object were changed.

        :returns: whether it is known to have had none before; ``None`` where this transaction
            has changed them before.
        """
        self.version += 1
        if uri in self._rewritten_uris:
            return None
        self._rewritten_uris.add(uri)
        return self._snapshot.aces.get(uri) == {}


def newest_by_list(writes: Iterable[PlannedWrite]) -> Mapping[ListKey, tuple[int, int]]:
    """For each list written to, its newest timestamp and by how many objects it grows."""
    lists: dict[ListKey, tuple[int, int]] = {}
    for write in writes:
        growth = write.growth
        if write.list_key in lists:
            growth += lists[write.list_key][1]
        lists[write.list_key] = (write.epoch, growth)
    return lists
