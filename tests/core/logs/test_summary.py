import logging
import re
from datetime import datetime, timedelta

import pytest
import webob
from dockerflow.logging import request_id_context
from pyramid.events import NewRequest

from kinto.core import tweens
from kinto.core.storage.exceptions import ConcurrentWriteError
from kinto.core.testing import get_user_headers
from tests.support.extensions import Extended
from tests.support.records import recording


ALICE, BOB = get_user_headers("alice"), get_user_headers("bob")


def test_summary_of_a_request_holds_what_was_asked_and_answered(app, records):
    headers = {**ALICE, "User-Agent": "curl/8", "Accept-Language": "fr", "X-Request-Id": "r-1"}

    app.get("/v1/?a=b&c=1&c=%C3%A9", headers=headers)

    (record,) = records.of("request.summary")
    fields = records.summary()
    assert (record.levelname, record.getMessage()) == ("INFO", "")
    assert isinstance(fields.pop("t"), int)
    moment = fields.pop("time")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}000", moment)
    assert abs(datetime.now() - datetime.fromisoformat(moment)) < timedelta(minutes=1)
    assert len(fields.pop("uid")) == 64
    assert fields == {
        "method": "GET",
        "path": "/v1/",
        "querystring": {"a": "b", "c": "é"},
        "agent": "curl/8",
        "lang": "fr",
        "code": 200,
        "errno": 0,
        "rid": "r-1",
        "authn_type": "basicauth",
    }


def test_what_is_not_known_is_left_out(app, records):
    app.get("/v1/__lbheartbeat__")

    fields = records.summary()
    assert fields.keys() == {"method", "path", "code", "errno", "t", "time", "rid"}
    assert re.fullmatch("[0-9a-f]{32}", fields["rid"])


@pytest.mark.parametrize(
    ("method", "path", "headers", "code", "errno"),
    [
        ("GET", "/v1", {}, 307, 0),
        ("GET", "/anything", {}, 307, 0),
        ("GET", "/v1/buckets/b", {}, 401, 104),
        ("GET", "/v1/buckets/b", BOB, 403, 121),
        ("GET", "/v1/nothing", {}, 404, 111),
        ("GET", "/v7/", {}, 404, 116),
        ("PATCH", "/v1/", {}, 405, 115),
        ("GET", "/v1/buckets?_limit=x", ALICE, 400, 107),
        ("GET", "/v1/", {"Host": "a/b"}, 400, 107),
        ("OPTIONS", "/v1/buckets", {}, 400, 107),
        ("GET", "/v1/%E9", {}, 400, 107),
        ("POST", "/v1/fail", {}, 500, 999),
    ],
)
def test_refusals_and_failures_have_their_summary(
    app, records, method, path, headers, code, errno
):
    app.request(path, method=method, headers=headers, status=code)

    fields = records.summary()
    assert (fields["code"], fields["errno"], fields["method"]) == (code, errno, method)


def test_an_unchanged_object_has_its_summary(app):
    app.put_json("/v1/buckets/same", headers=ALICE)
    etag = app.get("/v1/buckets/same", headers=ALICE).headers["ETag"]

    with recording() as records:
        app.get("/v1/buckets/same", headers={**ALICE, "If-None-Match": etag}, status=304)

    assert records.summary()["code"] == 304


@pytest.mark.parametrize(
    ("settings", "code", "errno"),
    [
        ({"kinto.eos": "2010-01-01"}, 410, 202),
        ({"kinto.max_body_size_bytes": "10"}, 413, 113),
        ({"kinto.readonly": "true"}, 405, 115),
    ],
    ids=["end of service", "body too large", "read-only"],
)
def test_what_is_refused_before_any_view_has_its_summary(make_app, settings, code, errno):
    app = make_app(settings)

    with recording() as records:
        app.put_json("/v1/buckets/b", {"data": {"text": "long enough"}}, status=code)

    assert (records.summary()["code"], records.summary()["errno"]) == (code, errno)


def test_nothing_is_computed_when_the_logger_is_off(app, monkeypatch):
    def fail(*args):
        raise AssertionError("computed")

    for name in ("_fields_of", "_log_summary", "_emit"):
        monkeypatch.setattr(f"kinto.core.request_log.{name}", fail)

    with recording(logging.WARNING) as records:
        app.get("/v1/")
        app.post_json("/v1/batch", {"requests": [{"path": "/"}]})

    assert not records.all


def test_levels_count_while_the_process_runs(app):
    with recording(logging.INFO, request_summary=logging.WARNING) as records:
        app.get("/v1/")
        assert not records.of("request.summary")
        logging.getLogger("request.summary").setLevel(logging.INFO)
        app.get("/v1/")
        assert len(records.of("request.summary")) == 1


def test_a_request_that_is_tried_again_has_one_summary():
    extended = Extended()
    tried = []

    def collide(event):
        tried.append(request_id_context.get(None))
        if len(tried) < 3:
            raise ConcurrentWriteError()

    extended.subscribe(collide, NewRequest)

    with recording() as records:
        extended.client.put_json("/v1/buckets/b", headers=ALICE, status=201)

    assert len(tried) == 3
    assert len(set(tried)) == 1
    assert records.summary()["code"] == 201


def test_a_request_that_is_tried_in_vain_has_one_summary():
    extended = Extended()

    def collide(event):
        raise ConcurrentWriteError()

    extended.subscribe(collide, NewRequest)

    with recording() as records:
        extended.client.put_json("/v1/buckets/b", headers=ALICE, status=503)

    assert records.summary()["code"] == 503


def test_an_exception_that_the_server_has_to_answer_has_its_summary(make_app, monkeypatch):
    def fail(request, settings):
        raise ZeroDivisionError

    monkeypatch.setattr(tweens, "_find_refusal", fail)
    app = make_app()

    with recording() as records, pytest.raises(ZeroDivisionError):
        app.get("/v1/")

    assert (records.summary()["code"], records.summary()["errno"]) == (500, 999)
    assert request_id_context.get(None) is None


def test_plugins_add_fields(app, records):
    app.get("/v1/log")

    fields = records.summary()
    assert fields["flavour"] == "vanilla"
    assert "nothing" not in fields


def test_names_of_the_standard_attributes_do_no_harm(app, records):
    app.get("/v1/log?module=x")

    assert records.summary()["name_"] == "not that of the logger"


def test_summary_of_a_batch_tells_its_size(app, records):
    body = {
        "defaults": {"headers": ALICE},
        "requests": [
            {"path": "/buckets/batch", "method": "PUT"},
            {"path": "/v1/buckets/nobodys?_since=1", "headers": BOB},
            {"path": "/log"},
        ],
    }

    app.post_json("/v1/batch", body, headers={"X-Request-Id": "r-2"})

    summary, items = records.summary(), records.extras("subrequest.summary")
    messages = {record.getMessage() for record in records.of("subrequest.summary")}
    assert (summary["path"], summary["batch_size"]) == ("/v1/batch", 3)
    assert messages == {"subrequest.summary"}
    assert [(item["method"], item["path"], item["code"], item["errno"]) for item in items] == [
        ("PUT", "/v1/buckets/batch", 201, 0),
        ("GET", "/v1/buckets/nobodys", 403, 121),
        ("GET", "/v1/log", 200, 0),
    ]
    assert [item["rid"] for item in items] == ["r-2"] * 3
    assert [item["batch_size"] for item in items] == [3, 3, 3]
    assert items[1]["querystring"] == {"_since": "1"}
    assert len(items[0]["uid"]) == 64
    assert isinstance(items[0]["t"], int)
    # What a plugin adds to a sub-request shows with the request that it is part of.
    assert items[2]["flavour"] == summary["flavour"] == "vanilla"


def test_a_failing_item_has_its_summary(app, records):
    app.post_json("/v1/batch", {"requests": [{"path": "/fail", "method": "POST"}]}, status=500)

    (item,) = records.extras("subrequest.summary")
    assert "code" not in item
    assert records.summary()["code"] == 500


def test_records_during_a_request_have_its_id(app, records):
    seen = []

    class Handler(logging.Handler):
        def emit(self, record):
            seen.append(request_id_context.get(None))

    handler = Handler()
    logging.getLogger("some.library").addHandler(handler)
    try:
        app.get("/v1/log", headers={"X-Request-Id": "r-3"})
    finally:
        logging.getLogger("some.library").removeHandler(handler)

    assert set(seen) == {"r-3"}
    assert request_id_context.get(None) is None


def test_an_id_that_code_around_the_application_has_set_is_used(app, records):
    token = request_id_context.set("of a middleware")
    try:
        app.get("/v1/")
        assert request_id_context.get(None) == "of a middleware"
    finally:
        request_id_context.reset(token)

    assert records.summary()["rid"] == "of a middleware"


def test_nobody_writes_lines_of_their_own_into_the_log(app, records):
    request = webob.Request.blank("/v1/?a=%0Ab%1B[1m&%0D=1")
    request.environ["HTTP_USER_AGENT"] = "x\ny"
    request.environ["HTTP_X_REQUEST_ID"] = "r" * 300 + "\n"

    request.get_response(app.app)

    fields = records.summary()
    assert fields["querystring"] == {"a": r"\nb\x1b[1m", r"\r": "1"}
    assert fields["agent"] == r"x\ny"
    assert fields["rid"] == "r" * 200


def test_refused_permission_is_logged_once(app, records):
    app.get("/v1/buckets/closed", headers=BOB, status=403)

    (record,) = records.of("kinto.core.authorization")
    (extras,) = records.extras("kinto.core.authorization")
    assert record.levelname == "INFO"
    assert extras["perm"] == "read"
    assert extras["uri"] == "/buckets/closed"
    assert extras["userid"].startswith("basicauth:")
    assert record.getMessage() == (
        f"Permission 'read' on '/buckets/closed' not granted to '{extras['userid']}'."
    )


def test_unhandled_exception_is_logged_once(app, records):
    app.post("/v1/fail?a=1", "some body", status=500)

    errors = [record for record in records.all if record.levelno >= logging.ERROR]
    (record,) = errors
    assert record.name == "root"
    assert record.getMessage() == "cannot go on with a=1 some body"
    assert record.exc_info[0] is RuntimeError
    (extras,) = records.extras("root")
    assert extras == {
        "path": "/v1/fail",
        "method": "POST",
        "querystring": {"a": "1"},
        "errno": 999,
    }


def test_start_up_is_logged_once(make_app):
    with recording() as records:
        make_app({"kinto.project_name": "my app", "kinto.project_version": "3.1"})

    messages = [record.getMessage() for record in records.of("kinto.core")]
    assert messages == ["Running my app 3.1."]
