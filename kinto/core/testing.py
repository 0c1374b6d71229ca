"""Helpers for the tests of plugins and applications.

Source: extension API, section 7.
"""

import os
import unittest
from collections import defaultdict
from importlib.util import find_spec
from typing import Any, ClassVar
from unittest import mock

import webtest
from cornice.errors import Errors

from kinto.core import DEFAULT_SETTINGS
from kinto.core.protocol.crypto import encode64
from kinto.core.storage.generators import UUID4
from kinto.core.storage.testing.threads import ThreadMixin
from kinto.core.subrequests import follow_subrequest
from kinto.core.utils import memcache, redis, sqlalchemy


__all__ = [
    "DEFAULT_SETTINGS",
    "BaseWebTest",
    "DummyRequest",
    "FormattedErrorMixin",
    "ThreadMixin",
    "get_request_class",
    "get_user_headers",
    "skip_if_ci",
    "skip_if_no_memcached",
    "skip_if_no_postgresql",
    "skip_if_no_prometheus",
    "skip_if_no_redis",
    "skip_if_no_statsd",
    "unittest",
]

skip_if_ci = unittest.skipIf("CI" in os.environ, "ci")
skip_if_no_postgresql = unittest.skipIf(sqlalchemy is None, "postgresql is not installed.")
skip_if_no_memcached = unittest.skipIf(memcache is None, "memcached is not installed.")
skip_if_no_redis = unittest.skipIf(redis is None, "redis is not installed.")
skip_if_no_statsd = unittest.skipIf(find_spec("statsd") is None, "statsd is not installed.")
skip_if_no_prometheus = unittest.skipIf(
    find_spec("prometheus_client") is None, "prometheus is not installed."
)


class DummyRequest(mock.MagicMock):
    """A request of user ``bob``; whatever is not set here is a mock."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.upath_info = "/v0/"
        self.registry = mock.MagicMock(settings={**DEFAULT_SETTINGS})
        self.registry.id_generators = defaultdict(UUID4)
        self.GET: dict[str, Any] = {}
        self.headers: dict[str, Any] = {}
        self.errors = Errors()
        self.authenticated_userid = "bob"
        self.authn_type = "basicauth"
        self.prefixed_userid = "basicauth:bob"
        principals = ["system.Everyone", "system.Authenticated", "bob"]
        self.registry.queryUtility().effective_principals.return_value = principals
        self.prefixed_principals = [*principals, self.prefixed_userid]
        self.json: dict[str, Any] = {}
        self.validated: dict[str, Any] = {}
        self.log_context = lambda **kw: kw
        self.matchdict: dict[str, Any] = {}
        self.response = mock.MagicMock(headers={})
        self.application_url = ""

        def route_url(*args: Any, **kwargs: Any) -> str:
            return _build_url(**kwargs)

        self.route_url = route_url

    def _get_child_mock(self, **kwargs: Any) -> mock.MagicMock:
        return mock.MagicMock(**kwargs)

    def follow_subrequest(self, *args: Any, **kwargs: Any) -> Any:
        """The real one."""
        return follow_subrequest(self, *args, **kwargs)


def _build_url(**overrides: Any) -> str:
    scheme = overrides.get("_scheme", "http")
    host = overrides.get("_host", "localhost")
    query = overrides.get("_query")
    parts = "&".join(f"{name}={value}" for name, value in dict(query or {}).items())
    return f"{scheme}://{host}" + (f"?{parts}" if parts else "")


def get_request_class(prefix: str) -> type:
    """A request class of webtest that puts ``/prefix`` before each path."""

    class PrefixedRequestClass(webtest.app.TestRequest):  # type: ignore[misc]  # webtest ships no types
        @classmethod
        def blank(cls, path: str, *args: Any, **kwargs: Any) -> Any:
            if prefix:
                path = f"/{prefix}{path}"
            return webtest.app.TestRequest.blank(path, *args, **kwargs)

    return PrefixedRequestClass


class FormattedErrorMixin:
    """Assertions about the JSON form of errors."""

    def assertFormattedError(  # noqa: N802 # name fixed by the extension API
        self,
        response: Any,
        code: int,
        errno: Any,
        error: str,
        message: str | None = None,
        info: str | None = None,
    ) -> None:
        """Compare the body with what is expected; absent texts must be absent."""
        assert "application/json" in response.headers["Content-Type"]
        body = response.json
        assert body["code"] == code
        assert body["errno"] == errno.value
        assert body["error"] == error
        for name, text in (("message", message), ("info", info)):
            if text is None:
                assert name not in body
            else:
                assert text in body[name]


def get_user_headers(user: str, password: str = "secret") -> dict[str, str]:
    """Headers of a user of basic authentication."""
    return {"Authorization": f"Basic {encode64(f'{user}:{password}')}"}


class BaseWebTest:
    """Mixin: an application on memory backends, emptied after each test."""

    api_prefix = "v0"
    entry_point: ClassVar[Any] = None
    headers: ClassVar[dict[str, str]] = {"Content-Type": "application/json"}
    app: ClassVar[Any]
    storage: ClassVar[Any]
    cache: ClassVar[Any]
    permission: ClassVar[Any]

    @classmethod
    def setUpClass(cls) -> None:
        cls.app = cls.make_app()
        registry = cls.app.app.registry
        cls.storage, cls.cache = registry.storage, registry.cache
        cls.permission = registry.permission
        for backend in (cls.storage, cls.permission, cls.cache):
            backend.initialize_schema()

    @classmethod
    def make_app(cls, settings: dict[str, Any] | None = None, config: Any = None) -> Any:
        """A ``TestApp`` of the entry point."""
        app_settings = cls.get_app_settings(extras=settings)
        entry_point = cls.__dict__.get("entry_point") or cls.entry_point
        entry_point = getattr(entry_point, "__func__", entry_point)
        app = webtest.TestApp(entry_point({}, config=config, **app_settings))
        app.RequestClass = get_request_class(cls.api_prefix)
        return app

    @classmethod
    def get_app_settings(cls, extras: dict[str, Any] | None = None) -> dict[str, Any]:
        """Settings of the application: defaults, memory backends, ``extras``."""
        settings = {**DEFAULT_SETTINGS}
        settings["storage_backend"] = "kinto.core.storage.memory"
        settings["cache_backend"] = "kinto.core.cache.memory"
        settings["permission_backend"] = "kinto.core.permission.memory"
        settings.update(extras or {})
        return settings

    def tearDown(self) -> None:
        parent = super()
        if hasattr(parent, "tearDown"):
            parent.tearDown()
        self.storage.flush()
        self.cache.flush()
        self.permission.flush()
