import pytest

import kinto
from kinto.__main__ import main


@pytest.mark.parametrize("args", [["version"], ["--version"], ["-v"], ["version", "--ini", "x"]])
def test_version_needs_no_configuration(run_kinto, args):
    result = run_kinto(*args)

    assert result.returncode == 0
    assert result.stdout == f"{kinto.__version__}\n"


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "arguments are required: subcommand"),
        (["unknown"], "invalid choice: 'unknown'"),
        (["migrate", "--unknown"], "unrecognized arguments: --unknown"),
        (["start", "--port", "abc"], "expected a port number, got 'abc'"),
        (["start", "--port", "70000"], "expected a port number"),
        (["start", "--port"], "expected one argument"),
        (["purge-deleted"], "arguments are required: RESOURCE, MAX_RETAINED"),
        (["purge-deleted", "record"], "required: MAX_RETAINED"),
        (["purge-deleted", "record", "many"], "expected a number of tombstones, got 'many'"),
        (["purge-deleted", ",", "1"], "expected the name of a resource"),
        (["init", "--backend", "sqlite"], "invalid choice: 'sqlite'"),
        (["init", "--backend", "redis"], "--cache-backend redis"),
        (["--backend", "redis", "init"], "--cache-backend redis"),
        (["init", "--cache-backend", "sqlite"], "invalid choice: 'sqlite'"),
        (["db"], "required: action"),
    ],
    ids=" ".join,
)
def test_wrong_arguments_exit_with_2(capsys, args, message):
    with pytest.raises(SystemExit) as caught:
        main(args)

    assert caught.value.code == 2
    output = capsys.readouterr()
    assert message in output.err
    assert "usage: kinto" in output.err
    assert output.out == ""


@pytest.mark.parametrize("args", [["--help"], ["-h"], ["start", "--help"]])
def test_help_exits_with_0(capsys, args):
    with pytest.raises(SystemExit) as caught:
        main(args)

    assert caught.value.code == 0
    assert "usage: kinto" in capsys.readouterr().out


@pytest.mark.parametrize(
    "args", [["migrate"], ["flush-cache"], ["purge-deleted", "record", "1"]], ids=" ".join
)
def test_missing_configuration_is_told_in_one_line(run_kinto, args):
    result = run_kinto(*args)

    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr == "ERROR  Could not find config file at config/kinto.ini\n"


@pytest.mark.parametrize(
    ("args", "variables", "path"),
    [
        (["--ini", "a.ini", "migrate"], {}, "a.ini"),
        (["migrate", "--ini", "b.ini"], {}, "b.ini"),
        (["--ini", "a.ini", "migrate", "--ini", "b.ini"], {}, "b.ini"),
        (["migrate"], {"KINTO_INI": "c.ini"}, "c.ini"),
        (["migrate", "--ini", "b.ini"], {"KINTO_INI": "c.ini"}, "b.ini"),
        (["start"], {"KINTO_INI": "c.ini"}, "c.ini"),
        (["start", "--ini", "d.ini"], {}, "d.ini"),
    ],
)
def test_where_the_configuration_is_named(run_kinto, args, variables, path):
    result = run_kinto(*args, **variables)

    assert result.returncode == 1
    assert result.stderr.endswith(f"Could not find config file at {path}\n")


def test_quiet_says_nothing(run_kinto):
    result = run_kinto("migrate", "-q")

    assert result.returncode == 1
    assert result.stderr == ""


def test_debug_shows_the_traceback(run_kinto):
    result = run_kinto("migrate", "--debug")

    assert result.returncode == 1
    assert "Traceback (most recent call last)" in result.stderr
