"""Applications that send metrics, for tests."""

import json
from collections.abc import Callable
from typing import Any

import webtest

from kinto.core.testing import get_user_headers
from tests.support.services import postgresql_settings
from tests.support.statsd import Datagram, StatsDListener


ALICE = get_user_headers("alice")
BOB = get_user_headers("bob")
BUCKET = "/v1/buckets/b"
COLLECTION = f"{BUCKET}/collections/c"
GROUP = f"{BUCKET}/groups/g"
RECORDS = f"{COLLECTION}/records"
RECORD = f"{RECORDS}/r"


class Measured:
    """An application, what it sends, requests of Alice's."""

    def __init__(self, app: webtest.TestApp, listener: StatsDListener) -> None:
        self.app = app
        self.registry = app.registry
        self.listener = listener

    def call(
        self, method: str, path: str, body: Any = None, **kwargs: Any
    ) -> webtest.TestResponse:
        """Send one request, whatever the answer."""
        headers = {**kwargs.pop("headers", ALICE)}
        options: dict[str, Any] = {"method": method, "headers": headers, "expect_errors": True}
        if body is not None:
            headers["Content-Type"] = "application/json"
            options["body"] = json.dumps(body).encode()
        return self.app.request(path, **options, **kwargs)

    def metrics_of(
        self, method: str, path: str, body: Any = None, **kwargs: Any
    ) -> list[Datagram]:
        """What one request sends."""
        self.listener.texts()
        self.call(method, path, body, **kwargs)
        return self.listener.received()

    def make_objects(self) -> None:
        """One of each resource."""
        for path in (BUCKET, COLLECTION, GROUP, RECORD):
            body = {"data": {"members": []}} if path == GROUP else {"data": {}}
            assert self.call("PUT", path, body).status_code in (200, 201)


def make_measured(
    make_app: Callable[..., webtest.TestApp], listener: StatsDListener, **settings: Any
) -> Measured:
    """An application with the memory backends."""
    names = {f"kinto.{name}": value for name, value in settings.items()}
    return Measured(make_app({"kinto.statsd_url": listener.url, **names}), listener)


def make_measured_on_postgresql(
    make_app: Callable[..., webtest.TestApp], listener: StatsDListener, url: str, **settings: Any
) -> Measured:
    """The same, with everything in one database."""
    backends = {
        name.removeprefix("kinto."): value
        for name, value in postgresql_settings(url).items()
        if name.startswith("kinto.")
    }
    measured = make_measured(make_app, listener, **backends, **settings)
    for kind in ("storage", "cache", "permission"):
        getattr(measured.registry, kind).initialize_schema()
    return measured


def names_of(datagrams: list[Datagram], *, prefix: str = "kinto.") -> list[str]:
    """Names without their prefix."""
    assert all(each.name.startswith(prefix) for each in datagrams)
    return [each.name.removeprefix(prefix) for each in datagrams]
