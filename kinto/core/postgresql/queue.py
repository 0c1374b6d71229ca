"""What waits on a connection for the next round trip."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import ref

from kinto.core.postgresql.statements import Mergeable, Params, Statement


@dataclass(slots=True, weakref_slot=True)
class Savepoint:
    """A place in a transaction to come back to, as long as somebody holds it.

    :param flushes: round trips before it was queued.
    :param position: in the queue, as long as there was no further round trip.
    """

    name: str
    flushes: int
    position: int


@dataclass(slots=True)
class Queued:
    """SQL that is sent later.

    :param sql: as it is sent.
    :param statement: that has to be prepared before.
    :param place: the savepoint that the SQL makes.
    :param kind: of a write that is merged with others of its kind, instead of ``sql``.
    :param writes: what is merged.
    """

    sql: bytes
    statement: Statement | None = None
    place: "ref[Savepoint] | None" = None
    kind: Mergeable | None = None
    writes: Sequence[Any] = ()


Encode = Callable[[Statement, Params], tuple[bytes, Statement | None]]


def merged(queue: Sequence[Queued], encode: Encode) -> list[Queued]:
    """What to send for a queue: no savepoint that nobody can come back to, merged writes.

    :param encode: gives the SQL of a statement with its values.
    """
    sent: list[Queued] = []
    waiting: dict[Mergeable, list[Any]] = {}
    for queued in queue:
        if queued.kind is not None:
            waiting.setdefault(queued.kind, []).extend(queued.writes)
        elif queued.place is None or queued.place() is not None:
            _send_merged(waiting, sent, encode)
            sent.append(queued)
    _send_merged(waiting, sent, encode)
    return sent


def _send_merged(waiting: dict[Mergeable, list[Any]], sent: list[Queued], encode: Encode) -> None:
    for kind, writes in waiting.items():
        sent.append(Queued(*encode(*kind.merge(writes))))
    waiting.clear()
