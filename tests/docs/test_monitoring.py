"""The pages about metrics: their examples work, their settings exist, their table is complete."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import webtest

from kinto.core.metrics.names import METRICS
from kinto.core.settings import DEFINITIONS
from tests.support.examples import check_output, read_examples, run_examples
from tests.support.measured import BUCKET, RECORD, RECORDS, Measured
from tests.support.processes import find_program
from tests.support.statsd import running_statsd


DOCS = Path(__file__).parent.parent.parent / "docs"
PAGE = DOCS / "how-to" / "monitoring.rst"
_INI_BLOCK = re.compile(r"^\.\. code-block:: ini\n\n((?:   .*\n|\n)+)", re.MULTILINE)
_PLACEHOLDER = re.compile(r"<\w+>")


def test_examples_of_the_page_answer_what_it_says(
    kinto_server: Callable[..., str], tmp_path: Path
) -> None:
    find_program("curl", package="curl")
    server = kinto_server({"kinto.includes": "kinto.plugins.prometheus"})
    examples = read_examples(PAGE)

    outputs = run_examples(examples, server=server, directory=tmp_path)

    assert len(examples) == 2
    for example, output in zip(examples, outputs, strict=True):
        check_output(example, output)


def test_settings_of_the_page_exist() -> None:
    blocks = _INI_BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    names = set(re.findall(r"^   kinto\.(\w+) =", "".join(blocks), re.MULTILINE))

    assert "statsd_url" in names
    assert names <= DEFINITIONS.keys()


def test_what_the_page_tells_about_prometheus_is_taken(
    make_app: Callable[..., webtest.TestApp],
) -> None:
    from kinto.plugins.prometheus import reset_registry

    reset_registry()
    block = next(block for block in _INI_BLOCK.findall(PAGE.read_text()) if "buckets" in block)
    settings = dict(line.strip().split(" = ") for line in block.strip().splitlines())
    app = make_app({**settings, "kinto.includes": "kinto.plugins.prometheus"})
    app.get("/v1/")

    text = app.get("/v1/__metrics__").text
    reset_registry()

    assert "kintoprod_request_duration_seconds_bucket" in text
    assert 'le="0.005"' in text
    assert "kintoprod_request_size" not in text


@pytest.mark.parametrize("plugin", ["", "tests.support.plugins"], ids=["", "listener"])
def test_the_table_names_all_that_is_sent(
    make_app: Callable[..., webtest.TestApp], plugin: str
) -> None:
    patterns = [
        r"[\w.-]+".join(map(re.escape, _PLACEHOLDER.split(name)))
        for metric in METRICS
        for name in (metric.name, metric.older.replace("<service>.<METHOD>", "<x>"))
        if name
    ]
    # Labels follow the names.
    known = re.compile(f"kinto\\.(?:{'|'.join(patterns)})(?:\\..*)?", re.IGNORECASE)
    with running_statsd() as listener:
        settings = {"kinto.statsd_url": listener.url, "kinto.event_listeners": plugin}
        measured = Measured(make_app(settings), listener)
        measured.make_objects()
        for path in ("/v1/", "/v1/__heartbeat__", "/v1/unknown", BUCKET, RECORDS, RECORD):
            measured.call("GET", path)
        names = {each.name for each in listener.received()}

    assert len(names) > 30
    assert [name for name in sorted(names) if not known.fullmatch(name)] == []
