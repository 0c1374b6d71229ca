"""A matcher that tries alternatives in turn, counting its steps.

It never enters a state twice, so that without references to groups the effort grows with the
product of text and program, not exponentially; and every step is paid from the caller's budget.
"""

from kinto.core.types import JSONValue
from kinto.json_schema.outcome import Work
from kinto.json_schema.patterns.characters import (
    NON_BOUNDARY_IN_EMPTY_TEXT,
    equals_ignoring_case,
    is_boundary,
)
from kinto.json_schema.patterns.parsing import Parsed, sre
from kinto.json_schema.patterns.program import Op, Program


# Positions in the text, start and end of each group that something refers to; -1: not matched.
Marks = tuple[int, ...]
# Where in the program, where in the text, what the groups hold.
State = tuple[int, int, Marks]
Visited = set[State]

_STEPS_PER_PAYMENT = 64


def search(program: Program, text: str, work: Work) -> bool:
    """Whether the program matches somewhere in the text.

    :raises UnusableSchema: the budget was spent before that was clear.
    """
    visited: Visited = set()
    unmatched = (-1,) * program.marks
    return any(
        _run(program, text, work, start=(0, position, unmatched), visited=visited) is not None
        for position in range(len(text) + 1)
    )


def _run(
    program: Program, text: str, work: Work, *, start: State, visited: Visited
) -> tuple[int, Marks] | None:
    """Where the first way through the program ends, and the groups then.

    :param visited: states from which no way leads to the end.
    """
    instructions, end = program.instructions, len(text)
    pending: list[State] = [start]
    steps = 0
    while pending:
        address, position, marks = pending.pop()
        while True:
            steps += 1
            if steps % _STEPS_PER_PAYMENT == 1:
                work.spend(_STEPS_PER_PAYMENT)
            op, first, second, third = instructions[address]
            address += 1
            if op is Op.CHARACTER:
                if position == end or not first(text[position]):
                    break
                position += 1
            elif op is Op.SPLIT:
                # All loops pass here, so this is where a state can be met again.
                state = (address, position, marks)
                if state in visited:
                    break
                visited.add(state)
                pending.append((second, position, marks))
                address = first
            elif op is Op.JUMP:
                address = first
            elif op is Op.AT:
                if not _holds(first, text, position, flags=second):
                    break
            elif op is Op.MARK:
                marks = (*marks[:first], position, *marks[first + 1 :])
            elif op is Op.MATCH:
                return position, marks
            elif op is Op.UNLESS_GROUP:
                if _group(first, marks) is None:
                    address = second
            elif op is Op.FAIL:
                break
            else:
                moved = _consult(
                    (op, first, second, third), text, work, position=position, marks=marks
                )
                if moved is None:
                    break
                position, marks = moved
    return None


def _consult(
    instruction: tuple[Op, JSONValue, JSONValue, JSONValue],
    text: str,
    work: Work,
    *,
    position: int,
    marks: Marks,
) -> tuple[int, Marks] | None:
    """Where an instruction leads that looks at more than one character; ``None``: nowhere."""
    op, first, second, third = instruction
    if op is Op.REFERENCE:
        group = _group(first, marks)
        if group is None:
            return None
        start, stop = group
        work.spend(1 + stop - start)
        after = position + stop - start
        if not equals_ignoring_case(text[start:stop], text[position:after], second):
            return None
        return after, marks
    begin = position - second if op is Op.LOOK else position
    found = None
    if begin >= 0:
        found = _run(first, text, work, start=(0, begin, marks), visited=set())
    if op is Op.ATOMIC:
        return found
    if third:  # it must fail
        return (position, marks) if found is None else None
    return None if found is None else (position, found[1])


def _group(group: int, marks: Marks) -> tuple[int, int] | None:
    start, stop = marks[2 * group - 2], marks[2 * group - 1]
    return (start, stop) if 0 <= start <= stop else None


def _holds(assertion: Parsed, text: str, position: int, *, flags: int) -> bool:
    end, is_multiline = len(text), bool(flags & sre.SRE_FLAG_MULTILINE)
    if assertion is sre.AT_BEGINNING_STRING or (
        assertion is sre.AT_BEGINNING and not is_multiline
    ):
        return position == 0
    if assertion is sre.AT_BEGINNING:
        return position == 0 or text[position - 1] == "\n"
    if assertion is sre.AT_END_STRING:
        return position == end
    if assertion is sre.AT_END:
        if position == end:
            return True
        return text[position] == "\n" and (is_multiline or position == end - 1)
    if assertion is sre.AT_BOUNDARY:
        return is_boundary(text, position, flags)
    if not text:
        return NON_BOUNDARY_IN_EMPTY_TEXT
    return not is_boundary(text, position, flags)
