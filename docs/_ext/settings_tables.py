"""Directive ``settings-tables``: every setting, from the definitions that the service reads."""

from collections.abc import Iterator, Sequence
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from kinto.core.settings import Definition, iter_titled_groups


PREFIX = "kinto"


class SettingsTables(SphinxDirective):
    """One section for each group of settings."""

    def run(self) -> list[nodes.Node]:
        self.env.note_reread()
        container = nodes.Element()
        lines = StringList(list(page_lines()), source="kinto.core.settings")
        self.state.nested_parse(lines, self.content_offset, container, match_titles=True)
        return container.children


def page_lines() -> Iterator[str]:
    """The whole of it, as reStructuredText."""
    for title, definitions in iter_titled_groups():
        title = title.splitlines()[0].rstrip(".")
        yield from [title, "-" * len(title), ""]
        yield from group_lines(definitions)
        yield ""


def group_lines(definitions: Sequence[Definition]) -> Iterator[str]:
    """A table of one group."""
    yield from [".. list-table::", "   :header-rows: 1", "   :widths: 34 11 20 35", ""]
    yield from row_lines("Setting", "Type", "Default", "Effect")
    for definition in definitions:
        yield from row_lines(
            f"``{definition.written_name(PREFIX)}``",
            definition.kind.label,
            literal_default(definition.default),
            escape(definition.doc),
        )


def row_lines(*cells: str) -> Iterator[str]:
    for number, cell in enumerate(cells):
        yield f"   {' ' if number else '*'} - {cell}"


def literal_default(default: Any) -> str:
    """A default as one would write it in a file."""
    match default:
        case None | "" | [] | ():
            return ""
        case bool():
            text = str(default).lower()
        case list() | tuple() | set() | frozenset():
            text = " ".join(str(item) for item in default)
        case _:
            text = " ".join(str(default).split())
    return f"``{text}``"


def escape(text: str) -> str:
    """Text with no meaning to reStructuredText."""
    return "".join(f"\\{char}" if char in "\\*`|_" else char for char in " ".join(text.split()))


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("settings-tables", SettingsTables)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
