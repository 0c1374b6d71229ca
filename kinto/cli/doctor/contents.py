"""Checks of what is stored: tombstones, history, timestamps."""

from collections.abc import Iterator

from kinto.cli.doctor.database import FUTURE_SECONDS
from kinto.cli.doctor.database_facts import Contents, Future
from kinto.cli.doctor.findings import (
    Check,
    Context,
    Finding,
    Findings,
    ok,
    warning,
)


_MANY_TOMBSTONES, _TOMBSTONES_SHARE = 10_000, 0.5
_KEPT_TOMBSTONES = 1000
_MANY_ENTRIES, _ENTRIES_SHARE = 100_000, 0.5
_HISTORY = "history"


def judge_tombstones(contents: Contents, context: Context) -> Findings:
    """Are there more traces of deleted objects than objects?"""
    return list(_judge_tombstones(contents, context)) or ok(_describe(contents))


def _judge_tombstones(contents: Contents, context: Context) -> Iterator[Finding]:
    for row in contents.rows:
        share = row.tombstones / max(row.tombstones + row.live, 1)
        if row.tombstones > _MANY_TOMBSTONES and share > _TOMBSTONES_SHARE:
            yield warning(
                f"{contents.qualifier}{row.tombstones} tombstones of {row.resource_name},"
                f" {share:.0%} of its rows",
                context.command(f"purge-deleted {row.resource_name} {_KEPT_TOMBSTONES}"),
            )


def _describe(contents: Contents) -> str:
    tombstones = sum(row.tombstones for row in contents.rows)
    total = tombstones + sum(row.live for row in contents.rows)
    return f"{contents.qualifier}{tombstones} of {total} rows"


def judge_history(contents: Contents, context: Context) -> Finding:
    """Is the history trimmed?"""
    entries = sum(row.live for row in contents.rows if row.resource_name == _HISTORY)
    total = sum(row.live for row in contents.rows)
    if not entries:
        return ok("no entries")
    found = f"{contents.qualifier}{entries} entries of {total} objects"
    if entries > _MANY_ENTRIES and entries > _ENTRIES_SHARE * total:
        fix = "kinto.history.auto_trim_max_count = 1000"
        return warning(found, fix)
    return ok(found)


def judge_future(future: Future, context: Context) -> Finding:
    """Does the clock say what was said to clients already?"""
    if not future.lists:
        return ok(f"none is more than {FUTURE_SECONDS} s ahead of the clock")
    return warning(
        f"{future.lists} lists are up to {future.ahead_seconds:.0f} s ahead of the clock: a client"
        " or a wrong clock set them, and they grow by 1 ms for each write until then",
        "synchronise the clocks; wait",
    )


CHECKS = (
    Check("database.tombstones", "Few rows are tombstones.", "contents", judge_tombstones),
    Check("database.history", "The history is trimmed.", "contents", judge_history),
    Check("database.future", "No timestamp is in the future.", "future", judge_future),
)
