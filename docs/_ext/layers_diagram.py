"""Directive ``layers-diagram``: the layers of the package, from the test of the architecture."""

import ast
import textwrap
from collections.abc import Iterator
from html import escape
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


TEST = Path(__file__).parent.parent.parent / "tests" / "test_architecture.py"

WIDTH, NAME_WIDTH, LINE_HEIGHT, PADDING, GAP = 800, 235, 16, 9, 5
CHARACTERS_PER_LINE = 80
# Its own background, so that it can be read on any page.
PAPER, INK, FILL, EDGE, FAINT = "#ffffff", "#1d2733", "#e8f1f8", "#1b6ca8", "#4a5663"

Layer = tuple[str, tuple[str, ...]]


class LayersDiagram(SphinxDirective):
    """The top layer first, as an inline SVG."""

    def run(self) -> list[nodes.Node]:
        self.env.note_dependency(str(TEST))
        layers = read_layers(TEST.read_text(encoding="utf-8"))
        return [nodes.raw("", draw_layers(layers), format="html")]


def read_layers(source: str) -> list[Layer]:
    """The table ``LAYERS`` of the test, lowest first."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.AnnAssign) and getattr(node.target, "id", "") == "LAYERS":
            return [(name, tuple(modules)) for name, modules in ast.literal_eval(node.value)]
    raise ValueError("tests/test_architecture.py has no LAYERS")


def draw_layers(layers: list[Layer]) -> str:
    """Boxes on top of each other: each may import from those below it."""
    boxes = []
    y = GAP
    for name, modules in reversed(layers):
        lines = textwrap.wrap(", ".join(map(short_name, modules)), CHARACTERS_PER_LINE)
        height = len(lines) * LINE_HEIGHT + 2 * PADDING
        boxes += draw_box(name, lines, y=y, height=height)
        y += height + GAP
    label = "Layers of the package, the top one first: each imports from those below it"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" width="100%"'
        f' role="img" aria-label="{label}" font-family="sans-serif" font-size="12">'
        f'<rect width="{WIDTH}" height="{y}" fill="{PAPER}"/>{"".join(boxes)}</svg>'
    )


def draw_box(name: str, lines: list[str], *, y: int, height: int) -> Iterator[str]:
    """The name of a layer beside its modules."""
    yield (
        f'<rect x="{GAP}" y="{y}" width="{WIDTH - 2 * GAP}" height="{height}" rx="4"'
        f' fill="{FILL}" stroke="{EDGE}"/>'
    )
    middle = y + height / 2 + 4
    yield f'<text x="{GAP + PADDING}" y="{middle}" fill="{INK}" font-weight="bold">'
    yield f"{escape(name)}</text>"
    for number, line in enumerate(lines):
        baseline = y + PADDING + (number + 1) * LINE_HEIGHT - 4
        yield f'<text x="{NAME_WIDTH}" y="{baseline}" fill="{FAINT}">{escape(line)}</text>'


def short_name(module: str) -> str:
    """Without what most of them begin with."""
    return module.removeprefix("kinto.core.")


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("layers-diagram", LayersDiagram)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
