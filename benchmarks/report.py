"""The comparison as text, as a table for the documentation, as bars for its plot."""

import json
import platform
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.comparison import Row
from benchmarks.servers import ROOT
from benchmarks.svg import Bar, draw_bars


TABLE_FILE = ROOT / "docs" / "explanation" / "performance-table.rst"
PLOT_FILE = ROOT / "docs" / "explanation" / "performance.svg"
TITLES = {
    "hello": "hello, signed in",
    "get_record": "GET a record",
    "get_record_group": "GET a record, through a group",
    "get_record_304": "GET a record, 304",
    "list_100": "list of 100",
    "list_100_group": "list of 100, through a group",
    "list_filter_sort": "list with filter and sort",
    "list_since": "list of changes, few",
    "list_304": "list, 304",
    "post": "POST",
    "put_new": "PUT, new",
    "put_new_same": "PUT, new, one collection",
    "put_existing": "PUT, existing",
    "patch": "PATCH",
    "delete": "DELETE",
    "batch_25_put": "batch of 25 PUTs",
    "walk_pages": "pages of 1,000",
    "list_all_10k": "list of 10,000",
}
_SERVER_TITLES = {"reference": "Kinto 26.5.0", "kinto": "this version", "limit": "bare Pyramid"}


def as_text(rows: Sequence[Row]) -> str:
    """For a terminal."""
    lines = [
        f"{'scenario':18} {'server':10} {'req/s':>9} {'p50 ms':>8} {'p99 ms':>8} {'x ref.':>8}"
        f" {'[range]':>16} {'of limit':>8} {'CPU us':>8} {'trips':>6}"
    ]
    for row in rows:
        low_high = "[{:.2f}-{:.2f}]".format(*row.reference_range) if row.reference_range else ""
        lines.append(
            f"{row.scenario:18} {row.server:10} {row.rate:9.1f} {row.p50_ms:8.2f}"
            f" {row.p99_ms:8.2f} {_number(row.to_reference):>8} {low_high:>16}"
            f" {_percent(row.to_limit):>8} {row.cpu_us:8.0f}"
            f" {'' if row.round_trips is None else row.round_trips:>6}  {_errors(row)}"
        )
    return "\n".join(lines)


def _errors(row: Row) -> str:
    if not row.errors:
        return ""
    return f"{row.errors} errors: {' '.join(row.sample_error.split())[:80]}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.0%}"


def write_documentation(rows: Sequence[Row], *, conditions: str) -> None:
    """Replace the table and the plot of the page on performance."""
    TABLE_FILE.write_text(as_rst(rows, conditions=conditions), encoding="utf-8")
    bars = [
        Bar(TITLES[row.scenario], _SERVER_TITLES[row.server], row.to_reference)
        for row in rows
        if row.to_reference is not None
    ]
    if bars:
        title = "Throughput, as a multiple of Kinto 26.5.0"
        PLOT_FILE.write_text(draw_bars(bars, title=title), encoding="utf-8")


def as_rst(rows: Sequence[Row], *, conditions: str) -> str:
    """The table of the documentation: one line for each scenario."""
    header = [
        "request", "round trips (reference)", "requests/s (reference)", "x reference",
        "of the limit", "p50 ms (reference)", "p99 ms (reference)",
    ]  # fmt: skip
    by_scenario: dict[str, dict[str, Row]] = {}
    for row in rows:
        by_scenario.setdefault(row.scenario, {})[row.server] = row
    body = [
        _rst_cells(scenario, servers["kinto"], servers.get("reference"))
        for scenario, servers in by_scenario.items()
        if "kinto" in servers
    ]
    lines = [".. This file is written by `make bench`.", "", conditions, ""]
    lines += [".. list-table::", "   :header-rows: 1", ""]
    for cells in [header, *body]:
        lines += [f"   {'* -' if not i else '  -'} {cell}" for i, cell in enumerate(cells)]
    return "\n".join(lines) + "\n"


def _rst_cells(scenario: str, ours: Row, reference: Row | None) -> list[str]:
    def both(name: str, pattern: str) -> str:
        values = [getattr(row, name) for row in (ours, reference) if row is not None]
        texts = [pattern.format(value) if value is not None else "?" for value in values]
        return texts[0] if len(texts) == 1 else f"{texts[0]} ({texts[1]})"

    return [
        TITLES[scenario],
        both("round_trips", "{}"),
        both("rate", "{:,.0f}"),
        _number(ours.to_reference) or "?",
        _percent(ours.to_limit) or "?",
        both("p50_ms", "{:.2f}"),
        both("p99_ms", "{:.2f}"),
    ]


def write_json(rows: Sequence[Row], path: Path, *, conditions: str) -> None:
    """Keep the figures for later comparisons."""
    content = {
        "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "python": platform.python_version(),
        "conditions": conditions,
        "rows": [asdict(row) for row in rows],
    }
    path.write_text(json.dumps(content, indent=1), encoding="utf-8")
