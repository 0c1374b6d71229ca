"""The block "Heka Logging" of the operator's guide, word for word, under both servers."""

import json

import pytest

from kinto.core.testing import get_user_headers
from tests.support.logged import GUIDE_BLOCK, running_server
from tests.support.sentry import exception_of, message_of, running_collector


KEYS = {"Timestamp", "Type", "Logger", "Hostname", "Severity", "Pid", "EnvVersion", "Fields"}
SETTINGS = {
    "kinto.logging_renderer": "kinto.core.logs.MozillaHekaRenderer",
    "kinto.project_name": "my app",
    "kinto.includes": "tests.support.logged.failing",
}
SERVERS = {
    "kinto start": None,
    "uWSGI lazy": {"processes": 2, "lazy-apps": True, "disable-logging": True},
    "uWSGI forking": {"processes": 2, "disable-logging": True},
}
# Lines that uWSGI writes when the application is loaded: where workers load it, one of each.
LOADED = {"kinto start": 0, "uWSGI lazy": 2, "uWSGI forking": 1}
SENTRY_HOST = "http://public:secret@example.com/1"


class Session:
    """What was seen of a server from its start to its end.

    uWSGI has stdout and stderr as one, and lines of its own at its start and end.
    """

    def __init__(self, server, collector, *, is_uwsgi):
        self.err = server.stderr.read_text()
        self.collector = collector
        lines = server.out().splitlines()
        if is_uwsgi:
            assert not lines
            lines = self.err.splitlines()
            ours = [number for number, line in enumerate(lines) if line.startswith("{")]
            served = [number for number in ours if '"request.summary"' in lines[number]]
            lines = [lines[n] for n in ours if n < served[0]] + lines[served[0] : ours[-1] + 1]
        self.lines = [json.loads(line) for line in lines]

    def of_type(self, name):
        return [line for line in self.lines if line["Type"] == name]


@pytest.fixture(scope="module", params=SERVERS)
def session(request):
    uwsgi = SERVERS[request.param]
    block = GUIDE_BLOCK.replace(SENTRY_HOST, "{}")
    with running_collector() as collector:
        block = block.replace("{}", collector.dsn("secret"))
        with running_server(SETTINGS, logging_block=block, uwsgi=uwsgi) as server:
            server.wait_until_written("WSGI app 0", count=LOADED[request.param])
            server.call("/v1/?_limit=2", headers=get_user_headers("alice"))
            server.call("/v1/buckets/b")
            server.call("/v1/log", headers={"X-Request-Id": "r-1"})
            server.call("/v1/fail?a=1", method="POST", body={"a": 1})
            collector.wait_for(is_failure)
            collector.wait_for(is_summary, count=4)
            server.stop()
            seen = Session(server, collector, is_uwsgi=uwsgi is not None)
        yield seen


def is_failure(event):
    return exception_of(event).get("type") == "RuntimeError"


def is_summary(event):
    return event.get("logger") == "request.summary"


@pytest.mark.guide("Heka lines")
def test_every_line_is_an_object_with_exactly_the_keys_of_heka(session):
    assert session.lines
    assert all(line.keys() == KEYS for line in session.lines)
    assert {line["Logger"] for line in session.lines} == {"my app"}
    assert {line["EnvVersion"] for line in session.lines} == {"2.0"}


@pytest.mark.guide("Heka lines")
def test_nothing_in_fields_is_nested(session):
    values = [value for line in session.lines for value in line["Fields"].values()]

    assert not any(isinstance(value, dict) for value in values)


def test_start_up_is_a_line(session):
    assert session.of_type("Running my app 27.0.0.")


@pytest.mark.guide("Heka request.summary")
def test_each_request_is_a_line(session):
    summaries = session.of_type("request.summary")
    paths = [line["Fields"]["path"] for line in summaries]
    first = summaries[paths.index("/v1/")]["Fields"]

    assert sorted(paths) == ["/v1/", "/v1/buckets/b", "/v1/fail", "/v1/log"]
    assert first["querystring"] == '{"_limit": "2"}'
    assert first["authn_type"] == "basicauth"
    assert first["lang"] is None
    assert {line["Severity"] for line in summaries} == {6}


@pytest.mark.guide("Heka lines")
def test_records_of_libraries_are_lines(session):
    (warning,) = session.of_type("two\nlines {'a': 1}")
    (failure,) = session.of_type("it failed")

    assert warning["Severity"] == 4
    assert warning["Fields"] == {"rid": "r-1"}
    assert "LookupError: of a library" in failure["Fields"]["exception"]


@pytest.mark.guide("Heka errors")
def test_an_unhandled_error_is_one_line(session):
    (line,) = [line for line in session.lines if line["Type"].startswith("cannot go on")]

    assert line["Severity"] == 2
    assert line["Fields"]["path"] == "/v1/fail"
    assert line["Fields"]["querystring"] == '{"a": "1"}'
    assert "in _fail" in line["Fields"]["exception"]
    assert line["Fields"]["exception"].endswith('RuntimeError: cannot go on with a=1 {"a": 1}')


def test_lines_of_the_service_come_twice_as_the_block_has_it(session):
    # Its logger and the root logger both have the handlers, and nothing is hidden.
    start = session.of_type("Running my app 27.0.0.")
    processes = {line["Pid"] for line in start}

    assert len(start) == 2 * len(processes)


@pytest.mark.guide("Heka lines")
def test_python_warnings_are_lines(session):
    # `kinto start` leaves out where they come from.
    shown = [line for line in session.lines if "some Python warning" in line["Type"]]

    assert {line["Severity"] for line in shown} == {4}


@pytest.mark.guide("Sentry handler")
def test_start_up_reaches_sentry(session):
    session.collector.wait_for(lambda event: message_of(event) == "Running my app 27.0.0.")


@pytest.mark.guide("Sentry handler")
def test_an_unhandled_error_reaches_sentry_with_its_frames(session):
    (event,) = session.collector.wait_for(is_failure)
    frames = exception_of(event)["stacktrace"]["frames"]

    assert exception_of(event)["value"] == 'cannot go on with a=1 {"a": 1}'
    assert frames[-1]["function"] == "_fail"
    assert not any(frame.get("vars") for frame in frames)
    assert event["extra"]["path"] == "'/v1/fail'"


def test_each_request_reaches_sentry_as_the_level_has_it(session):
    events = session.collector.wait_for(is_summary, count=4)

    assert {message_of(event) for event in events} == {"request.summary"}


@pytest.mark.guide("Sentry handler")
def test_the_protocol_is_that_of_raven(session):
    path, headers, _ = session.collector.raw[0]

    assert path == "/api/1/store/"
    assert "sentry_version=6" in headers["X-Sentry-Auth"]
    assert "sentry_key=public" in headers["X-Sentry-Auth"]


def test_the_block_with_its_own_host_harms_nobody():
    with running_server(SETTINGS, logging_block=GUIDE_BLOCK) as server:
        status, _ = server.call("/v1/")
        server.stop()

    assert status == 200
    assert server.daemon.process.returncode == 0
