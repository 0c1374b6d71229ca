"""The logging sections of configuration files: the one that ``kinto init`` writes, others."""

import json
import logging.config
import re
import sys
from datetime import UTC, datetime

import pytest

from kinto.config.inifile import setup_logging
from kinto.config.template import Choices, render_ini
from kinto.core.logs.rendering import use_renderer
from tests.support.logged import GUIDE_BLOCK, running_server
from tests.support.services import MEMORY_SETTINGS, write_ini


FAILING = {"kinto.includes": "tests.support.logged.failing"}
ANSI = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture
def logging_is_restored():
    root = logging.getLogger()
    kinto = logging.getLogger("kinto")
    before = [(each, list(each.handlers), each.level, each.propagate) for each in (root, kinto)]
    yield
    for logger, handlers, level, propagate in before:
        logger.handlers[:], logger.propagate = handlers, propagate
        logger.setLevel(level)
    logging.captureWarnings(False)
    use_renderer(None)


def initial_block():
    text = render_ini(Choices("memory", "memory"), now=datetime(2026, 1, 1, tzinfo=UTC))
    return text[text.index("[loggers]") :]


def serve(block):
    with running_server(FAILING, logging_block=f"\n{block}") as server:
        server.call("/v1/?a=b", headers={"X-Request-Id": "r-1"})
        server.call("/v1/fail?{x}", method="POST", headers={"X-Request-Id": "r-2"})
        server.stop()
        return server.stderr.read_text()


def test_a_new_file_logs_with_colours():
    err = serve(initial_block())
    lines = ANSI.sub("", err).splitlines()

    assert '\x1b[1m"GET   /v1/?a=b"\x1b[0m\x1b[33m 200 (' in err
    assert sum(line.startswith("Running kinto") for line in lines) == 1
    assert sum('"POST  /v1/fail' in line and " 500 (" in line for line in lines) == 1
    # The error, with its traceback after the line.
    assert any("cannot go on with {x}" in line and "rid=r-2" in line for line in lines)
    assert "RuntimeError: cannot go on with {x} " in lines
    assert "Logging error" not in err


def test_a_new_file_has_json_at_hand():
    err = serve(initial_block().replace("formatter = color", "formatter = json"))

    lines = [json.loads(line) for line in err.splitlines()]
    summary = next(line for line in lines if line["Type"] == "request.summary")
    assert summary["Fields"]["querystring"] == {"a": "b"}
    assert summary["Fields"]["rid"] == "r-1"


def write_guide_ini(path, **settings):
    block = GUIDE_BLOCK.replace("raven.handlers.logging.SentryHandler", "NullHandler")
    block = re.sub(r"\nargs = \('http.*", "\nargs = ()", block)
    ini = write_ini(path, {**MEMORY_SETTINGS, **settings})
    ini.write_text(ini.read_text() + block)
    return ini


def test_lines_before_there_is_an_application_are_rendered_too(
    tmp_path, monkeypatch, capsys, logging_is_restored
):
    monkeypatch.setenv("KINTO_LOGGING_RENDERER", "kinto.core.logs.MozillaHekaRenderer")
    setup_logging(write_guide_ini(tmp_path / "kinto.ini", **{"kinto.project_name": "my app"}))

    logging.getLogger("some.library").info("hello")

    line = json.loads(capsys.readouterr().out)
    assert (line["Type"], line["Logger"]) == ("hello", "my app")


@pytest.mark.parametrize("renderer", ["kinto.core.logs.Unknown", "None", ""])
def test_a_renderer_that_is_none_leaves_lines_as_they_are(
    tmp_path, capsys, logging_is_restored, renderer
):
    setup_logging(write_guide_ini(tmp_path / "kinto.ini", **{"kinto.logging_renderer": renderer}))

    logging.getLogger("some.library").info("hello")

    assert capsys.readouterr().out == "hello\n"


def test_a_handler_whose_package_is_missing_is_named(tmp_path, monkeypatch, logging_is_restored):
    monkeypatch.setitem(sys.modules, "raven", None)
    ini = write_ini(tmp_path / "kinto.ini", MEMORY_SETTINGS)
    ini.write_text(ini.read_text() + GUIDE_BLOCK)

    with pytest.raises(ImportError, match="raven"):
        setup_logging(ini)
