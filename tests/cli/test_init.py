import stat
import subprocess
import sys
from configparser import RawConfigParser

import pytest


PROMPT = "Select the backend you would like to use: (1 - postgresql, default - memory) "
CACHE_PROMPT = (
    "Select the cache backend you would like to use: "
    "(1 - postgresql, 2 - memcached, 3 - redis, default - memory) "
)
URL = "postgresql://postgres:postgres@localhost:5432/postgres"


def app_settings(path):
    parser = RawConfigParser()
    parser.read(path)
    return dict(parser["app:main"])


@pytest.mark.guide("init with PostgreSQL")
@pytest.mark.parametrize(
    ("args", "answers", "storage", "cache"),
    [
        ([], "\n\n", "memory", "memory"),
        ([], " 1 \n 3 \n", "postgresql", "redis"),
        ([], "1\n2\n", "postgresql", "memcached"),
        ([], "9\nx\n1\n7\n1\n", "postgresql", "postgresql"),
        ([], "1\n", "postgresql", "postgresql"),
        ([], "\n", "memory", "memory"),
        (["--backend", "postgresql"], "", "postgresql", "postgresql"),
        (["--backend", "memory"], "", "memory", "memory"),
        (["--backend", "memory"], "3\n", "memory", "redis"),
        (["--cache-backend", "redis"], "1\n", "postgresql", "redis"),
        (["--backend", "memory", "--cache-backend", "postgresql"], "", "memory", "postgresql"),
    ],
)
def test_backends_are_asked_for(run_kinto, tmp_path, args, answers, storage, cache):
    result = run_kinto("init", "--ini", "new.ini", *args, answers=answers)

    assert result.returncode == 0, result.stderr
    assert f"INFO   Created config {tmp_path}/new.ini" in result.stderr
    settings = app_settings(tmp_path / "new.ini")
    assert settings["kinto.storage_backend"] == f"kinto.core.storage.{storage}"
    assert settings["kinto.permission_backend"] == f"kinto.core.permission.{storage}"
    assert settings["kinto.cache_backend"] == f"kinto.core.cache.{cache}"
    assert settings["kinto.storage_url"] == (URL if storage == "postgresql" else "")


def test_prompts_are_the_only_output(run_kinto):
    assert run_kinto("init", answers="1\n1\n").stdout == PROMPT + CACHE_PROMPT


def test_options_are_accepted_before_the_subcommand(run_kinto, tmp_path):
    result = run_kinto("--ini", "new.ini", "--backend", "postgresql", "init")

    assert result.returncode == 0
    settings = app_settings(tmp_path / "new.ini")
    assert settings["kinto.storage_backend"] == "kinto.core.storage.postgresql"


def test_folder_is_made_and_file_is_private(run_kinto, tmp_path):
    run_kinto("init", "--backend", "postgresql")

    path = tmp_path / "config" / "kinto.ini"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_existing_file_is_left_alone(run_kinto, tmp_path):
    (tmp_path / "old.ini").write_text("mine")

    result = run_kinto("init", "--ini", "old.ini", "--backend", "memory")

    assert result.returncode == 1
    assert "old.ini already exists." in result.stderr
    assert (tmp_path / "old.ini").read_text() == "mine"


def test_no_file_without_an_answer(run_kinto, tmp_path):
    result = run_kinto("init", "--ini", "new.ini")

    assert result.returncode == 1
    assert "No backend was selected" in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "new.ini").exists()


def test_secrets_are_made_anew(run_kinto, tmp_path):
    for name in ("a.ini", "b.ini"):
        run_kinto("init", "--ini", name, "--backend", "postgresql")

    first, second = (app_settings(tmp_path / name) for name in ("a.ini", "b.ini"))
    secrets = [
        settings[f"kinto.{name}_hmac_secret"]
        for settings in (first, second)
        for name in ("userid", "default_bucket")
    ]
    assert len(set(secrets)) == 4
    assert all(len(secret) == 64 and int(secret, 16) for secret in secrets)


def test_missing_packages_are_named(tmp_path, environment):
    code = (
        "import sys; sys.modules['redis'] = None; from kinto.cli import init;"
        "init._is_installed = lambda name: name != 'redis';"
        "from kinto.__main__ import main; sys.exit(main(sys.argv[1:]))"
    )
    args = ["init", "--ini", "new.ini", "--backend", "memory", "--cache-backend", "redis"]

    result = subprocess.run(
        [sys.executable, "-c", code, *args],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert result.returncode == 0
    assert "pip install kinto[redis]" in result.stderr
