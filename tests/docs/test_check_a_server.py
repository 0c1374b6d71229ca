"""The page about ``kinto doctor``: its examples, its table."""

import sys
from pathlib import Path

import pytest

from kinto.cli.doctor.catalogue import ALL_CHECKS
from tests.support.examples import check_output, read_examples, run_examples


PAGE = Path(__file__).parent.parent.parent / "docs" / "how-to" / "check-a-server.rst"


def test_examples_print_what_the_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=":")
    examples = read_examples(PAGE)

    outputs = run_examples(examples, server="", directory=tmp_path)

    assert len(outputs) == len(examples) == 4
    for example, output in zip(examples, outputs, strict=True):
        check_output(example, output)


def test_checks_are_named_by_what_they_look_at() -> None:
    text = PAGE.read_text(encoding="utf-8")

    assert ".. doctor-checks::" in text
    for kind in {check.name.partition(".")[0] for check in ALL_CHECKS} - {"database", "cache"}:
        assert kind in {"configuration", "security", "http", "backends", "monitoring"}
