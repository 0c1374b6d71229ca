"""The table, the JSON document, the exit code; secrets in neither."""

import json
from pathlib import Path
from time import monotonic, sleep

import pytest

from kinto import __version__
from kinto.cli.doctor import catalogue, report
from kinto.cli.doctor.findings import (
    Finding,
    Problem,
    Result,
    Verdict,
    failure,
    not_checked,
    ok,
    run_checks,
    warning,
)
from kinto.cli.doctor.gathering import gather
from kinto.cli.doctor.redaction import Redaction
from tests.support.doctor import make_context


INI = Path("/etc/kinto.ini")
GOOD = Result("http.scheme", "", ok("https"))
ODD = Result("http.host", "", warning("odd " * 30, "kinto.x = " + "y" * 200))
BAD = Result("database.clock", "storage", failure("wrong", "mend it"))
SKIPPED = [
    Result(f"database.{name}", "storage", not_checked("nothing answered")) for name in "abc"
]


@pytest.mark.parametrize(
    ("results", "is_strict", "expected"),
    [
        ([GOOD], True, 0),
        ([GOOD, ODD], False, 0),
        ([GOOD, ODD], True, 1),
        ([GOOD, ODD, BAD], False, 1),
        (SKIPPED, True, 0),
    ],
)
def test_the_exit_code(results: list[Result], is_strict: bool, expected: int) -> None:
    assert report.exit_code(results, is_strict=is_strict) == expected


def test_the_document() -> None:
    document = json.loads(report.as_json([GOOD, BAD], INI))

    assert document == {
        "kinto": __version__,
        "configuration": "/etc/kinto.ini",
        "verdict": "failure",
        "counts": {"ok": 1, "warning": 0, "failure": 1, "not checked": 0},
        "checks": [
            {
                "check": "http.scheme",
                "subject": "",
                "verdict": "ok",
                "found": "https",
                "fix": None,
            },
            {
                "check": "database.clock",
                "subject": "storage",
                "verdict": "failure",
                "found": "wrong",
                "fix": "mend it",
            },
        ],
    }


def table(*results: Result, width: int = 80, has_colours: bool = False) -> list[str]:
    return list(report.as_table(results, width=width, has_colours=has_colours))


@pytest.mark.parametrize(("width", "most"), [(80, 80), (10, 60), (1000, 120)])
def test_the_table_is_as_wide_as_the_screen(width: int, most: int) -> None:
    lines = table(GOOD, ODD, BAD, *SKIPPED, width=width)

    # What nobody could type again is not broken: an URL, a name.
    assert all(len(line) <= most for line in lines if "yyy" not in line)
    assert max(len(line) for line in lines if "odd" in line) > most - 10
    assert any("y" * 200 in line for line in lines)


def test_the_table_has_a_row_for_each_and_a_sum() -> None:
    lines = table(GOOD, BAD)

    assert lines[0].split() == ["VERDICT", "CHECK", "FOUND"]
    assert lines[1].split() == ["ok", "http.scheme", "https"]
    assert lines[2] == "--- database: storage"
    assert lines[3].split() == ["failure", "database.clock", "wrong"]
    assert lines[4].strip() == "fix: mend it"
    assert lines[-1] == "1 ok, 0 warning, 1 failure, 0 not checked"


def test_advice_on_what_is_fine_is_a_hint() -> None:
    assert "hint: x = 1" in table(Result("http.host", "", ok("fine", "x = 1")))[2]


def test_what_was_not_checked_for_one_reason_is_one_row() -> None:
    rows = [line for line in table(BAD, *SKIPPED) if line.startswith("not checked")]

    assert [row.split()[2:5] for row in rows] == [["database:", "3", "checks"]]
    assert table(BAD, *SKIPPED)[-1].endswith("3 not checked")


def test_colours_add_nothing_but_colours() -> None:
    coloured = "\n".join(table(GOOD, ODD, BAD, *SKIPPED, has_colours=True))

    assert "\x1b[31mfailure\x1b[0m" in coloured
    for code in ("\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[2m", "\x1b[0m"):
        coloured = coloured.replace(code, "")
    assert coloured == "\n".join(table(GOOD, ODD, BAD, *SKIPPED))


def test_names_of_checks_are_unique_and_fit_their_column() -> None:
    names = [check.name for check in catalogue.ALL_CHECKS]

    assert len(set(names)) == len(names)
    assert max(map(len, names)) <= 24
    assert all(check.subject.endswith(".") for check in catalogue.ALL_CHECKS)


def test_one_check_tells_why_there_are_no_facts() -> None:
    problem = Problem("gone", "start it")
    parts = dict.fromkeys((check.part for check in catalogue.DATABASE_CHECKS), problem)

    results = list(run_checks(catalogue.DATABASE_CHECKS, parts, make_context()))

    told = [result for result in results if result.verdict is not Verdict.NOT_CHECKED]
    assert told == [Result("database.reachable", "", Finding(Verdict.FAILURE, "gone", "start it"))]
    assert len(results) == len(catalogue.DATABASE_CHECKS)


def test_facts_are_gathered_side_by_side_within_their_time() -> None:
    start = monotonic()

    found = gather(
        {"fast": lambda: 1, "broken": lambda: 1 / 0, "slow": lambda: sleep(30)}, seconds=0.2
    )

    assert monotonic() - start < 2
    assert found["fast"] == 1
    assert "division by zero" in found["broken"].text
    assert found["slow"] == Problem("no answer within 0.2 s")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no postgresql://u:pa55w0rd@h/d there", "no postgresql://u:***@h/d there"),
        ("the word pa55w0rd stands alone", "the word *** stands alone"),
        ('no host "of-it-all@h"', 'no host "***@h"'),
        ("key topsecretkey.", "key ***."),
        ("https://dsnkey1@sentry/1", "***"),
        ("user postgres of postgresql", "user postgres of postgresql"),
    ],
)
def test_secrets_are_masked_wherever_they_stand(text: str, expected: str) -> None:
    redaction = Redaction(
        {
            "storage_url": "postgresql://u:pa55w0rd@h/d",
            "cache_url": "redis://:first-half@of-it-all@h/0",
            "permission_url": "postgresql://postgres:postgres@h/d",
            "kinto.userid_hmac_secret": "topsecretkey",
            "sentry_dsn": "https://dsnkey1@sentry/1",
            "paginate_by": 7,
        }
    )
    assert redaction(text) == expected
