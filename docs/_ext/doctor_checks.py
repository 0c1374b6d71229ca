"""Directive ``doctor-checks``: the checks of ``kinto doctor``, from its own list."""

from collections.abc import Iterator

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from kinto.cli.doctor.catalogue import ALL_CHECKS


class DoctorChecks(SphinxDirective):
    """A table with one row for each check."""

    def run(self) -> list[nodes.Node]:
        self.env.note_reread()
        container = nodes.Element()
        lines = StringList(list(table_lines()), source="kinto.cli.doctor")
        self.state.nested_parse(lines, self.content_offset, container)
        return container.children


def table_lines() -> Iterator[str]:
    """The table, as reStructuredText."""
    yield from [".. list-table::", "   :header-rows: 1", "   :widths: 35 65", ""]
    yield from ["   * - Check", "     - Fine if"]
    for check in ALL_CHECKS:
        yield from [f"   * - ``{check.name}``", f"     - {check.subject}"]


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("doctor-checks", DoctorChecks)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
