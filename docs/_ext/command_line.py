"""Directive ``commands``: every command with its arguments, from the parser of ``kinto``."""

import argparse
from collections.abc import Iterator

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from kinto.cli.commands import COMMANDS
from kinto.cli.parser import build_parser


# Described once, above the commands.
COMMON_OPTIONS = {"--ini", "--quiet", "--debug", "--help"}


class Commands(SphinxDirective):
    """One section for each command."""

    def run(self) -> list[nodes.Node]:
        self.env.note_reread()
        container = nodes.Element()
        lines = StringList(list(page_lines()), source="kinto.cli")
        self.state.nested_parse(lines, self.content_offset, container, match_titles=True)
        return container.children


def page_lines() -> Iterator[str]:
    """The whole of it, as reStructuredText."""
    parser = build_parser(COMMANDS)
    for name, subparser in find_subparsers(parser):
        title = f"kinto {name}"
        yield from [title, "-" * len(title), "", subparser.description or "", ""]
        for action in subparser._actions:
            if action.help != argparse.SUPPRESS and not COMMON_OPTIONS & {*action.option_strings}:
                yield from argument_lines(action)
        yield ""


def find_subparsers(
    parser: argparse.ArgumentParser, prefix: str = ""
) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Each command, commands of commands included, in the order of the help."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, subparser in action.choices.items():
                nested = list(find_subparsers(subparser, f"{prefix}{name} "))
                yield from nested or [(f"{prefix}{name}", subparser)]


def argument_lines(action: argparse.Action) -> Iterator[str]:
    """An item of a definition list."""
    metavar = action.metavar or (action.dest.upper() if action.nargs != 0 else "")
    if action.choices:
        metavar = "{" + ",".join(map(str, action.choices)) + "}"
    metavar = " ".join(metavar) if isinstance(metavar, tuple) else metavar
    names = action.option_strings or [metavar]
    suffix = f" {metavar}" if action.option_strings and metavar else ""
    yield ", ".join(f"``{name}{suffix}``" for name in names)
    yield f"    {escape(action.help or '')}"


def escape(text: str) -> str:
    """Text with no meaning to reStructuredText."""
    return "".join(f"\\{char}" if char in "\\*`|_" else char for char in " ".join(text.split()))


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("commands", Commands)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
