"""A client of an application in this process, usable by many threads at once."""

import base64
import itertools
import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import webob

from kinto import main
from kinto.cli.migrate import initialize_schemas
from tests.support.services import MEMORY_SETTINGS, postgresql_settings


_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.text)

    @property
    def data(self) -> Any:
        """The object or the list in the body."""
        return self.json["data"]

    @property
    def timestamp(self) -> int:
        """The number in the ``ETag``."""
        return int(self.headers["ETag"].strip('"'))


@dataclass(frozen=True, slots=True)
class Client:
    """Sends requests to a WSGI application.

    :param user: who asks, ``None`` for an anonymous client.
    """

    app: Any
    user: str | None = "owner"
    headers: Mapping[str, str] = field(default_factory=dict)

    def as_user(self, user: str | None) -> "Client":
        """The same server, seen by somebody else."""
        return Client(self.app, user, self.headers)

    @property
    def principal(self) -> str:
        """The user id that the server gives to this user."""
        return str(self.get("/").json["user"]["id"])

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        environ: Mapping[str, Any] | None = None,
    ) -> Answer:
        """Send one request.

        :param path: without the version prefix; percent-encoded.
        :param body: text and bytes are sent as they are, everything else as JSON.
        """
        request = webob.Request.blank(f"/v1{path}", method=method)
        if body is not None:
            request.body = _encode(body)
            request.headers["Content-Type"] = "application/json"
        if self.user is not None:
            credentials = base64.b64encode(f"{self.user}:secret".encode()).decode()
            request.headers["Authorization"] = f"Basic {credentials}"
        for name, value in {**self.headers, **(headers or {})}.items():
            request.headers[name] = value
        request.environ.update(environ or {})
        response = request.get_response(self.app)
        return Answer(response.status_code, response.headers, response.body.decode())

    def get(self, path: str, headers: Mapping[str, str] | None = None, **query: object) -> Answer:
        """GET, with a query string of these parameters."""
        return self.call("GET", with_query(path, query), None, headers)

    def head(self, path: str, **query: object) -> Answer:
        """HEAD."""
        return self.call("HEAD", with_query(path, query))

    def delete(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        """DELETE."""
        return self.call("DELETE", path, None, headers)

    def put(
        self, path: str, data: object = None, headers: Mapping[str, str] | None = None, **more: Any
    ) -> Answer:
        """PUT of an object with these attributes, and ``permissions=`` if given."""
        return self.call("PUT", path, _envelope(data, more), headers)

    def post(
        self, path: str, data: object = None, headers: Mapping[str, str] | None = None, **more: Any
    ) -> Answer:
        """POST of an object with these attributes, and ``permissions=`` if given."""
        return self.call("POST", path, _envelope(data, more), headers)

    def patch(
        self, path: str, data: object = None, headers: Mapping[str, str] | None = None, **more: Any
    ) -> Answer:
        """PATCH with these attributes, and ``permissions=`` if given."""
        return self.call("PATCH", path, _envelope(data, more), headers)

    def batch(self, *requests: Mapping[str, Any]) -> Answer:
        """Several requests in one."""
        return self.call("POST", "/batch", {"requests": requests})

    def new_collection(self, bucket: str | None = None, **data: object) -> str:
        """The URI of a new collection, in a new bucket unless one is named."""
        bucket = bucket or new_id()
        self.put(f"/buckets/{bucket}")
        uri = f"/buckets/{bucket}/collections/{new_id()}"
        assert self.put(uri, data).status == 201
        return uri


def _encode(body: object) -> bytes:
    if isinstance(body, bytes):
        return body
    text = body if isinstance(body, str) else json.dumps(body)
    # What no client can mean, but can send.
    return text.encode("utf-8", "surrogatepass")


def _envelope(data: object, more: Mapping[str, object]) -> dict[str, object]:
    return dict(more) if data is None else {"data": data, **more}


def with_query(path: str, query: Mapping[str, object]) -> str:
    """The path with these parameters, each encoded."""
    if not query:
        return path
    encoded = "&".join(f"{quote(name)}={quote(str(value))}" for name, value in query.items())
    return f"{path}?{encoded}"


def new_id() -> str:
    """An id that no other test uses."""
    return f"n{next(_numbers)}"


def memory_app(settings: Mapping[str, object] | None = None) -> Any:
    """An application that keeps everything in this process."""
    return _quietly(lambda: main({}, **{**MEMORY_SETTINGS, **(settings or {})}))


def postgresql_app(url: str, settings: Mapping[str, object] | None = None) -> Any:
    """An application with everything in one database, whose tables are made if need be."""
    app = _quietly(lambda: main({}, **{**postgresql_settings(url), **(settings or {})}))
    initialize_schemas(app.registry)
    return app


def _quietly(make: Callable[[], Any]) -> Any:
    # The backends share one pool, and none of this is served with TLS.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make()


def simultaneously(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """The results of calls that are each made by a thread of its own."""
    with ThreadPoolExecutor(len(calls)) as threads:
        return [future.result() for future in [threads.submit(call) for call in calls]]


def statuses(answers: Sequence[Answer]) -> list[int]:
    """Of these answers, in ascending order."""
    return sorted(answer.status for answer in answers)
