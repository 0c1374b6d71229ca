"""The table of the checks of ``kinto doctor``."""

from docs._ext.doctor_checks import table_lines
from kinto.cli.doctor.catalogue import ALL_CHECKS


def test_each_check_has_its_row() -> None:
    lines = list(table_lines())

    for check in ALL_CHECKS:
        row = lines.index(f"   * - ``{check.name}``")
        assert lines[row + 1] == f"     - {check.subject}"
