"""What was found, as a table for people and as JSON for scripts."""

import json
import re
import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from kinto import __version__
from kinto.cli.doctor.findings import Finding, Result, Verdict


NARROWEST, WIDEST = 60, 120
_COLUMNS = (11, 24)
_COLOURS = {
    Verdict.OK: "\x1b[32m",
    Verdict.WARNING: "\x1b[33m",
    Verdict.FAILURE: "\x1b[31m",
    Verdict.NOT_CHECKED: "\x1b[2m",
}
_RESET = "\x1b[0m"
_FIX, _HINT = "fix: ", "hint: "


def worst(results: Sequence[Result]) -> Verdict:
    """The verdict on the whole."""
    verdicts = {result.verdict for result in results}
    for verdict in (Verdict.FAILURE, Verdict.WARNING):
        if verdict in verdicts:
            return verdict
    return Verdict.OK


def exit_code(results: Sequence[Result], *, is_strict: bool) -> int:
    """What a script gets: 1 if something fails, or with ``is_strict`` is a warning; else 0."""
    bad = {Verdict.FAILURE, Verdict.WARNING} if is_strict else {Verdict.FAILURE}
    return int(worst(results) in bad)


def as_json(results: Sequence[Result], ini: Path) -> str:
    """One document; its keys stay the same."""
    document = {
        "kinto": __version__,
        "configuration": str(ini),
        "verdict": worst(results).value,
        "counts": _counts(results),
        "checks": [
            {
                "check": result.check,
                "subject": result.subject,
                "verdict": result.verdict.value,
                "found": result.finding.found,
                "fix": result.finding.fix or None,
            }
            for result in results
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def _counts(results: Sequence[Result]) -> dict[str, int]:
    counted = Counter(result.verdict for result in results)
    return {verdict.value: counted[verdict] for verdict in Verdict}


def as_table(results: Sequence[Result], *, width: int, has_colours: bool) -> Iterator[str]:
    """The lines of a table, and a last one with the sums.

    :param width: of the screen.
    """
    width = min(max(width, NARROWEST), WIDEST)
    yield _cells("VERDICT", "CHECK", "FOUND")
    subject = ""
    for result in _collapsed(results):
        if result.subject not in ("", subject):
            yield f"--- {_kind(result)}: {result.subject}"
        subject = result.subject
        yield from _rows(result, width=width, has_colours=has_colours)
    yield ""
    yield ", ".join(f"{count} {name}" for name, count in _counts(results).items())


def _collapsed(results: Sequence[Result]) -> Iterator[Result]:
    """What was not checked for one and the same reason is one row."""
    for (_, is_skipped, subject, text), group in groupby(results, _reason):
        members = list(group)
        if not is_skipped or len(members) == 1:
            yield from members
        else:
            finding = Finding(Verdict.NOT_CHECKED, text)
            yield Result(f"{_kind(members[0])}: {len(members)} checks", subject, finding)


def _reason(result: Result) -> tuple[str, bool, str, str]:
    is_skipped = result.verdict is Verdict.NOT_CHECKED
    return (_kind(result), is_skipped, result.subject, result.finding.found if is_skipped else "")


def _kind(result: Result) -> str:
    """What the check looks at: ``database`` of ``database.clock``."""
    return re.split(r"\W", result.check)[0]


def _rows(result: Result, *, width: int, has_colours: bool) -> Iterator[str]:
    finding = result.finding
    room = width - sum(_COLUMNS) - 2 * len(_COLUMNS)
    found = textwrap.wrap(finding.found, room, break_on_hyphens=False) or [""]
    for number, line in enumerate(found):
        verdict, check = ("", "") if number else (result.verdict.value, result.check)
        row = _cells(verdict, check, line)
        if has_colours and not number:
            row = row.replace(verdict, f"{_COLOURS[result.verdict]}{verdict}{_RESET}", 1)
        yield row
    if finding.fix:
        # Over the whole width, so that commands mostly stay in one piece.
        indent = " " * (_COLUMNS[0] + 2)
        label = _HINT if finding.verdict is Verdict.OK else _FIX
        yield from textwrap.wrap(
            finding.fix,
            width,
            initial_indent=indent + label,
            subsequent_indent=indent + " " * len(label),
            break_long_words=False,
            break_on_hyphens=False,
        )


def _cells(verdict: str, check: str, found: str) -> str:
    first, second = _COLUMNS
    return f"{verdict:<{first}}  {check:<{second}}  {found}".rstrip()
