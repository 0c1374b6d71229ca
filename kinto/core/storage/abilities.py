"""Which of the finer protocols a backend may be driven by.

A fast path stands in for plain methods only while nobody has replaced one of these: a plugin's
sub-class, or an attribute set on the instance. That is found out when the instance changes,
not at each request.
"""

from dataclasses import dataclass
from typing import Any
from weakref import ref

from kinto.core.storage.protocols import (
    ConditionalWriter,
    ContextReader,
    EntryWriter,
    ListLocker,
    PageReader,
    SubtreeRemover,
    WritePlanner,
)


_OUR_BACKENDS = "kinto.core."


@dataclass(frozen=True, slots=True)
class Abilities:
    """What one backend offers beyond its contract.

    :param is_plain: no method was replaced.
    """

    is_plain: bool
    reads_context: bool
    reads_pages: bool
    locks_lists: bool
    writes_conditionally: bool
    writes_entries: bool
    removes_subtrees: bool
    plans_writes: bool


# By the identity of backends, which says nothing once they are gone.
_known: dict[int, tuple[Any, list[int], Abilities]] = {}


def abilities_of(backend: Any) -> Abilities:  # a backend of any kind
    """What ``backend`` offers as it is now."""
    attributes = [*map(id, backend.__dict__.values())]
    known = _known.get(id(backend))
    if known is not None and known[0]() is backend and known[1] == attributes:
        return known[2]
    found = _find_abilities(backend)
    _known[id(backend)] = (ref(backend), attributes, found)
    return found


def _find_abilities(backend: Any) -> Abilities:
    is_plain = not is_overridden(backend)
    return Abilities(
        is_plain=is_plain,
        reads_context=is_plain and isinstance(backend, ContextReader),
        reads_pages=is_plain and isinstance(backend, PageReader),
        locks_lists=isinstance(backend, ListLocker),
        writes_conditionally=is_plain
        and isinstance(backend, ConditionalWriter)
        and backend.supports_conditional_writes,
        writes_entries=is_plain and isinstance(backend, EntryWriter) and backend.supports_entries,
        removes_subtrees=isinstance(backend, SubtreeRemover),
        plans_writes=is_plain and isinstance(backend, WritePlanner),
    )


def is_overridden(backend: Any) -> bool:
    """Whether methods were replaced on the instance (our timers apart) or by a sub-class."""
    if not type(backend).__module__.startswith(_OUR_BACKENDS):
        return True
    return any(
        callable(value) and not getattr(value, "is_timer", False) and hasattr(type(backend), name)
        for name, value in vars(backend).items()
    )
