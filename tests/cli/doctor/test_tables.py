"""Checks of the tables, on facts that are made up."""

from typing import Any

import pytest

from kinto.cli.doctor import contents as contents_checks
from kinto.cli.doctor import tables as checks
from kinto.cli.doctor.database_facts import Content, Contents, Future, Index, Versions
from kinto.cli.doctor.findings import Verdict
from tests.support.doctor import INI, make_context, make_server, make_table, make_tables, only


OK, WARNING, FAILURE = Verdict.OK, Verdict.WARNING, Verdict.FAILURE
CONTEXT = make_context()
READER = ("SELECT",)


@pytest.mark.parametrize(
    ("found", "expected", "verdict", "fix"),
    [
        ({"storage": 28}, {"storage": 28}, OK, ""),
        ({}, {}, OK, ""),
        ({"storage": 26}, {"storage": 28}, FAILURE, f"kinto migrate --ini {INI}"),
        ({}, {"storage": 28}, FAILURE, f"kinto migrate --ini {INI}"),
        ({"storage": 29}, {"storage": 28}, FAILURE, "pip install --upgrade kinto"),
        # A plugin without a row is at its first version.
        ({}, {"attachments": 1}, OK, ""),
        ({"attachments": 1}, {"attachments": 3}, FAILURE, "kinto migrate"),
    ],
)
def test_versions_of_schemas(
    found: dict[str, int], expected: dict[str, int], verdict: Verdict, fix: str
) -> None:
    finding = only(checks.judge_schema(Versions(found, expected), CONTEXT))

    assert finding.verdict is verdict
    assert fix in finding.fix


def all_tables(**facts: Any) -> Any:
    names = ("objects", "timestamps", "metadata")
    return make_tables(*(make_table(name, **facts) for name in names))


def test_a_role_that_may_do_everything_passes() -> None:
    assert only(checks.judge_tables(all_tables(), CONTEXT)).verdict is OK


def test_missing_rights_are_told_with_the_grant() -> None:
    findings = checks.judge_tables(all_tables(privileges=READER), CONTEXT)

    assert isinstance(findings, list)
    assert [each.fix for each in findings] == [
        "GRANT INSERT, UPDATE, DELETE ON public.objects TO kinto;",
        "GRANT INSERT, UPDATE, DELETE ON public.timestamps TO kinto;",
    ]


def test_a_service_that_only_reads_needs_no_other_right_unless_on_the_cache() -> None:
    reading = make_context(readonly="true")
    cache = make_tables(make_table("cache", privileges=READER), kinds=("cache",))

    assert only(checks.judge_tables(all_tables(privileges=READER), reading)).verdict is OK
    found = only(checks.judge_tables(cache, reading))
    assert found.fix == "GRANT INSERT, UPDATE, DELETE ON public.cache TO kinto;"


def test_names_of_roles_are_quoted_where_need_be() -> None:
    server = make_server(role='my "user"', quoted_role='"my ""user"""')
    tables = make_tables(make_table("cache", privileges=READER), kinds=("cache",), server=server)

    assert only(checks.judge_tables(tables, CONTEXT)).fix.endswith('TO "my ""user""";')


def test_missing_tables_are_told_together() -> None:
    found = only(checks.judge_tables(make_tables(make_table("objects")), CONTEXT))

    assert found.verdict is FAILURE
    assert "timestamps, metadata" in found.found
    assert "kinto migrate" in found.fix


def index(name: str, *, table: str = "objects", **facts: Any) -> Index:
    return Index(
        table, name, facts.get("is_valid", True), facts.get("is_primary", False),
        facts.get("method", "btree"),
    )  # fmt: skip


def complete_indexes() -> tuple[Index, ...]:
    wanted = [index(each.name, table=each.table) for each in checks.wanted_indexes("storage")]
    keys = [
        index(f"{name}_pkey", table=name, is_primary=True) for name in ("objects", "timestamps")
    ]
    return (*wanted, *keys)


def test_the_schema_says_which_indexes_there_are() -> None:
    names = {each.name for each in checks.wanted_indexes("storage")}

    assert "idx_objects_parent_id_resource_name_last_modified" in names
    assert "idx_cache_ttl" in {each.name for each in checks.wanted_indexes("cache")}
    for kind in ("storage", "permission", "cache"):
        for wanted in checks.wanted_indexes(kind):
            assert wanted.sql.endswith(";")
            assert "INDEX CONCURRENTLY IF NOT EXISTS" in wanted.sql


def test_missing_and_invalid_indexes_are_told_with_the_statement() -> None:
    missing, broken, *others = complete_indexes()
    broken = index(broken.name, table=broken.table_name, is_valid=False)
    tables = make_tables(
        make_table("objects"), make_table("timestamps"), make_table("metadata"),
        indexes=(broken, *others),
    )  # fmt: skip

    findings = checks.judge_indexes(tables, CONTEXT)

    assert isinstance(findings, list)
    assert [each.verdict for each in findings] == [FAILURE, FAILURE]
    assert findings[0].fix == f"REINDEX INDEX CONCURRENTLY {broken.name};"
    assert findings[1].fix.startswith("CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS")
    assert missing.name in findings[1].fix


def test_complete_indexes_pass_and_a_lost_primary_key_does_not() -> None:
    tables = make_table("objects"), make_table("timestamps"), make_table("metadata")
    complete = make_tables(*tables, indexes=complete_indexes())
    keyless = make_tables(*tables, indexes=complete_indexes()[:-1])

    assert only(checks.judge_indexes(complete, CONTEXT)).verdict is OK
    assert only(checks.judge_indexes(keyless, CONTEXT)).found == "timestamps has no primary key"


@pytest.mark.parametrize(
    ("rows", "method", "is_hinted"),
    [(1000, "btree", False), (2_000_000, "btree", True), (2_000_000, "gin", False)],
)
def test_an_index_for_filters_is_a_hint_where_there_are_many_objects(
    rows: int, method: str, is_hinted: bool
) -> None:
    tables = make_tables(
        make_table("objects", live_rows=rows), indexes=(index("i", method=method),)
    )

    found = only(checks.judge_filters(tables, CONTEXT))

    assert found.verdict is OK
    assert ("USING gin" in found.fix) is is_hinted


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, OK),
        ({"live_rows": 200_000, "dead_rows": 150_000}, WARNING),
        ({"live_rows": 9_000_000, "dead_rows": 150_000}, OK),
        ({"live_rows": 20_000, "is_analyzed": False}, WARNING),
        ({"live_rows": 20, "is_analyzed": False}, OK),
    ],
)
def test_dead_rows(facts: dict[str, Any], expected: Verdict) -> None:
    found = only(checks.judge_vacuum(make_tables(make_table("objects", **facts)), CONTEXT))

    assert found.verdict is expected
    assert bool(found.fix) == (expected is WARNING)


def test_autovacuum_that_is_off_is_a_failure() -> None:
    server = make_server(has_autovacuum=False)
    found = only(checks.judge_vacuum(make_tables(make_table("objects"), server=server), CONTEXT))

    assert found.verdict is FAILURE


@pytest.mark.parametrize(
    ("live", "tombstones", "expected"),
    [(0, 0, OK), (5, 9000, OK), (100_000, 60_000, OK), (10_000, 60_000, WARNING)],
)
def test_tombstones(live: int, tombstones: int, expected: Verdict) -> None:
    contents = Contents((Content("record", live, tombstones),))

    found = only(contents_checks.judge_tombstones(contents, CONTEXT))

    assert found.verdict is expected
    if expected is WARNING:
        assert found.fix == f"kinto purge-deleted record 1000 --ini {INI}"


@pytest.mark.parametrize(
    ("entries", "records", "expected"),
    [(0, 10, OK), (500_000, 9_000_000, OK), (900, 10, OK), (500_000, 10_000, WARNING)],
)
def test_history(entries: int, records: int, expected: Verdict) -> None:
    contents = Contents((Content("history", entries, 0), Content("record", records, 0)), 10.0)

    found = only(contents_checks.judge_history(contents, CONTEXT))

    assert found.verdict is expected
    assert ("auto_trim_max_count" in found.fix) is (expected is WARNING)


def test_timestamps_in_the_future_are_a_warning() -> None:
    assert only(contents_checks.judge_future(Future(0, 0.0), CONTEXT)).verdict is OK

    found = only(contents_checks.judge_future(Future(2, 3600.0), CONTEXT))

    assert found.verdict is WARNING
    assert found.found.startswith("2 lists are up to 3600 s ahead")
