"""Directive ``guide-table``: each row of the operator's guide beside the tests that prove it."""

from collections.abc import Iterator
from pathlib import Path

from docutils import nodes
from docutils.statemachine import StringList
from guide_rows import Proof, Row, collect_proofs, proofs_by_row, read_rows
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


TESTS = Path(__file__).parent.parent.parent / "tests"


class GuideTable(SphinxDirective):
    """A table for each section of the file that the argument names."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        _relative, path = self.env.relfn2path(self.arguments[0])
        self.env.note_dependency(path)
        # Tests change without this page.
        self.env.note_reread()
        sections = read_rows(Path(path))
        container = nodes.Element()
        lines = StringList(list(page_lines(sections, collect_proofs(TESTS))), source=path)
        self.state.nested_parse(lines, self.content_offset, container, match_titles=True)
        return container.children


def page_lines(sections: dict[str, list[Row]], proofs: list[Proof]) -> Iterator[str]:
    """The whole of it, as reStructuredText."""
    found = proofs_by_row(proofs)
    for title, rows in sections.items():
        yield from [f".. rubric:: {title}", "", ".. list-table::", "   :header-rows: 1"]
        yield from ["   :widths: 6 44 50", ""]
        yield from ["   * - Row", "     - Promise", "     - Tests"]
        for row in rows:
            yield from [f"   * - {row.number}", f"     - **{escape(row.name)}**: {row.promise}"]
            yield from test_lines(found.get(row.name, []))
        yield ""


def test_lines(proofs: list[Proof]) -> Iterator[str]:
    """A cell: the files, and the tests in each."""
    if not proofs:
        yield "     -"
    for number, proof in enumerate(proofs):
        name = "::".join(filter(None, [proof.path, proof.test.replace(".", "::")]))
        yield f"     {' ' if number else '-'} | ``{name}``"


def escape(text: str) -> str:
    """Text with no meaning to reStructuredText."""
    return "".join(f"\\{char}" if char in "\\*`|_" else char for char in text)


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("guide-table", GuideTable)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
