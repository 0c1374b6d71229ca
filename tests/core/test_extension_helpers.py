"""Errors, utilities and helpers for tests, as plugins use them."""

import json
import os
import threading
import time
import unittest
from typing import Any
from unittest import mock

import pytest
from pyramid import httpexceptions
from pyramid.request import Request

import kinto
from kinto.core import testing, utils
from kinto.core.cache.testing import CacheTest
from kinto.core.cornice.errors import Errors
from kinto.core.decorators import cache_forever
from kinto.core.errors import (
    ERRORS,
    http_error,
    json_error_handler,
    raise_invalid,
    request_GET,
    send_alert,
)
from kinto.core.permission.testing import PermissionTest
from kinto.core.schema import (
    URL,
    FieldList,
    HeaderField,
    HeaderQuotedInteger,
    QueryField,
    TimeStamp,
)
from kinto.core.storage import generators
from kinto.core.storage.testing import StorageTest
from kinto.core.testing import (
    BaseWebTest,
    DummyRequest,
    FormattedErrorMixin,
    ThreadMixin,
    get_request_class,
    get_user_headers,
)
from kinto.views import NameGenerator, RelaxedUUID


# -- errors -----------------------------------------------------------------------------


def test_http_error_gives_the_same_exception_a_json_body():
    exception = httpexceptions.HTTPBadRequest()
    error = http_error(exception, errno=ERRORS.BADJSON, message="m", info="i", details={"a": [1]})
    assert error is exception
    assert error.errno == 106
    assert error.content_type == "application/json"
    assert json.loads(error.body) == {
        "code": 400,
        "errno": 106,
        "error": "Bad Request",
        "message": "m",
        "info": "i",
        "details": {"a": [1]},
    }


def test_http_error_has_defaults():
    body = json.loads(http_error(httpexceptions.HTTPNotFound()).body)
    assert body == {"code": 404, "errno": 999, "error": "Not Found"}
    given = http_error(httpexceptions.HTTPNotFound(), errno=5, code=1, error="E")
    assert json.loads(given.body) == {"code": 1, "errno": 5, "error": "E"}


@pytest.mark.parametrize(
    ("name", "description", "message"),
    [
        ("age", "too old", "age in body: too old"),
        ("age", "age is too old", "age is too old"),
        ("", "too old", "too old"),
        (None, "too old", "body: too old"),
        ("age", b"too old", "age in body: too old"),
    ],
)
def test_messages_of_invalid_requests(name, description, message):
    request = DummyRequest()
    with pytest.raises(httpexceptions.HTTPBadRequest) as raised:
        raise_invalid(request, name=name, description=description)
    body = json.loads(raised.value.body)
    assert body["message"] == message
    assert (body["errno"], body["error"]) == (107, "Invalid parameters")
    assert body["details"][0]["location"] == "body"


def test_the_first_error_by_name_is_told():
    request = DummyRequest()
    request.errors.add("body", "b", "second")
    request.errors.add("body", "a", "first")
    body = json.loads(json_error_handler(request).body)
    assert body["message"] == "a in body: first"
    assert [error["name"] for error in body["details"]] == ["a", "b"]


def test_errors_are_a_list():
    errors = Errors()
    errors.add("body", "name", "description", more=1)
    assert errors == [
        {"location": "body", "name": "name", "description": "description", "more": 1}
    ]
    assert errors.status == 400


def test_alerts():
    request = DummyRequest()
    send_alert(request, message="m", url="http://u", code="hard-eol")
    alert = json.loads(request.response.headers["Alert"])
    assert alert == {"code": "hard-eol", "message": "m", "url": "http://u"}


def test_a_query_string_that_is_no_text_is_400():
    with pytest.raises(httpexceptions.HTTPBadRequest):
        dict(request_GET(Request.blank("/?a=%E8%A")))
    assert request_GET(Request.blank("/?a=b"))["a"] == "b"


# -- utilities --------------------------------------------------------------------------


def test_json():
    assert json.loads(utils.json.dumps({"b": 1, "a": [1.5, None, "é"]})) == {
        "b": 1,
        "a": [1.5, None, "é"],
    }
    assert utils.json.loads('{"a": 1}') == {"a": 1}
    assert utils.json.dumps({"b": 1, "a": 2}, sort_keys=True).index("a") == 2
    with pytest.raises(TypeError):
        utils.json.dumps({"a": b"bytes"})


def test_dicts():
    merged = {"a": {"b": 1}}
    utils.merge_dicts(merged, {"a": {"b": 2, "c": 3}, "d": 4})
    assert merged == {"a": {"b": 1, "c": 3}, "d": 4}
    root = {"a": {"b": 1, "c": 2}}
    utils.recursive_update_dict(root, {"a": {"b": None, "d": 3}}, ignores=(None,))
    assert root == {"a": {"c": 2, "d": 3}}
    utils.recursive_update_dict(root, 5)
    assert root == {"a": {"c": 2, "d": 3}}
    assert utils.dict_subset({"a": {"b": 1, "c": 2}, "d": 3}, ["a.b", "d"]) == {
        "a": {"b": 1},
        "d": 3,
    }
    first = {"a": {"b": 1}}
    assert utils.dict_merge(first, {"a": {"c": 2}}) == {"a": {"b": 1, "c": 2}}
    assert first == {"a": {"b": 1}}
    assert utils.find_nested_value({"a": {"b.c": 1}}, "a.b.c") == 1
    assert utils.find_nested_value({"a.b": {"c": 1}, "a": {"b": {"c": 2}}}, "a.b.c") == 1
    assert utils.find_nested_value({}, "a", default=5) == 5


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", 1), ("true", True), ("abc", "abc"), ('"1"', "1"), ("null", None), (7, 7), ("1.5", 1.5)],
)
def test_native_value(text, value):
    assert utils.native_value(text) == value


def test_read_env(monkeypatch):
    default: dict[str, Any] = {}
    assert utils.read_env("kinto.not-there", default) is default
    monkeypatch.setenv("KINTO_THERE_IT_IS", "true")
    assert utils.read_env("kinto.there-it.is", 1) is True


def test_small_ones():
    assert utils.classname(DummyRequest()) == "dummyrequest"
    assert len(utils.random_bytes_hex(16)) == 32
    assert utils.decode64(utils.encode64("é")) == "é"
    assert len(utils.hmac_digest("secret", "message")) == 64
    assert utils.strip_whitespace(" a ") == "a"
    assert utils.strip_uri_prefix("/v1/buckets/b") == "/buckets/b"
    assert utils.strip_uri_prefix("/buckets/v1") == "/buckets/v1"
    assert abs(utils.msec_time() - time.time() * 1000) < 5000


def test_instance_uri_asks_the_request_for_the_route():
    request = DummyRequest()
    request.route_path.return_value = "/v1/somewhere"
    assert utils.instance_uri(request, "record", id="a") == "/somewhere"
    request.route_path.assert_called_with("record-object", id="a")


def test_json_patches():
    obj = {"id": "a", "n": 1, "__permissions__": {"read": {"x"}}}
    ops = [
        {"op": "replace", "path": "/data/n", "value": 2},
        {"op": "add", "path": "/permissions/read/y"},
    ]
    assert utils.apply_json_patch(obj, ops) == {
        "data": {"id": "a", "n": 2},
        "permissions": {"read": ["x", "y"]},
    }
    with pytest.raises(ValueError):  # noqa: PT011
        utils.apply_json_patch(obj, [{"op": "remove", "path": "/data/unknown"}])


def test_helpers_on_requests():
    request = DummyRequest()
    assert utils.log_context(request, a=1) == {"a": 1}
    request.selected_userid = "bob"
    assert utils.prefixed_userid(request) == "basicauth:bob"


def test_cache_forever():
    calls: list[Any] = []

    @cache_forever
    def view(request: Any) -> dict[str, int]:
        calls.append(request)
        return {"n": len(calls)}

    assert view(1) == view(2) == view.__json__ == {"n": 1}
    del view.__json__
    assert view(3) == {"n": 2}


def test_nodes():
    assert TimeStamp().deserialize() > 0
    node = TimeStamp()
    node.auto_now = False
    assert node.deserialize() is None
    assert URL().deserialize(" http://example.com/ ") == "http://example.com/"
    assert HeaderQuotedInteger().deserialize('"12"') == 12
    assert HeaderQuotedInteger().deserialize("*") == "*"
    assert FieldList().deserialize("a, b") == ["a", "b"]
    assert issubclass(HeaderQuotedInteger, HeaderField)
    assert issubclass(FieldList, QueryField)


# -- ids --------------------------------------------------------------------------------


def test_generators():
    name = NameGenerator()()
    assert len(name) == 8
    assert NameGenerator().match(name)
    assert NameGenerator().match("Ab-_9")
    assert not NameGenerator().match("-ab")
    assert RelaxedUUID().match("anything")
    assert generators.UUID4().match(RelaxedUUID()())
    assert not generators.UUID4().match("anything")

    class Short(NameGenerator):
        regexp = r"^[a-z]$"

        def __call__(self) -> str:
            return "ab"

    with pytest.raises(ValueError):  # noqa: PT011
        Short()


# -- helpers for tests ------------------------------------------------------------------


def test_user_headers():
    assert get_user_headers("bob:x") == {"Authorization": "Basic Ym9iOng6c2VjcmV0"}


@pytest.mark.parametrize(("prefix", "path"), [("v1", "/v1/a"), ("", "/a")])
def test_request_classes(prefix, path):
    assert get_request_class(prefix).blank("/a").path == path


def test_dummy_requests():
    request = DummyRequest()
    assert isinstance(request, mock.MagicMock)
    assert (request.upath_info, request.application_url) == ("/v0/", "")
    for name in ("GET", "headers", "json", "validated", "matchdict"):
        assert getattr(request, name) == {}
    assert request.errors == []
    assert request.registry.settings == testing.DEFAULT_SETTINGS
    assert request.registry.settings is not testing.DEFAULT_SETTINGS
    assert generators.UUID4().match(request.registry.id_generators["any"]())
    assert request.prefixed_userid == "basicauth:bob"
    principals = ["system.Everyone", "system.Authenticated", "bob"]
    assert request.registry.queryUtility().effective_principals() == principals
    assert request.prefixed_principals == [*principals, "basicauth:bob"]
    assert request.log_context(a=1) == {"a": 1}
    assert request.response.headers == {}
    assert isinstance(request.route_path("x"), mock.MagicMock)
    assert "host" in request.route_url("x", _host="host")
    assert request.follow_subrequest.__func__ is DummyRequest.follow_subrequest


def run(case: type) -> unittest.TestResult:
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(case).run(result)
    return result


def test_base_web_test():
    order: list[str] = []

    class Web(FormattedErrorMixin, BaseWebTest, unittest.TestCase):
        api_prefix = "v1"
        entry_point = kinto.main

        @classmethod
        def get_app_settings(cls, extras: Any = None) -> Any:
            settings = super().get_app_settings(extras)
            settings["multiauth.policies"] = "basicauth"
            settings["bucket_create_principals"] = "system.Everyone"
            return {**settings, "http_api_version": "1.23"}

        def tearDown(self) -> None:
            super().tearDown()
            order.append(str(len(self.storage.list_all("bucket", ""))))

        def test_it(self) -> None:
            self.app.put_json("/buckets/a", {}, headers=self.headers)
            assert len(self.storage.list_all("bucket", "")) == 1
            response = self.app.get("/unknown", status=404)
            self.assertFormattedError(
                response,
                404,
                ERRORS.MISSING_RESOURCE,
                "Not Found",
                "could not be found",
            )
            other = self.make_app({"paginate_by": 3})
            assert other.app.registry.settings["paginate_by"] == 3
            assert other.app is not self.app.app

        def test_wrong_errors(self) -> None:
            response = self.app.get("/unknown", status=404)
            with self.assertRaises(AssertionError):
                self.assertFormattedError(response, 404, ERRORS.MISSING_RESOURCE, "Not Found")

    result = run(Web)
    assert not result.failures + result.errors
    assert result.testsRun == 2
    assert order == ["0", "0"]
    assert Web.headers is BaseWebTest.headers


def test_base_web_test_takes_other_base_classes():
    class WithInit:
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.made = True

    class Web(BaseWebTest, WithInit, unittest.TestCase):
        @staticmethod
        def entry_point(global_config: Any, config: Any = None, **settings: Any) -> Any:
            return kinto.main(global_config, config=config, **settings)

        @classmethod
        def get_app_settings(cls, extras: Any = None) -> Any:
            return {"use": "egg:kinto", "kinto.multiauth.policies": "basicauth"}

        def test_it(self) -> None:
            assert self.made

    result = run(Web)
    assert not result.failures + result.errors


def test_threads_are_joined():
    done: list[int] = []

    class Threads(ThreadMixin, unittest.TestCase):
        def test_it(self) -> None:
            thread = self._create_thread(target=done.append, args=(1,))
            assert isinstance(thread, threading.Thread)
            thread.start()
            self._create_thread(target=done.append, args=(2,))

    result = run(Threads)
    assert not result.failures + result.errors
    assert done == [1]
    assert StorageTest.__mro__.index(ThreadMixin)


def test_skips_depend_on_what_is_installed():
    assert testing.unittest is unittest
    for name in ("ci", "no_postgresql", "no_memcached", "no_redis", "no_statsd", "no_prometheus"):
        decorator = getattr(testing, f"skip_if_{name}")
        assert callable(decorator)
    skipped = getattr(testing.skip_if_ci(lambda: None), "__unittest_skip__", False)
    assert skipped is ("CI" in os.environ)


@pytest.mark.parametrize(
    ("mixin", "names"),
    [
        (
            StorageTest,
            "backend settings setUp tearDown create_object _get_config"
            " test_backend_error_is_raised_anywhere"
            " test_backend_error_provides_original_exception"
            " test_ping_returns_false_if_unavailable test_ping_logs_error_if_unavailable"
            " test_create_bytes_raises test_update_bytes_raises",
        ),
        (
            CacheTest,
            "backend settings setUp tearDown _get_config get_backend_prefix"
            " test_backend_error_is_raised_anywhere test_ping_returns_false_if_unavailable"
            " test_ping_logs_error_if_unavailable test_set_with_ttl_expires_the_value"
            " test_expire_expires_the_value",
        ),
        (
            PermissionTest,
            "backend settings setUp tearDown _get_config test_backend_error_is_raised_anywhere"
            " test_ping_returns_false_if_unavailable test_ping_logs_error_if_unavailable",
        ),
    ],
)
def test_names_of_the_contract_mixins(mixin, names):
    assert [name for name in names.split() if not hasattr(mixin, name)] == []
