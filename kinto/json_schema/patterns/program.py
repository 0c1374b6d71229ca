"""The program of small steps that a regular expression becomes for our own matcher."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from kinto.json_schema.outcome import Work
from kinto.json_schema.patterns.characters import predicate
from kinto.json_schema.patterns.parsing import Parsed, parse, sre


MAX_PROGRAM_LENGTH = 20_000
_LOOKBEHIND = -1
# In steps of `Work`, of about a microsecond.
_COST_OF_CHARACTER_CLASS = 50


class TooLarge(Exception):
    """The program for this pattern would be too long."""


class Op(Enum):
    CHARACTER = auto()  # predicate
    SPLIT = auto()  # preferred address, other address
    JUMP = auto()  # address
    AT = auto()  # position, flags
    LOOK = auto()  # program, characters to go back, whether it must fail
    ATOMIC = auto()  # program
    MARK = auto()  # which mark; two for each group
    REFERENCE = auto()  # group, flags
    UNLESS_GROUP = auto()  # group, address if it has not matched
    FAIL = auto()
    MATCH = auto()


# Any: the operands, which depend on the operation.
Instruction = tuple[Op, Any, Any, Any]


@dataclass(slots=True)
class Program:
    """:param marks: how many positions of groups to keep; 0 where nothing refers to a group."""

    marks: int = 0
    instructions: list[Instruction] = field(default_factory=list)


def assemble(pattern: str, work: Work) -> Program:
    """The program that finds a pattern at a given position.

    :raises TooLarge: counted repetitions blow it up.
    :raises re.error: it is no valid pattern.
    """
    parsed = parse(pattern)
    marks = 2 * parsed.state.groups if _refers_to_groups(pattern) else 0
    return _Assembler(marks, work).program_for(parsed, parsed.state.flags)


def _refers_to_groups(pattern: str) -> bool:
    # Digits after a backslash may be an octal escape: then marks are kept for nothing.
    return re.search(r"\\[1-9]|\(\?P=|\(\?\(", pattern) is not None


class _Assembler:
    """Appends the instructions of one syntax tree, and of those within, to their programs."""

    def __init__(self, marks: int, work: Work) -> None:
        self._program = Program(marks)
        self._work = work
        self._writers: dict[Parsed, Callable[[Parsed, int], None]] = {
            sre.BRANCH: self._branch,
            sre.SUBPATTERN: self._group,
            sre.MAX_REPEAT: self._greedy,
            sre.MIN_REPEAT: self._lazy,
            sre.POSSESSIVE_REPEAT: self._possessive,
            sre.ATOMIC_GROUP: self._atomic,
            sre.ASSERT: self._assert,
            sre.ASSERT_NOT: self._assert_not,
            sre.AT: lambda position, flags: self._add(Op.AT, position, flags),
            sre.GROUPREF: lambda group, flags: self._add(Op.REFERENCE, group, flags),
            sre.GROUPREF_EXISTS: self._condition,
            sre.FAILURE: lambda _, __: self._add(Op.FAIL),
        }

    def program_for(self, parsed: Parsed, flags: int) -> Program:
        self._sequence(parsed, flags)
        self._add(Op.MATCH)
        return self._program

    def _inner(self, parsed: Parsed, flags: int) -> Program:
        inner = _Assembler(self._program.marks, self._work).program_for(parsed, flags)
        if len(inner.instructions) + self._end > MAX_PROGRAM_LENGTH:
            raise TooLarge
        return inner

    @property
    def _end(self) -> int:
        return len(self._program.instructions)

    def _add(self, op: Op, *operands: Any) -> None:
        if self._end >= MAX_PROGRAM_LENGTH:
            raise TooLarge
        first, second, third = (*operands, None, None, None)[:3]
        self._program.instructions.append((op, first, second, third))

    def _reserve(self) -> int:
        self._add(Op.FAIL)
        return self._end - 1

    def _fill(self, address: int, op: Op, first: Any = None, second: Any = None) -> None:
        self._program.instructions[address] = (op, first, second, None)

    def _sequence(self, parsed: Parsed, flags: int) -> None:
        for operator, argument in parsed:
            writer = self._writers.get(operator)
            if writer is not None:
                writer(argument, flags)
            else:
                self._work.spend(1 if operator is sre.LITERAL else _COST_OF_CHARACTER_CLASS)
                self._add(Op.CHARACTER, predicate(operator, argument, flags))

    def _branch(self, argument: Parsed, flags: int) -> None:
        jumps = []
        *others, last = argument[1]
        for branch in others:
            split = self._reserve()
            self._sequence(branch, flags)
            jumps.append(self._reserve())
            self._fill(split, Op.SPLIT, split + 1, self._end)
        self._sequence(last, flags)
        for jump in jumps:
            self._fill(jump, Op.JUMP, self._end)

    def _group(self, argument: Parsed, flags: int) -> None:
        group, added, removed, parsed = argument
        is_marked = group is not None and self._program.marks
        if is_marked:
            self._add(Op.MARK, 2 * group - 2)
        self._sequence(parsed, (flags | added) & ~removed)
        if is_marked:
            self._add(Op.MARK, 2 * group - 1)

    def _greedy(self, argument: Parsed, flags: int) -> None:
        self._repeat(argument, flags, is_greedy=True)

    def _lazy(self, argument: Parsed, flags: int) -> None:
        self._repeat(argument, flags, is_greedy=False)

    def _repeat(self, argument: Parsed, flags: int, *, is_greedy: bool) -> None:
        low, high, parsed = argument
        for _ in range(low):
            self._sequence(parsed, flags)
        splits = []
        if high is sre.MAXREPEAT:
            splits.append(self._reserve())
            self._sequence(parsed, flags)
            self._add(Op.JUMP, splits[0])
        else:
            for _ in range(high - low):
                splits.append(self._reserve())
                self._sequence(parsed, flags)
        for split in splits:
            ways = (split + 1, self._end) if is_greedy else (self._end, split + 1)
            self._fill(split, Op.SPLIT, *ways)

    def _possessive(self, argument: Parsed, flags: int) -> None:
        self._atomic([(sre.MAX_REPEAT, argument)], flags)

    def _atomic(self, parsed: Parsed, flags: int) -> None:
        self._add(Op.ATOMIC, self._inner(parsed, flags))

    def _assert(self, argument: Parsed, flags: int) -> None:
        self._look(argument, flags, must_fail=False)

    def _assert_not(self, argument: Parsed, flags: int) -> None:
        self._look(argument, flags, must_fail=True)

    def _look(self, argument: Parsed, flags: int, *, must_fail: bool) -> None:
        direction, parsed = argument
        back = parsed.getwidth()[0] if direction == _LOOKBEHIND else 0
        self._add(Op.LOOK, self._inner(parsed, flags), back, must_fail)

    def _condition(self, argument: Parsed, flags: int) -> None:
        group, yes, no = argument
        test = self._reserve()
        self._sequence(yes, flags)
        jump = self._reserve()
        self._fill(test, Op.UNLESS_GROUP, group, self._end)
        self._sequence(no or [], flags)
        self._fill(jump, Op.JUMP, self._end)
