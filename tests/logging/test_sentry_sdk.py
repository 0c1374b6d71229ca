"""Error reports by ``kinto.sentry_dsn``, received by a server of our own."""

import logging
import socket
import time

import pytest
import sentry_sdk
from pyramid.exceptions import ConfigurationError

from kinto.core.testing import get_user_headers
from tests.support.processes import free_port
from tests.support.sentry import exception_of, message_of, running_collector


ALICE = get_user_headers("alice")
SECRETS = {"Authorization": "Bearer in-header", "X-Token": "in-token", "Cookie": "in-cookie"}


@pytest.fixture
def collector():
    with running_collector() as found:
        yield found


@pytest.fixture
def reporting(make_app, collector):
    """Makes an application that reports to the collector."""

    def make(**settings):
        return make_app(
            {
                "kinto.sentry_dsn": collector.dsn(),
                "kinto.includes": "tests.support.logged.failing",
                **settings,
            }
        )

    yield make
    sentry_sdk.flush(2)
    forget_client()


def forget_client():
    sentry_sdk.get_global_scope().set_client(None)
    sentry_sdk.get_isolation_scope().clear()


def is_failure(event):
    return exception_of(event).get("type") == "RuntimeError"


def test_start_up_is_reported(reporting, collector):
    reporting(**{"kinto.project_name": "my app", "kinto.sentry_env": "stage"})

    (event,) = collector.wait_for(lambda event: event["level"] == "info")
    assert message_of(event) == "Running my app 27.0.0."
    assert event["environment"] == "stage"
    assert event["release"] == "27.0.0"


def test_unhandled_error_is_reported_once_with_its_frames(reporting, collector):
    app = reporting()

    app.post("/v1/fail?a=1", "some body", headers=ALICE, status=500)
    app.post("/v1/fail?b=2", "some body", headers=ALICE, status=500)
    logging.getLogger("some.library").error("the last one")

    collector.wait_for(lambda event: message_of(event) == "the last one")
    first, _second = collector.wait_for(is_failure, count=2)
    assert len([event for event in collector.events if is_failure(event)]) == 2
    exception = exception_of(first)
    assert exception["value"] == "cannot go on with a=1 some body"
    assert exception["stacktrace"]["frames"][-1]["function"] == "_fail"
    assert first["exception"]["values"][0]["type"] == "ValueError"
    assert first["request"]["url"].endswith("/v1/fail")
    assert first["logger"] == "root"


def test_no_secret_is_reported(reporting, collector):
    app = reporting(**{"kinto.userid_hmac_secret": "in-settings"})

    body = '{"data": {"password": "in-body"}, "url": "http://a:in-url@b/"}'
    app.post("/v1/fail?code=in-code&x=1", body, headers=SECRETS, status=500)

    (event,) = collector.wait_for(is_failure)
    assert event["request"]["query_string"] == "code=***&x=1"
    assert "vars" not in str(event["exception"])
    for place in ("header", "token", "cookie", "settings", "body", "url", "code"):
        assert f"in-{place}" not in collector.text()


def test_levels_decide_what_is_reported(reporting, collector):
    reporting(
        **{"kinto.sentry_events_min_level": "40", "kinto.sentry_breadcrumbs_min_level": "30"}
    )
    logger = logging.getLogger("some.library")

    for level in (logging.INFO, logging.WARNING, logging.ERROR):
        logger.log(level, "at %s", level)

    (event,) = collector.wait_for(lambda event: message_of(event) == "at 40")
    crumbs = [crumb["message"] for crumb in event["breadcrumbs"]["values"]]
    assert "at 30" in crumbs
    assert "at 20" not in crumbs
    assert not any(message_of(event) == "at 30" for event in collector.events)


@pytest.mark.parametrize("kind", ["down", "hanging"])
def test_a_collector_that_does_not_answer_delays_nobody(make_app, kind):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = free_port() if kind == "down" else silent.getsockname()[1]
        try:
            app = make_app(
                {
                    "kinto.sentry_dsn": f"http://public@127.0.0.1:{port}/1",
                    "kinto.includes": "tests.support.logged.failing",
                }
            )
            start = time.monotonic()
            for _ in range(100):
                app.post("/v1/fail", status=500)
            seconds = time.monotonic() - start
        finally:
            sentry_sdk.get_client().transport.kill()
            forget_client()

    # One that waited for the collector would take seconds for each.
    assert seconds / 100 < 0.2


@pytest.mark.parametrize("dsn", ["http://127.0.0.1/1", "http://key-of-mine@127.0.0.1/"])
def test_an_address_that_is_no_project_stops_the_start_up(make_app, dsn):
    with pytest.raises(ConfigurationError) as failure:
        make_app({"kinto.sentry_dsn": dsn})

    assert "Invalid value for setting 'kinto.sentry_dsn'" in str(failure.value)
    assert "key-of-mine" not in str(failure.value)


def test_a_missing_package_is_named(make_app, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "sentry_sdk", None)

    with pytest.raises(ConfigurationError, match=r"sentry-sdk: pip install 'kinto\[monitoring\]'"):
        make_app({"kinto.sentry_dsn": "http://public@127.0.0.1/1"})


def test_without_the_setting_nothing_is_started(make_app):
    make_app()

    assert not sentry_sdk.get_client().is_active()
