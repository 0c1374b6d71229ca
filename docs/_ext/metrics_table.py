"""Directive ``metrics-table``: every metric, from the table that the service goes by."""

from collections.abc import Iterator

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from kinto.core.metrics.names import METRICS, REQUEST_LABELS, Metric


class MetricsTable(SphinxDirective):
    """One row for each metric."""

    def run(self) -> list[nodes.Node]:
        self.env.note_reread()
        container = nodes.Element()
        lines = StringList(list(table_lines()), source="kinto.core.metrics.names")
        self.state.nested_parse(lines, self.content_offset, container)
        return container.children


def table_lines() -> Iterator[str]:
    """The whole of it, as reStructuredText."""
    yield from [".. list-table::", "   :header-rows: 1", "   :widths: 27 7 16 22 28", ""]
    yield from row_lines("Name", "Kind", "Labels", "In Kinto 3", "Meaning")
    for metric in METRICS:
        yield from row_lines(
            literal(metric.name),
            metric.kind,
            shown_labels(metric),
            literal(metric.older),
            metric.meaning,
        )


def shown_labels(metric: Metric) -> str:
    """Names of the labels; those of requests are told below the table."""
    own = metric.labels
    if own[: len(REQUEST_LABELS)] == REQUEST_LABELS:
        return ", ".join(["those of requests", *map(literal, own[len(REQUEST_LABELS) :])])
    return ", ".join(map(literal, own))


def literal(text: str) -> str:
    return f"``{text}``" if text else ""


def row_lines(*cells: str) -> Iterator[str]:
    for number, cell in enumerate(cells):
        yield f"   {' ' if number else '*'} - {cell}"


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("metrics-table", MetricsTable)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
