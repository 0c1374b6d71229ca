"""Connections that processes open, against those that there may be."""

from typing import Any

import pytest

from kinto.cli.doctor import pools as checks
from kinto.cli.doctor.database_facts import Pool
from kinto.cli.doctor.findings import Verdict
from tests.support.doctor import make_connected, make_context, make_place, make_server, only


OK, WARNING, FAILURE = Verdict.OK, Verdict.WARNING, Verdict.FAILURE
SHARED = ("storage", "permission")


@pytest.mark.parametrize(
    ("pool", "threads", "expected"),
    [
        (Pool(SHARED, 30), 4, 8),
        (Pool(("cache",), 30), 4, 6),
        (Pool(SHARED, 5), 50, 5),
        (Pool(SHARED, None), 50, 54),
    ],
)
def test_a_process_opens_what_its_threads_need_up_to_the_size_of_the_pool(
    pool: Pool, threads: int, expected: int
) -> None:
    assert checks.peak_connections(pool, threads) == expected


@pytest.mark.parametrize(
    ("processes", "threads", "facts", "expected", "fix"),
    [
        (1, 4, {}, OK, ""),
        (3, 1, {}, OK, ""),
        (3, 20, {}, FAILURE, "max_connections = 141"),
        (3, 20, {"max_connections": 300}, OK, ""),
        (3, 1, {"role_limit": 10}, FAILURE, "ALTER ROLE kinto CONNECTION LIMIT -1;"),
        (3, 1, {"database_limit": 10}, FAILURE, "ALTER DATABASE kinto CONNECTION LIMIT -1;"),
        (None, 4, {}, Verdict.NOT_CHECKED, ""),
        (3, None, {}, Verdict.NOT_CHECKED, ""),
        # PgBouncer stands between: it says another process.
        (30, 20, {"backend_pid": 8}, OK, ""),
    ],
)
def test_connections_of_all_processes_against_those_of_the_server(
    processes: int | None, threads: int | None, facts: dict[str, Any], expected: Verdict, fix: str
) -> None:
    context = make_context(processes=processes, threads=threads)

    found = only(checks.judge_connections(make_server(**facts), context))

    assert found.verdict is expected
    assert fix in found.fix


def test_the_settings_of_the_guide_fit_a_server_as_it_is_installed() -> None:
    pools = (Pool(SHARED, 55), Pool(("cache",), 55))
    server = make_server(make_connected(make_place(pools=pools)))

    found = only(checks.judge_connections(server, make_context(processes=3, threads=1)))

    assert found.verdict is OK
    assert found.found.startswith("up to 24 connections from 3 processes of 1 thread")


def test_connections_in_use() -> None:
    assert only(checks.judge_use(make_server(), make_context())).verdict is OK
    crowded = make_server(used_connections=95)
    assert only(checks.judge_use(crowded, make_context())).verdict is WARNING


def test_fewer_connections_than_threads_are_a_warning() -> None:
    connected = make_connected(make_place(pools=(Pool(SHARED, 5), Pool(("cache",), None))))

    found = only(checks.judge_pools(connected, make_context(threads=10)))

    assert found.verdict is WARNING
    assert found.fix == "kinto.storage_pool_size = 10"
    assert only(checks.judge_pools(connected, make_context(threads=5))).verdict is OK
    unknown = only(checks.judge_pools(connected, make_context(threads=None)))
    assert unknown.verdict is Verdict.NOT_CHECKED


def test_statements_that_are_prepared_behind_a_pooler_are_a_warning() -> None:
    prepared = make_server(backend_pid=8)
    plain = make_connected(make_place(pools=(Pool(SHARED, None, is_prepared=False),)))

    found = only(checks.judge_pooler(prepared, make_context()))

    assert found.verdict is WARNING
    assert found.fix.count("_poolclass = sqlalchemy.pool.NullPool") == 3
    assert only(checks.judge_pooler(make_server(), make_context())).verdict is OK
    behind = make_server(plain, backend_pid=8)
    assert only(checks.judge_pooler(behind, make_context())).verdict is OK
