import io
import json
import logging
import os
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from logging_color_formatter import ColorFormatter
from pyramid.config import Configurator
from pyramid.exceptions import ConfigurationError
from pyramid.threadlocal import manager

from kinto.core import JsonLogFormatter, StreamHandlerWithRequestID
from kinto.core.logs import ClassicLogRenderer, MozillaHekaRenderer
from kinto.core.logs.rendering import RenderingFormatter, event_of, use_renderer
from kinto.core.logs.values import to_json
from kinto.core.testing import get_user_headers
from tests.support.records import recording


KEYS = {"Timestamp", "Type", "Logger", "Hostname", "Severity", "Pid", "EnvVersion", "Fields"}
SUMMARY = {
    "event": "request.summary",
    "method": "GET",
    "path": "/v1/articles",
    "querystring": {"_sort": "title", "b": "é"},
    "code": 200,
    "t": 3,
    "errno": 0,
    "agent": "curl",
}
ANSI = re.compile(r"\x1b\[[0-9;]*m")


class Shouting:
    """A renderer of somebody else's."""

    def __init__(self, settings):
        self.project_name = settings["project_name"]

    def __call__(self, logger, level_name, event_dict):
        return f"{self.project_name} {logger.name} {level_name} {sorted(event_dict)}"


def no_renderer(settings):
    """Returns what cannot be called."""


@pytest.fixture(autouse=True)
def no_renderer_stays():
    yield
    use_renderer(None)


@pytest.fixture
def attached():
    """Attaches a handler with a formatter to the root logger; returns its stream."""
    handlers = []
    level = logging.getLogger().level

    def attach(formatter, cls=logging.StreamHandler):
        stream = io.StringIO()
        handlers.append(cls(stream))
        handlers[-1].setFormatter(formatter)
        logging.getLogger().addHandler(handlers[-1])
        logging.getLogger().setLevel(logging.INFO)
        return stream

    yield attach
    for handler in handlers:
        logging.getLogger().removeHandler(handler)
    logging.getLogger().setLevel(level)


def heka(level="info", **event):
    return json.loads(MozillaHekaRenderer({"project_name": "my app"})(None, level, event))


def classic(**event):
    text = ClassicLogRenderer({})(None, "info", event)
    return ANSI.sub("", text)


def test_heka_has_exactly_its_keys(monkeypatch):
    monkeypatch.setenv("HOSTNAME", "a-host")

    entry = heka(event="hello", a=1)

    assert entry.keys() == KEYS
    assert entry["Type"] == "hello"
    assert entry["Logger"] == "my app"
    assert entry["Hostname"] == "a-host"
    assert entry["Pid"] == os.getpid()
    assert entry["EnvVersion"] == "2.0"
    assert entry["Timestamp"] % 10**6 == 0
    assert entry["Fields"] == {"a": 1}


def test_heka_host_is_the_name_of_the_machine_otherwise(monkeypatch):
    monkeypatch.delenv("HOSTNAME", raising=False)

    assert heka(event="x")["Hostname"] == os.uname().nodename


@pytest.mark.parametrize(
    ("level", "severity"),
    [
        ("critical", 0),
        ("fatal", 0),
        ("exception", 2),
        ("error", 2),
        ("warning", 4),
        ("info", 6),
        ("debug", 7),
        ("level 15", 7),
    ],
)
def test_heka_severities(level, severity):
    assert heka(level, event="x")["Severity"] == severity


def test_heka_completes_the_fields_of_a_summary():
    fields = heka(event="request.summary", path="/v1/", code=200)["Fields"]

    assert fields == {
        "agent": None,
        "path": "/v1/",
        "method": None,
        "querystring": "{}",
        "lang": None,
        "uid": None,
        "authn_type": None,
        "errno": None,
        "time": None,
        "code": 200,
        "t": None,
    }


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"_limit": "2"}, '{"_limit": "2"}'),
        ({"a": {"b": b"c"}}, '{"a": {"b": "b\'c\'"}}'),
        (["a", "b"], ["a", "b"]),
        ([], []),
        (["a", 1], '["a", 1]'),
        ([{"a": 1}], '[{"a": 1}]'),
        (b"bytes", "b'bytes'"),
        (float("nan"), "nan"),
        (1.5, 1.5),
        (None, None),
    ],
)
def test_heka_fields_are_flat(value, shown):
    assert heka(event="x", value=value)["Fields"] == {"value": shown}


def test_heka_keys_are_replaced_by_extras_of_their_name():
    entry = heka(event="x", Pid=1, Type="other", a=2)

    assert (entry["Pid"], entry["Type"], entry["Fields"]) == (1, "other", {"a": 2})


@given(
    st.dictionaries(
        st.text(),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
            lambda inner: st.lists(inner) | st.dictionaries(st.integers() | st.text(), inner),
            max_leaves=8,
        ),
        max_size=4,
    ),
    st.text(),
)
def test_heka_is_one_line_of_strict_json_whatever_it_is_given(fields, message):
    fields.pop("event", None)
    text = MozillaHekaRenderer({})(None, "info", {**fields, "event": message})

    def refuse(constant):
        raise AssertionError(constant)

    entry = json.loads(text, parse_constant=refuse)
    assert len(text.splitlines()) == 1
    assert entry.keys() == KEYS
    assert not any(isinstance(value, dict) for value in entry["Fields"].values())


def test_json_of_what_refers_to_itself():
    value = {"a": 1, ("b",): object}
    value["self"] = value

    class Broken:
        def __repr__(self):
            raise ValueError

    assert json.loads(to_json(value))["a"] == 1
    assert to_json([Broken()]) == '["<Broken>"]'


def test_classic_line_of_a_request():
    assert classic(**SUMMARY) == (
        '"GET   /v1/articles?_sort=title&b=é" 200 (3 ms) request.summary agent=curl errno=0'
    )


def test_classic_line_without_query_or_outcome():
    event = {"event": "subrequest.summary", "method": "PATCH", "path": "/v1/"}

    assert classic(**event) == '"PATCH /v1/" ? (? ms) subrequest.summary'


def test_classic_line_of_another_event():
    assert classic(event="hello", b=1, a="x") == "hello a=x b=1"


def test_classic_has_the_traceback_below():
    assert classic(event="hello", exception="Traceback\n  x") == "hello\nTraceback\n  x"


def test_classic_colours():
    text = ClassicLogRenderer({})(None, "info", SUMMARY)

    assert text.startswith('\x1b[1m"GET   /v1/articles')
    assert "\x1b[33m 200 (3 ms)\x1b[0m" in text
    assert "\x1b[36magent\x1b[0m=\x1b[35mcurl\x1b[0m" in text


def test_rendered_records_are_lines_of_json(attached, make_app):
    stream = attached(logging.Formatter("%(message)s"))
    app = make_app(
        {
            "kinto.logging_renderer": "kinto.core.logs.MozillaHekaRenderer",
            "kinto.includes": "tests.support.logged.failing",
        }
    )

    app.get("/v1/log?a=1", headers=get_user_headers("alice"))
    app.post("/v1/fail", status=500)

    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    by_type = {line["Type"]: line for line in lines}
    assert all(line.keys() == KEYS for line in lines)
    assert by_type["request.summary"]["Fields"]["querystring"] == "{}"
    assert by_type["Running kinto 27.0.0."]["Severity"] == 6
    assert by_type["two\nlines {'a': 1}"]["Severity"] == 4
    assert "LookupError: of a library" in by_type["it failed"]["Fields"]["exception"]
    failure = by_type["cannot go on with  "]
    assert failure["Severity"] == 2
    assert "RuntimeError: cannot go on with" in failure["Fields"]["exception"]
    assert failure["Fields"]["rid"]


def test_handlers_that_read_records_see_them_as_they_are(attached, make_app):
    attached(logging.Formatter("%(message)s"))
    app = make_app(
        {
            "kinto.logging_renderer": "kinto.core.logs.MozillaHekaRenderer",
            "kinto.includes": "tests.support.logged.failing",
        }
    )

    with recording() as records:
        app.post("/v1/fail", status=500)

    (record,) = records.of("root")
    assert record.exc_info[0] is RuntimeError
    assert record.getMessage() == record.message == "cannot go on with  "


def test_other_formats_have_the_rendered_text_in_place_of_the_message(attached):
    stream = attached(logging.Formatter("%(levelname)s [%(name)s] %(message)s"))
    use_renderer(ClassicLogRenderer({}))

    logging.getLogger("some.library").info("100%% of %s", "it")

    assert ANSI.sub("", stream.getvalue()) == "INFO [some.library] 100% of it\n"


def test_a_class_of_somebody_else(attached, make_app):
    stream = attached(logging.Formatter("%(message)s"))
    make_app({"kinto.logging_renderer": f"{__name__}.Shouting"})

    logging.getLogger("some.library").warning("x", extra={"b": 1})

    assert "kinto some.library warning ['b', 'event']" in stream.getvalue()


def test_renderers_of_two_applications_do_not_mix(attached, make_app):
    stream = attached(logging.Formatter("%(name)s %(message)s"))
    rendered = make_app({"kinto.logging_renderer": f"{__name__}.Shouting"})
    plain = make_app()
    stream.truncate(0)
    stream.seek(0)

    rendered.get("/v1/")
    plain.get("/v1/")
    logging.getLogger("outside").info("of requests")

    first, second, third = stream.getvalue().splitlines()
    assert first.startswith("request.summary kinto request.summary info [")
    assert second == "request.summary "
    assert third == "outside of requests"


def test_handlers_are_wrapped_once(attached):
    attached(logging.Formatter("%(message)s"))
    use_renderer(ClassicLogRenderer({}))
    use_renderer(MozillaHekaRenderer({}))

    wrapped = [
        handler.formatter
        for handler in logging.getLogger().handlers
        if isinstance(handler.formatter, RenderingFormatter)
    ]
    assert wrapped
    assert not any(isinstance(each.inner, RenderingFormatter) for each in wrapped)


def test_handlers_without_formatter_are_rendered_too(attached):
    stream = attached(None)
    use_renderer(MozillaHekaRenderer({}))

    logging.getLogger("x").info("hello")

    assert json.loads(stream.getvalue())["Type"] == "hello"


def test_records_that_were_formatted_elsewhere_keep_their_traceback():
    record = logging.makeLogRecord({"msg": "x", "exc_text": "Traceback", "stack_info": "Stack"})

    assert event_of(record) == {"event": "x", "exception": "Traceback", "stack": "Stack"}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("kinto.core.logs.Unknown", "kinto.logging_renderer"),
        (f"{__name__}.no_renderer", "expected a class or a function"),
        ("os.getpid", "kinto.logging_renderer"),
    ],
)
def test_what_is_no_renderer_stops_the_start_up(make_app, name, reason):
    with pytest.raises(ConfigurationError, match=reason):
        make_app({"kinto.logging_renderer": name})


def test_colours_of_a_request(attached, make_app):
    stream = attached(ColorFormatter(), StreamHandlerWithRequestID)
    app = make_app()

    app.get("/v1/?a=b", headers={"User-Agent": "curl", "X-Request-Id": "r"})

    text = stream.getvalue().splitlines()[-1]
    assert '\x1b[1m"GET   /v1/?a=b"\x1b[0m\x1b[33m 200 (' in text
    assert "\x1b[36magent\x1b[0m=\x1b[35mcurl\x1b[0m" in text
    assert "\x1b[36mrid\x1b[0m=\x1b[35mr\x1b[0m" in text


def test_there_is_no_id_of_a_request_outside_of_one(attached, make_app):
    stream = attached(ColorFormatter(), StreamHandlerWithRequestID)
    make_app()

    logging.getLogger("kinto.core").warning("starting")

    text = ANSI.sub("", stream.getvalue()).splitlines()[-1]
    assert "starting" in text
    assert "rid" not in text


def test_colours_of_messages_with_braces_and_percent_signs(attached, make_app):
    stream = attached(ColorFormatter())
    app = make_app({"kinto.includes": "tests.support.logged.failing"})

    app.post("/v1/fail?{x.__class__}%25", '{"a": "{msg}"}', status=500)

    text = ANSI.sub("", stream.getvalue())
    assert 'cannot go on with {x.__class__}%25 {"a": "{msg}"}' in text
    assert "ValueError: first line {brace} 100%" in text


def json_line(formatter=None, **attributes):
    formatter = formatter or JsonLogFormatter()
    text = formatter.format(logging.makeLogRecord({"name": "a.b", "levelno": 20, **attributes}))
    assert len(text.splitlines()) == 1
    return json.loads(text)


def test_json_lines():
    JsonLogFormatter.init_from_settings({"project_name": "my app"})
    try:
        line = json_line(msg="two\nlines", a=1, created=1.5)
    finally:
        JsonLogFormatter.init_from_settings({"project_name": "kinto"})

    assert line["Timestamp"] == 1_500_000_000
    assert line["Type"] == "a.b"
    assert line["Logger"] == "my app"
    assert line["EnvVersion"] == "2.0"
    assert line["Severity"] == 6
    assert line["Fields"]["msg"] == "two\nlines"
    assert line["Fields"]["a"] == 1


def test_json_lines_have_the_name_of_the_project_that_comes_after_them():
    formatter = JsonLogFormatter()
    JsonLogFormatter.init_from_settings({"project_name": "later"})
    try:
        assert json_line(formatter)["Logger"] == "later"
    finally:
        JsonLogFormatter.init_from_settings({"project_name": "kinto"})


def test_json_lines_of_exceptions_and_odd_values():
    try:
        raise ValueError("x\ny")
    except ValueError as error:
        exc_info = (type(error), error, error.__traceback__)

    fields = json_line(exc_info=exc_info, odd={1, 2}, number=float("inf"))["Fields"]

    assert fields["error"] == "ValueError('x\\ny')"
    assert "in test_json_lines_of_exceptions" in fields["traceback"]
    assert fields["odd"] == "{1, 2}"
    assert fields["number"] == "inf"


def test_json_lines_of_summaries(attached, make_app):
    stream = attached(JsonLogFormatter(), StreamHandlerWithRequestID)
    app = make_app()

    app.get("/v1/?a=1", headers={"X-Request-Id": "r-1"})

    started, summary = (json.loads(line) for line in stream.getvalue().splitlines()[-2:])
    assert started["Fields"] == {"rid": None, "msg": "Running kinto 27.0.0."}
    assert summary["Type"] == "request.summary"
    assert summary["Fields"]["querystring"] == {"a": "1"}
    assert summary["Fields"]["rid"] == "r-1"
    assert "msg" not in summary["Fields"]


def test_renderer_of_the_request_at_hand_counts():
    config = Configurator()
    config.registry.logging_renderer = lambda logger, level, event: "of the application"
    use_renderer(lambda logger, level, event: "of the process")
    formatter = RenderingFormatter(logging.Formatter("%(message)s"))
    record = logging.makeLogRecord({"msg": "x"})

    outside = formatter.format(record)
    manager.push({"registry": config.registry, "request": None})
    try:
        inside = formatter.format(record)
    finally:
        manager.pop()

    assert (outside, inside) == ("of the process", "of the application")
