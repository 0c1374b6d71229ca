"""What is told when programs, users or processes fail: with scripts in the place of programs."""

import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from kinto.core.postgresql.embedded import (
    InitialisationFailed,
    NotPermitted,
    StartFailed,
    TookTooLong,
    UnsupportedPlatform,
    accounts,
    attach,
    postmaster,
    server,
    stop,
)
from kinto.core.postgresql.embedded import binaries as binaries_module
from kinto.core.postgresql.embedded.accounts import Account, explain_unreachable, server_account
from kinto.core.postgresql.embedded.binaries import (
    Binaries,
    binaries_at,
    find_binaries,
    major_of,
    usable_binaries,
)
from kinto.core.postgresql.embedded.layout import Layout
from kinto.core.postgresql.embedded.locks import Patience
from tests.core.postgresql.embedded.conftest import USER, attached, pid_of


MakePrograms = Callable[..., Binaries]
_VERSION = 'case "$1" in --version) echo "x (PostgreSQL) {version}"; exit;; esac\n'


@pytest.fixture
def make_programs(place: Path) -> MakePrograms:
    """Makes an installation of shell scripts, each of which tells its version when asked."""

    def make(*, version: str = "18.6", name: str = "programs", **scripts: str) -> Binaries:
        folder = place / name / "bin"
        folder.mkdir(parents=True)
        for program in ("initdb", "postgres"):
            script = folder / program
            answer = _VERSION.format(version=version)
            script.write_text(f"#!/bin/sh\n{answer}{scripts.get(program, 'exit 0')}\n")
            script.chmod(0o755)
        return binaries_at(folder)

    return make


def test_the_reason_of_initdb_is_told(folder, make_programs):
    programs = make_programs(initdb="echo 'initdb: error: no space left' >&2; exit 1")

    with pytest.raises(InitialisationFailed, match="no space left"):
        attached(folder, binaries=programs)


def test_an_older_initdb_without_the_locale_gets_another(folder, make_programs):
    programs = make_programs(
        version="15.9",
        initdb='case "$*" in *C.UTF-8*) echo "error: invalid locale name" >&2; exit 1;; esac\n'
        'echo "error: got as far as: $*" >&2; exit 1',
    )

    with pytest.raises(InitialisationFailed, match=r"got as far as: .* --locale C$"):
        attached(folder, binaries=programs)


def test_an_initdb_that_hangs_is_ended(folder, make_programs):
    programs = make_programs(initdb="exec sleep 60")

    with pytest.raises(TookTooLong, match=r"initdb did not finish .* within 0\.3 s"):
        attached(folder, binaries=programs, timeout_seconds=0.3)


def test_programs_that_do_not_run_are_told(place, make_programs):
    programs = make_programs(version="none")
    account = server_account(place, user=USER)
    with pytest.raises((StartFailed, NotPermitted)):
        usable_binaries(programs, account, place)

    shutil.rmtree(programs.bin)
    with pytest.raises(NotPermitted, match="cannot run the programs"):
        usable_binaries(programs, Account("me", os.geteuid(), os.getegid()), place)


@pytest.mark.parametrize(("version", "major"), [("18.6", 18), ("19beta1", 19), ("15\n", 15)])
def test_major_version(version, major):
    assert major_of(version) == major


def test_no_version_at_all():
    with pytest.raises(StartFailed, match="no version of PostgreSQL"):
        major_of("")


def test_pg_config_names_the_programs_of_the_system(make_programs, place, monkeypatch):
    programs = make_programs()
    (place / "pg_config").write_text(f"#!/bin/sh\necho {programs.bin}\n")
    (place / "pg_config").chmod(0o755)
    monkeypatch.setattr(binaries_module, "find_wheel_binaries", lambda: None)
    monkeypatch.setenv("PATH", str(place))

    assert find_binaries() == programs


def test_programs_on_the_path_are_found_last(make_programs, monkeypatch):
    programs = make_programs()
    monkeypatch.setattr(binaries_module, "find_wheel_binaries", lambda: None)
    monkeypatch.setattr(binaries_module, "_SYSTEM_GLOBS", ())
    monkeypatch.setenv("PATH", str(programs.bin))

    assert find_binaries() == programs


def test_the_newest_programs_of_the_system_are_taken(make_programs, place, monkeypatch):
    for name in ("pg-9", "pg-17", "pg-16"):
        make_programs(name=name)
    monkeypatch.setattr(binaries_module, "find_wheel_binaries", lambda: None)
    monkeypatch.setattr(binaries_module, "_SYSTEM_GLOBS", (f"{str(place).lstrip('/')}/pg-*/bin",))
    monkeypatch.setenv("PATH", "")

    assert find_binaries().root == place / "pg-17"


def test_an_unsupported_platform_is_told(place, monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")

    with pytest.raises(UnsupportedPlatform, match=r"kinto\.storage_url"):
        attach(place, owner=True)


def test_patience_lasts_while_something_moves():
    moves = iter([0, 1, 2, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3])
    patience = Patience(0.05, lambda: next(moves))

    with pytest.raises(TookTooLong, match=r"Nothing happened within 0\.05 s"):
        wait_for_ever(patience)

    assert next(moves) == 3


def wait_for_ever(patience: Patience) -> None:
    while True:
        patience.wait("Nothing happened")


def test_a_user_id_without_an_entry_has_its_number_as_name(monkeypatch):
    def find_nobody(uid: int) -> None:
        raise KeyError(uid)

    monkeypatch.setattr(pwd, "getpwuid", find_nobody)

    assert accounts._account_of(4_000_000).name == "4000000"


def test_what_keeps_a_user_out_is_named_by_the_bits_that_apply(place):
    entry = place.stat()
    inner = place / "inner"
    inner.mkdir()

    def explained(*, uid: int, gid: int, mode: int) -> bool:
        inner.chmod(mode)
        return explain_unreachable(inner, Account("them", uid, gid)) is not None

    mine = inner.stat()
    other = mine.st_uid + 1
    assert explain_unreachable(inner, Account("me", os.geteuid(), entry.st_gid)) is None
    assert explain_unreachable(place / "missing", Account("them", other, other)) is None
    assert not explained(uid=other, gid=mine.st_gid, mode=0o710)
    assert explained(uid=other, gid=mine.st_gid, mode=0o701)
    assert not explained(uid=other, gid=mine.st_gid + 1, mode=0o701)
    assert explained(uid=other, gid=mine.st_gid + 1, mode=0o710)


def test_a_process_that_may_not_be_looked_into_is_judged_by_its_name(place, monkeypatch):
    def refuse(self: Path, other: Path) -> bool:
        raise PermissionError

    monkeypatch.setattr(Path, "samefile", refuse)
    child = subprocess.Popen(["sleep", "60"])
    try:
        owner = os.stat(f"/proc/{child.pid}").st_uid
        os.chown(place, owner, -1)
        assert not postmaster.is_alive_on(child.pid, place)
        monkeypatch.setattr(
            Path,
            "read_text",
            lambda self, **_: "9 (postgres) S" if self.name == "stat" else "postgres\n",
        )
        assert postmaster.is_alive_on(child.pid, place)
        assert not postmaster.is_alive_on(child.pid, place / "missing")
    finally:
        child.kill()
        child.wait()


def test_a_server_that_another_user_started_cannot_be_stopped(made_folder, monkeypatch):
    def refuse(pid: int, number: int) -> None:
        raise PermissionError

    with attached(made_folder):
        with monkeypatch.context() as patched:
            patched.setattr(server.os, "kill", refuse)
            with pytest.raises(NotPermitted, match="belongs to another user"):
                stop(made_folder)
        assert pid_of(made_folder) is not None


def test_a_server_without_its_socket_is_told(made_folder):
    with attached(made_folder):
        (made_folder / "run" / ".s.PGSQL.5432").unlink()

        with pytest.raises(StartFailed, match="kinto db stop"):
            attached(made_folder)

    assert Layout(made_folder).stopped.exists()


def test_a_missing_password_is_told(made_folder):
    with attached(made_folder) as running:
        (made_folder / "password").unlink()
        with pytest.raises(NotPermitted, match="password cannot be read"):
            _ = running.url
