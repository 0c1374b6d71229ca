"""Searching for patterns that clients wrote, in bounded time, with the results of Python's ``re``.

RE2, whose time is linear, does it wherever it can express the pattern. The rest (look-around, back
references, the case of letters beyond ASCII) goes to a matcher of our own that counts its steps:
stored schemas with such patterns keep working, and none can stop a worker.
"""

import re
import threading
from collections import OrderedDict

import re2

from kinto.json_schema.outcome import UnusableSchema, Work
from kinto.json_schema.patterns.machine import search
from kinto.json_schema.patterns.parsing import is_regular_expression
from kinto.json_schema.patterns.program import Program, TooLarge, assemble
from kinto.json_schema.patterns.re2_syntax import NotExpressible, to_re2


__all__ = ["finds", "is_regular_expression"]

_CACHED_PATTERNS = 256
# In steps of `Work`, of about a microsecond each.
_COST_OF_COMPILING = 100
_WRITTEN_PER_STEP = 10
_MAX_WRITTEN_LENGTH = 400_000
_RE2_MEMORY_BYTES = 2 << 20
# Effort is states of the program times characters: RE2 takes up to 7 ns for each.
_EFFORT_PER_STEP = 200
_MAX_EFFORT = 50_000_000


class _Matcher:
    """One pattern, compiled at first use for each kind of text."""

    __slots__ = ("_linear", "_program", "pattern")

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self._linear: dict[tuple[bool, bool], re2._Regexp | None] = {}
        self._program: Program | None = None

    def finds(self, text: str, work: Work) -> bool:
        linear = self._linear_for(text, work)
        if linear is not None:
            effort = linear.programsize * len(text)
            if effort <= _MAX_EFFORT:
                work.spend(1 + effort // _EFFORT_PER_STEP)
                return linear.search(text) is not None
        try:
            if self._program is None:
                work.spend(_COST_OF_COMPILING + len(self.pattern))
                self._program = assemble(self.pattern, work)
            return search(self._program, text, work)
        except (TooLarge, RecursionError, re.error):
            raise UnusableSchema(f"Pattern {self.pattern!r} is too complex") from None

    def _linear_for(self, text: str, work: Work) -> "re2._Regexp | None":
        kind = (text.isascii(), text.endswith("\n"))
        if kind not in self._linear:
            work.spend(_COST_OF_COMPILING + len(self.pattern))
            self._linear[kind] = _compile(self.pattern, work, kind)
        return self._linear[kind]


class _Matchers:
    """The patterns used last, compiled."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._by_pattern: OrderedDict[str, _Matcher] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, pattern: str) -> _Matcher:
        with self._lock:
            matcher = self._by_pattern.get(pattern)
            if matcher is None:
                matcher = self._by_pattern[pattern] = _Matcher(pattern)
                if len(self._by_pattern) > self._size:
                    self._by_pattern.popitem(last=False)
            else:
                self._by_pattern.move_to_end(pattern)
            return matcher


_matchers = _Matchers(_CACHED_PATTERNS)


def finds(pattern: str, text: str, work: Work) -> bool:
    """Whether ``re.search(pattern, text)`` would find something.

    :raises UnusableSchema: that cannot be told within the limits.
    """
    return _matchers.get(pattern).finds(text, work)


def _compile(pattern: str, work: Work, kind: tuple[bool, bool]) -> "re2._Regexp | None":
    for_ascii, ends_with_line_feed = kind
    options = re2.Options()
    options.log_errors = False
    options.never_capture = True
    options.max_mem = _RE2_MEMORY_BYTES
    try:
        written = to_re2(pattern, for_ascii=for_ascii, ends_with_line_feed=ends_with_line_feed)
        if len(written) > _MAX_WRITTEN_LENGTH:
            return None
        work.spend(len(written) // _WRITTEN_PER_STEP)
        return re2.compile(written, options)
    except (NotExpressible, re.error, re2.error, RecursionError):
        return None
