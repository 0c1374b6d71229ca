"""Objects of one list, put one after the other: see :mod:`.plan`."""

from kinto.core.postgresql.connection import Connection
from kinto.core.storage.postgresql.plan import PlannedWrite, WritePlan
from kinto.core.storage.postgresql.planned import WRITES
from kinto.core.storage.protocols import ContextQuery, PlannedObject, StoredContext
from kinto.core.types import ObjectKey


class PlannedPuts:
    """What such objects have in common, and the writes so far.

    :param connection: of the writes.
    :param query: about the list, which is locked.
    :param context: the answer to it; the owner of the list is live.
    """

    def __init__(
        self,
        plan: WritePlan,
        connection: Connection,
        *,
        query: ContextQuery,
        context: StoredContext,
    ) -> None:
        self._plan = plan
        self._connection = connection
        self._list_key = query.target
        self._owner = query.owner
        self._above = context.granted
        self._writes: list[PlannedWrite] = []

    def find(self, object_id: str, object_uri: str) -> PlannedObject | None:
        """What was read of an object; ``None`` where it may have changed since."""
        key = ObjectKey(*self._list_key, object_id)
        return self._plan.find_object(key, object_uri, above=self._above)

    def put(self, obj: PlannedObject, data: str) -> int:
        """The timestamp of a write that :meth:`send` is going to make."""
        write = self._plan.note(obj.key, self._list_key, data, owner=self._owner)
        self._writes.append(write)
        return write.epoch

    def send(self) -> None:
        """Have the writes be made with those that were planned before."""
        if self._writes:
            self._connection.defer_merged(WRITES, self._writes)
            self._writes = []
