"""Checks of a PostgreSQL server, on facts that are made up."""

from typing import Any

import pytest

from kinto.cli.doctor import server as checks
from kinto.cli.doctor.findings import Verdict
from tests.support.doctor import (
    make_connected,
    make_context,
    make_place,
    make_server,
    only,
    verdict,
)


OK, WARNING, FAILURE = Verdict.OK, Verdict.WARNING, Verdict.FAILURE
CONTEXT = make_context()


def test_a_server_without_fault_passes() -> None:
    server = make_server()
    for check in checks.CHECKS:
        part = server if check.part == "server" else server.connected
        assert verdict(check.judge(part, CONTEXT)) is OK, check.name


@pytest.mark.parametrize(
    ("judge", "facts", "expected", "fix"),
    [
        (checks.judge_version, {"version_number": 110022, "version": "11.22"}, FAILURE, "12 or"),
        (checks.judge_version, {"version_number": 120000}, OK, ""),
        (checks.judge_encoding, {"encoding": "SQL_ASCII"}, FAILURE, "ENCODING 'UTF8'"),
        (
            checks.judge_timezone,
            {"is_utc": False, "timezone": "Europe/Paris"},
            WARNING,
            "ALTER DATABASE kinto SET timezone TO 'UTC';",
        ),
        (checks.judge_timezone, {"is_utc": True, "timezone": "Etc/UTC"}, OK, ""),
        (checks.judge_writable, {"is_standby": True}, FAILURE, "kinto.readonly = true"),
        (checks.judge_writable, {"is_readonly": True}, FAILURE, "kinto.readonly = true"),
        (checks.judge_durability, {"has_fsync": False}, FAILURE, "SET fsync = on"),
        (checks.judge_durability, {"has_full_page_writes": False}, FAILURE, "full_page_writes"),
        (checks.judge_durability, {"synchronous_commit": "off"}, FAILURE, "synchronous_commit"),
        (checks.judge_durability, {"synchronous_commit": "remote_apply"}, OK, ""),
        (checks.judge_wraparound, {"transaction_age": 1_500_000_000}, WARNING, "VACUUM (FREEZE)"),
        (checks.judge_wraparound, {"transaction_age": 2_000_000_000}, FAILURE, "VACUUM (FREEZE)"),
        (checks.judge_clock, {"clock_ahead_seconds": -1.5}, OK, ""),
        (checks.judge_clock, {"clock_ahead_seconds": 5.0}, WARNING, "synchronise"),
        (checks.judge_clock, {"clock_ahead_seconds": -3600.0}, FAILURE, "synchronise"),
    ],
)
def test_what_a_server_says_is_judged(
    judge: Any, facts: dict[str, Any], expected: Verdict, fix: str
) -> None:
    found = only(judge(make_server(**facts), CONTEXT))

    assert found.verdict is expected
    assert fix in found.fix
    assert bool(found.fix) == bool(fix)


def test_a_standby_is_fine_for_a_service_that_only_reads_unless_it_holds_the_cache() -> None:
    reading = make_context(readonly="true")
    without_cache = make_server(
        make_connected(make_place(("storage", "permission"))), is_standby=True
    )

    assert verdict(checks.judge_writable(without_cache, reading)) is OK
    assert verdict(checks.judge_writable(make_server(is_standby=True), reading)) is FAILURE


def test_a_cache_need_not_be_durable() -> None:
    cache = make_connected(make_place(("cache",)))

    assert verdict(checks.judge_durability(make_server(cache, has_fsync=False), CONTEXT)) is OK


def test_a_database_far_away_is_a_warning() -> None:
    far = make_connected(round_trip_seconds=0.02)

    found = only(checks.judge_round_trip(far, CONTEXT))

    assert found.verdict is WARNING
    assert found.found.startswith("20.00 ms")
