"""``make drills``: the table of what happened, and 1 if something should not have."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from drills.judging import Result
from drills.performing import DRILLS, perform


_COLUMNS = (
    "drill", "requests", "acknow-\nledged", "503", "broken", "slowest\nanswer", "thread\nheld",
    "balancer", "recovery", "lost", "torn", "missed", "connec-\ntions", "verdict",
)  # fmt: skip
_SHOWN_FAILURES = 10


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the drills that were asked for."""
    parser = argparse.ArgumentParser(prog="make drills", description=__doc__)
    names = [drill.name for drill in DRILLS]
    parser.add_argument(
        "--drills",
        default=os.environ.get("DRILLS") or ",".join(names),
        help=f"some of {', '.join(names)}, separated by commas",
    )
    parser.add_argument("--logs", type=Path, help="keep what the service logs in this folder")
    options = parser.parse_args(arguments)
    wanted = options.drills.split(",")
    if unknown := sorted(set(wanted) - set(names)):
        parser.error(f"unknown: {', '.join(unknown)}; there are {', '.join(names)}")
    results = []
    for drill in DRILLS:
        if drill.name in wanted:
            print(f"{drill.name}: {drill.title} …", file=sys.stderr)
            results.append(perform(drill, logs=options.logs))
            _complain(results[-1])
    print(as_table(results))
    return int(any(result.failures for result in results))


def _complain(result: Result) -> None:
    for failure in result.failures[:_SHOWN_FAILURES]:
        print(f"  {failure}", file=sys.stderr)
    if more := len(result.failures[_SHOWN_FAILURES:]):
        print(f"  … and {more} more", file=sys.stderr)


def as_table(results: Sequence[Result]) -> str:
    """Each drill in a line."""
    rows = [_cells(result) for result in results]
    heads = [column.split("\n") for column in _COLUMNS]
    lines = [[head[0] for head in heads], [(*head, "")[1] for head in heads], *rows]
    widths = [max(len(line[index]) for line in lines) for index in range(len(_COLUMNS))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if index in (0, len(_COLUMNS) - 1) else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def _cells(result: Result) -> list[str]:
    return [
        result.name,
        str(result.requests),
        str(result.acknowledged),
        str(result.refused),
        str(result.broken),
        f"{result.slowest_seconds:.2f} s",
        f"{result.held_seconds:.2f} s",
        f"{result.balancer_seconds:.2f} s",
        f"{result.recovery_seconds:.2f} s",
        str(result.lost),
        str(result.torn),
        str(result.missed),
        str(result.connections),
        "failed" if result.failures else "passed",
    ]


if __name__ == "__main__":
    sys.exit(main())
