"""The configuration file: its mode, the names and values in it, how it is served."""

from configparser import RawConfigParser
from pathlib import Path

import pytest

from kinto.cli.doctor.configuration import (
    Configuration,
    FileFacts,
    NameFacts,
    find_workload,
    is_secret,
    judge_file,
    judge_names,
    judge_values,
    read_configuration,
)
from kinto.cli.doctor.findings import Problem, Verdict, Workload
from tests.support.doctor import make_context, only, verdict
from tests.support.services import MEMORY_SETTINGS, write_ini


CONTEXT = make_context()


@pytest.mark.parametrize(
    ("mode", "holds_secrets", "expected"),
    [
        (0o600, True, Verdict.OK),
        (0o400, True, Verdict.OK),
        (0o640, True, Verdict.OK),
        (0o644, True, Verdict.FAILURE),
        (0o644, False, Verdict.OK),
        (0o660, True, Verdict.FAILURE),
        (0o602, False, Verdict.FAILURE),
    ],
)
def test_who_may_read_the_file(mode: int, holds_secrets: bool, expected: Verdict) -> None:
    found = only(judge_file(FileFacts(Path("/k.ini"), mode, holds_secrets), CONTEXT))

    assert found.verdict is expected
    assert found.fix == ("chmod 600 /k.ini" if expected is Verdict.FAILURE else "")


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("kinto.userid_hmac_secret", "x", True),
        ("userid_hmac_secret", "", False),
        ("kinto.sentry_dsn", "https://k@h/1", True),
        ("kinto.storage_url", "postgresql://u:p@h/d", True),
        ("kinto.storage_url", "postgresql://u@h/d", False),
        ("kinto.storage_url", "postgresql://h/d?password=p", True),
        ("kinto.http_host", "a:b@c", False),
    ],
)
def test_what_is_a_secret(name: str, value: str, expected: bool) -> None:
    assert is_secret(name, value) is expected


def test_a_file_is_read(tmp_path: Path) -> None:
    ini = write_ini(tmp_path / "k.ini", {**MEMORY_SETTINGS, "kinto.paginate_by": 7})
    ini.chmod(0o600)

    found = read_configuration(ini)

    assert isinstance(found, Configuration)
    assert found.file == FileFacts(ini, 0o600, holds_secrets=True)
    assert found.settings.pagination.paginate_by == 7
    assert found.written["paginate_by"] == 7
    assert found.problems == ()
    assert found.workload == Workload(1, 8, "[server:main]")


def test_the_environment_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KINTO_HTTP_SCHEME", "https")
    ini = write_ini(tmp_path / "k.ini", {**MEMORY_SETTINGS, "kinto.http_scheme": "http"})

    found = read_configuration(ini)

    assert isinstance(found, Configuration)
    assert found.settings.deployment.http_scheme == "https"


def test_a_file_that_is_missing_is_a_problem_with_a_way_out(tmp_path: Path) -> None:
    found = read_configuration(tmp_path / "none.ini")

    assert isinstance(found, Problem)
    assert found.text == f"Could not find config file at {tmp_path}/none.ini"
    assert f"kinto init --ini {tmp_path}/none.ini" in found.fix


@pytest.mark.parametrize(
    "text",
    [
        "kinto.x = 1",
        "[server:main]\nuse = egg:waitress#main\n",
        "[app:main]\nuse = egg:kinto\nkinto.x = %(unknown)s\n",
        "[app:main]\nuse = egg:kinto\nkinto.paginate_by = 1\npaginate_by = 2\n",
        "\0\xff",
    ],
    ids=["no section", "no application", "interpolation", "conflict", "binary"],
)
def test_a_file_that_makes_no_sense_is_a_problem(text: str, tmp_path: Path) -> None:
    ini = tmp_path / "k.ini"
    ini.write_text(text, encoding="latin-1")

    found = read_configuration(ini)

    assert isinstance(found, Problem)
    assert str(ini) in found.text
    assert found.fix


def test_misspelt_names_are_told_with_the_right_one(tmp_path: Path) -> None:
    settings = {
        **MEMORY_SETTINGS,
        "kinto.pagnate_by": 7,
        "kinto.attachment.base_path": "/x",
        "kinto.bucket_write_principals": "account:a",
        "kinto.event_listeners.x.use": "y",
        "kinto.storage_echo": "true",
    }

    found = read_configuration(write_ini(tmp_path / "k.ini", settings))

    assert isinstance(found, Configuration)
    (line,) = found.names.odd
    assert "did you mean 'kinto.paginate_by'?" in line
    assert found.names.unknown == ("kinto.pagnate_by", "kinto.attachment.base_path")
    assert verdict(judge_names(found.names, CONTEXT)) is Verdict.WARNING


def test_names_that_plugins_alone_know_are_shown() -> None:
    found = only(judge_names(NameFacts((), ("kinto.attachment.base_path",)), CONTEXT))

    assert found.verdict is Verdict.OK
    assert "kinto.attachment.base_path" in found.found
    assert only(judge_names(NameFacts((), ()), CONTEXT)).found == "all are known"


def test_each_bad_value_is_told_and_others_count(tmp_path: Path) -> None:
    settings = {
        **MEMORY_SETTINGS,
        "kinto.readonly": "maybe",
        "kinto.batch_max_requests": "many",
        "kinto.paginate_by": 7,
        "kinto.sentry_dsn": "no dsn, and secret",
    }

    found = read_configuration(write_ini(tmp_path / "k.ini", settings))

    assert isinstance(found, Configuration)
    findings = judge_values(found.problems, CONTEXT)
    assert isinstance(findings, list)
    assert [each.verdict for each in findings] == [Verdict.FAILURE] * 3
    text = " ".join(each.found for each in findings)
    assert "kinto.readonly" in text
    assert "kinto.batch_max_requests" in text
    assert "no dsn" not in text
    assert found.settings.pagination.paginate_by == 7
    assert verdict(judge_values((), CONTEXT)) is Verdict.OK


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        ("", {}, Workload(1, 4, "[server:main]")),
        ("", {"threads": "9"}, Workload(1, 9, "[server:main]")),
        ("[uwsgi]\nmaster = true", {"threads": "9"}, Workload(1, 1, "[uwsgi]")),
        ("[uwsgi]\nprocesses =  3\nthreads = 5", {}, Workload(3, 5, "[uwsgi]")),
        ("[uwsgi]\nworkers = 3\nenable-threads = true", {}, Workload(3, 1, "[uwsgi]")),
        ("[uwsgi]\nprocesses = %k", {}, Workload(None, 1, "[uwsgi]")),
    ],
)
def test_the_workload_is_that_of_uwsgi_where_its_section_is_there(
    text: str, options: dict[str, str], expected: Workload
) -> None:
    sections = RawConfigParser(strict=False)
    sections.read_string(text)

    assert find_workload(sections, options) == expected
