"""Directive ``settings-tables``: the settings, from the definitions that the service reads."""

from collections.abc import Iterator, Sequence
from typing import Any

from docutils import nodes
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from kinto.core.settings import Definition, iter_titled_groups


PREFIX = "kinto"


class SettingsTables(SphinxDirective):
    """One section for each group of settings.

    Option ``without``: what the names of settings begin with that are read, but have no effect.
    """

    option_spec = {"without": directives.unchanged_required}

    def run(self) -> list[nodes.Node]:
        self.env.note_reread()
        container = nodes.Element()
        prefixes = tuple(self.options.get("without", "").split())
        lines = StringList(list(page_lines(prefixes)), source="kinto.core.settings")
        self.state.nested_parse(lines, self.content_offset, container, match_titles=True)
        return container.children


def page_lines(without: tuple[str, ...]) -> Iterator[str]:
    """The whole of it, as reStructuredText.

    :param without: beginnings of the names that are left out.
    """
    for title, definitions in iter_titled_groups():
        shown = [each for each in definitions if not each.name.startswith(without)]
        if shown:
            title = title.splitlines()[0].rstrip(".")
            yield from [title, "-" * len(title), ""]
            yield from group_lines(shown)
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
