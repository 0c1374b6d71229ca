"""Each block of "Log, and report errors" does what the page says."""

import json
import re
import textwrap
from pathlib import Path

from tests.support.logged import running_server
from tests.support.sentry import exception_of, message_of, running_collector


PAGE = Path(__file__).parent.parent.parent / "docs" / "how-to" / "logging.rst"
FAILING = {"kinto.includes": "tests.support.logged.failing"}
_BLOCK = re.compile(r"code-block:: ini\n   :name: (\w+)\n\n((?:(?:   .*)?\n)+)")
_SENTRY = re.compile(r"https?://\S+@sentry\.example\.com/1")


def read_blocks():
    text = PAGE.read_text(encoding="utf-8")
    return {name: textwrap.dedent(block) for name, block in _BLOCK.findall(text)}


BLOCKS = read_blocks()


def serve(block, settings=None):
    """What is written to stdout and stderr by a server that logs as the block says."""
    with running_server({**FAILING, **(settings or {})}, logging_block=f"\n{block}") as server:
        server.call("/v1/?a=1", headers={"X-Request-Id": "r-1"})
        server.call("/v1/fail", method="POST", headers={"X-Request-Id": "r-2"})
        server.stop()
        return server.out(), server.stderr.read_text()


def test_blocks_are_found():
    assert BLOCKS.keys() == {"json", "quiet", "colours", "heka", "sentry"}


def test_json_block():
    out, _ = serve(BLOCKS["json"])

    lines = [json.loads(line) for line in out.splitlines()]
    by_id = [line["Type"] for line in lines if line["Fields"]["rid"] == "r-2"]
    assert by_id == ["root", "request.summary"]
    assert (
        "in _fail" in next(line for line in lines if line["Type"] == "root")["Fields"]["traceback"]
    )


def test_block_without_requests():
    out, _ = serve(BLOCKS["quiet"])

    types = [json.loads(line)["Type"] for line in out.splitlines()]
    assert "root" in types
    assert "request.summary" not in types


def test_block_with_colours():
    out, err = serve(BLOCKS["colours"])

    assert out == ""
    assert err.count('"GET   /v1/?a=1"\x1b[0m\x1b[33m 200 (') == 1
    assert err.count("Running kinto") == 1
    assert "RuntimeError: cannot go on" in err


def test_heka_block_writes_each_line_once():
    with running_collector() as collector:
        block = _SENTRY.sub(collector.dsn("secret"), BLOCKS["heka"])
        renderer = "kinto.core.logs.MozillaHekaRenderer"
        out, _ = serve(block, {"kinto.logging_renderer": renderer})
        events = collector.events

    lines = [json.loads(line) for line in out.splitlines()]
    types = [line["Type"] for line in lines]
    assert types.count("Running kinto 27.0.0.") == 1
    assert types.count("request.summary") == 2
    assert [exception_of(event)["type"] for event in events] == ["RuntimeError"]


def test_heka_block_is_named_in_the_page():
    assert "kinto.logging_renderer = kinto.core.logs.MozillaHekaRenderer" in PAGE.read_text()


def test_sentry_block():
    lines = [line.partition(" = ") for line in BLOCKS["sentry"].splitlines() if " = " in line]
    settings = {name: value for name, _, value in lines}
    with running_collector() as collector:
        settings["kinto.sentry_dsn"] = collector.dsn()
        with running_server({**FAILING, **settings}, logging_block="") as server:
            server.call("/v1/fail", method="POST")
            (failure,) = collector.wait_for(lambda event: exception_of(event) != {})
            (start,) = collector.wait_for(lambda event: event["level"] == "info")

    assert message_of(start) == "Running kinto 27.0.0."
    assert {failure["environment"], start["environment"]} == {"production"}
    assert failure["exception"]["values"][-1]["stacktrace"]["frames"]
