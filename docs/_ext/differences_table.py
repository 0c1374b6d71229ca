"""Directive ``differences-table``: what a JSON list of deliberate differences says."""

import json
from pathlib import Path

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


class DifferencesTable(SphinxDirective):
    """A table with one row for each reason."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        _relative, path = self.env.relfn2path(self.arguments[0])
        self.env.note_dependency(path)
        entries = json.loads(Path(path).read_text(encoding="utf-8"))
        container = nodes.Element()
        lines = StringList(table_lines(entries), source=path)
        self.state.nested_parse(lines, self.content_offset, container)
        return container.children


def table_lines(entries: list[dict[str, str]]) -> list[str]:
    """A list-table, rows with one reason joined."""
    rows: dict[str, list[str]] = {}
    for entry in entries:
        request = " ".join(filter(None, [entry.get("method"), entry.get("path")]))
        what = ": ".join(filter(None, [entry.get("kind"), entry.get("detail")]))
        rows.setdefault(entry["reason"], []).append(" ".join(filter(None, [request, what])))
    lines = [".. list-table::", "   :header-rows: 1", "   :widths: 60 40", ""]
    lines += ["   * - Why", "     - Where (regular expressions)"]
    for reason, places in rows.items():
        lines += [f"   * - {escape(reason)}"]
        for number, place in enumerate(dict.fromkeys(places)):
            # A literal cannot end in white space.
            lines += [f"     {' ' if number else '-'} | ``{place.strip()}``"]
    return lines


def escape(text: str) -> str:
    """Text with no meaning to reStructuredText."""
    return "".join(f"\\{char}" if char in "\\*`|_" else char for char in text)


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("differences-table", DifferencesTable)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
