"""What may be stored, given what was answered.

Each write of a client carries a number of its own. A write that was answered settles what is
stored under its key; one without an answer, or with 503, may have been carried out or not.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from drills.exchanges import Reply


# What is stored under a key: the number of the last write, or nothing.
Stored = int | None


@dataclass(slots=True)
class Journal:
    """Of one client, which alone writes its keys.

    :ivar cells: for each key (path of an object), what may be stored under it.
    :ivar contradictions: answers that deny what was acknowledged before.
    :ivar batches: for each batch, the paths of what it alone creates.
    """

    acknowledged: int = 0
    cells: dict[str, set[Stored]] = field(default_factory=lambda: defaultdict(lambda: {None}))
    contradictions: list[str] = field(default_factory=list)
    batches: list[tuple[str, ...]] = field(default_factory=list)

    def note(self, path: str, written: Stored, reply: Reply) -> None:
        """Note a write of one object, and what was answered."""
        possible = self.cells[path]
        if reply.is_done:
            self.acknowledged += 1
            self.cells[path] = {written}
        elif reply.status == 404:
            if None not in possible:
                self.contradictions.append(f"{path}: 404 instead of {sorted_text(possible)}")
            self.cells[path] = {None}
        elif not reply.is_known:
            possible.add(written)

    def note_batch(self, writes: Mapping[str, Stored], reply: Reply) -> None:
        """Note a batch, which is carried out as a whole or not at all."""
        for path, written in writes.items():
            if reply.is_done:
                self.cells[path] = {written}
            elif not reply.is_known:
                self.cells[path].add(written)
        self.acknowledged += reply.is_done

    def find_lost(self, stored: Mapping[str, int]) -> list[str]:
        """Keys under which something else is stored than what was acknowledged.

        :param stored: the number under each path that exists.
        """
        return self.contradictions + [
            f"{path}: {stored.get(path)} instead of {sorted_text(possible)}"
            for path, possible in self.cells.items()
            if stored.get(path) not in possible
        ]

    def find_torn(self, stored: Mapping[str, int]) -> list[str]:
        """Batches of which one part is stored and another is not."""
        return [
            f"batch of {paths}: only {sorted(stored.keys() & set(paths))}"
            for paths in self.batches
            if len(stored.keys() & set(paths)) not in (0, len(paths))
        ]


@dataclass(slots=True)
class Count:
    """Of increments, each made under the precondition that nobody else was faster."""

    acknowledged: int = 0
    unknown: int = 0

    def note(self, reply: Reply) -> None:
        """Note what was answered to an increment."""
        self.acknowledged += reply.is_done
        self.unknown += not reply.is_known


def sorted_text(possible: set[Stored]) -> str:
    """Readable form of what may be stored."""
    return " or ".join(sorted(str(value) for value in possible))
