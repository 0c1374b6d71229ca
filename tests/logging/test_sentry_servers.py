"""Error reports of server processes: several workers, collectors that do not answer."""

import socket
import time

import pytest

from tests.support.logged import GUIDE_BLOCK, running_server
from tests.support.processes import free_port
from tests.support.sentry import exception_of, message_of, running_collector


FAILING = {"kinto.includes": "tests.support.logged.failing"}
SENTRY_HOST = "http://public:secret@example.com/1"
PLAIN_BLOCK = """
[loggers]
keys = root
[handlers]
keys = console
[formatters]
keys = plain
[logger_root]
level = INFO
handlers = console
[handler_console]
class = StreamHandler
args = (sys.stderr,)
level = INFO
formatter = plain
[formatter_plain]
format = %(levelname)s %(message)s
"""


def is_start(event):
    return message_of(event).startswith("Running")


def is_failure(event):
    return exception_of(event).get("type") == "RuntimeError"


@pytest.mark.parametrize(
    ("uwsgi", "starts"),
    [
        (None, 1),
        ({"processes": 2, "lazy-apps": True}, 2),
        ({"processes": 2}, 1),
    ],
    ids=["kinto start", "uWSGI lazy", "uWSGI forking"],
)
def test_each_process_that_loads_the_application_reports(uwsgi, starts):
    with running_collector() as collector:
        settings = {**FAILING, "kinto.sentry_dsn": collector.dsn()}
        with running_server(settings, logging_block=PLAIN_BLOCK, uwsgi=uwsgi) as server:
            statuses = [server.call("/v1/fail", method="POST")[0] for _ in range(4)]
            failures = collector.wait_for(is_failure, count=4)
            collector.wait_for(is_start, count=starts)
            server.stop()

    assert statuses == [500] * 4
    assert len(failures) == 4
    assert len([event for event in collector.events if is_start(event)]) == starts


@pytest.mark.parametrize("kind", ["down", "hanging"])
def test_the_handler_of_the_guide_delays_nobody(kind):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = free_port() if kind == "down" else silent.getsockname()[1]
        block = GUIDE_BLOCK.replace(SENTRY_HOST, f"http://public:secret@127.0.0.1:{port}/1")
        with running_server(FAILING, logging_block=block) as server:
            server.call("/v1/")
            start = time.monotonic()
            statuses = [server.call("/v1/fail", method="POST")[0] for _ in range(50)]
            seconds = time.monotonic() - start

    assert statuses == [500] * 50
    # One that waited for the collector would take a second for each.
    assert seconds / 50 < 0.3
