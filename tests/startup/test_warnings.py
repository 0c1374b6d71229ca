"""What an operator should know, told once at each start."""

import os
import subprocess
import sys
import warnings
from collections.abc import Callable, Mapping

import pytest

from kinto import main
from tests.support.services import MEMORY_SETTINGS, postgresql_settings, write_ini


HTTPS = "HTTPS is not enabled"
SHARED = "Reuse existing PostgreSQL connection. Parameters permission_* will be ignored."
SECRET = "Setting 'kinto.userid_hmac_secret' is empty: user ids can be guessed."


def warned(settings: Mapping[str, str]) -> list[str]:
    """Our warnings while the application is made."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        main({}, **settings)
    return sorted(str(warning.message) for warning in caught if warning.category is UserWarning)


def test_plain_http_is_warned_of() -> None:
    assert warned(MEMORY_SETTINGS) == [HTTPS]


def test_nothing_to_warn_of() -> None:
    assert warned({**MEMORY_SETTINGS, "kinto.http_scheme": "https"}) == []


def test_missing_secret_is_warned_of() -> None:
    settings = {**MEMORY_SETTINGS, "kinto.userid_hmac_secret": ""}

    assert warned(settings) == [HTTPS, SECRET]


def test_secret_is_not_missed_without_basicauth() -> None:
    settings = {**MEMORY_SETTINGS, "kinto.userid_hmac_secret": "", "multiauth.policies": ""}

    assert warned(settings) == [HTTPS]


def test_shared_connection_is_warned_of(new_database: Callable[[], str]) -> None:
    assert warned(postgresql_settings(new_database())) == [HTTPS, SHARED]


@pytest.mark.parametrize("command", ["migrate", "flush-cache"])
def test_commands_show_each_once(command: str, tmp_path, new_database) -> None:
    settings = postgresql_settings(new_database()) | {"kinto.userid_hmac_secret": ""}
    ini = write_ini(tmp_path / "kinto.ini", settings)
    environment = {name: v for name, v in os.environ.items() if not name.startswith("KINTO_")}

    done = subprocess.run(
        [sys.executable, "-m", "kinto", command, "--ini", ini],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    lines = done.stderr.splitlines()
    for message in (HTTPS, SHARED, SECRET):
        assert lines.count(f"WARNI  {message}") == 1, done.stderr


def test_unknown_settings_are_no_error(caplog: pytest.LogCaptureFixture) -> None:
    settings = {"kinto.paginate_bye": "10", "kinto.some.plugin": "x", "other": "y"}

    main({}, **{**MEMORY_SETTINGS, **settings})

    hints = [message for message in caplog.messages if "did you mean" in message]
    assert hints == ["Unknown setting 'kinto.paginate_bye', did you mean 'kinto.paginate_by'?"]
