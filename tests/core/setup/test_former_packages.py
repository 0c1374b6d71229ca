"""Names of add-ons that came along since."""

import sys
from pathlib import Path

import pytest

from kinto.core.setup.former_packages import resolve_former_package


@pytest.mark.parametrize(
    ("dotted", "found"),
    [
        ("kinto_fxa", "kinto.plugins.fxa"),
        ("kinto_fxa.authentication.X", "kinto.plugins.fxa.authentication.X"),
        ("kinto_fxa2", "kinto_fxa2"),
        ("kinto.plugins.flush", "kinto.plugins.flush"),
        ("kinto", "kinto"),
    ],
)
def test_names_that_are_found_elsewhere_now(dotted: str, found: str) -> None:
    assert resolve_former_package(dotted) == found


def test_an_add_on_that_is_installed_stays_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "kinto_fxa.py").write_text("", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    assert resolve_former_package("kinto_fxa.authentication") == "kinto_fxa.authentication"


def test_no_package_of_ours_takes_the_name() -> None:
    assert "kinto_fxa" not in sys.modules
