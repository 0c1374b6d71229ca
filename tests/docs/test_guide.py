"""Every row of the operator's guide has a test that is marked with its name."""

from collections import Counter
from pathlib import Path

from docs._ext.guide_rows import Proof, collect_proofs, proofs_by_row, read_rows


ROOT = Path(__file__).parent.parent.parent
ROWS = [
    row for rows in read_rows(ROOT / "docs/how-to/production-rows.toml").values() for row in rows
]
PROOFS = collect_proofs(ROOT / "tests")


def test_every_row_has_a_test() -> None:
    assert not {row.name for row in ROWS} - proofs_by_row(PROOFS).keys()


def test_every_mark_names_a_row() -> None:
    assert not proofs_by_row(PROOFS).keys() - {row.name for row in ROWS}


def test_numbers_and_names_are_given_once() -> None:
    assert sorted(row.number for row in ROWS) == list(range(1, len(ROWS) + 1))
    assert not [name for name, count in Counter(row.name for row in ROWS).items() if count > 1]


def test_marks_are_found_wherever_pytest_accepts_them(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_it.py").write_text(
        "import pytest\n"
        "CASES = [1, pytest.param(2, marks=pytest.mark.guide('case'))]\n"
        "pytestmark = [pytest.mark.slow, pytest.mark.guide('module')]\n"
        "@pytest.mark.guide('a', 'b')\n"
        "def test_function(): pass\n"
        "@pytest.mark.parametrize('case', CASES)\n"
        "def test_cases(case): pass\n"
        "@pytest.mark.guide('class')\n"
        "class TestClass:\n"
        "    @pytest.mark.guide('method')\n"
        "    def test_method(self): pass\n"
        "    def test_other(self): pass\n",
        encoding="utf-8",
    )

    assert collect_proofs(tmp_path / "tests") == [
        Proof("tests/test_it.py", "", ("module",)),
        Proof("tests/test_it.py", "test_function", ("a", "b")),
        Proof("tests/test_it.py", "test_cases", ("case",)),
        Proof("tests/test_it.py", "TestClass", ("class",)),
        Proof("tests/test_it.py", "TestClass.test_method", ("method",)),
    ]
