"""Reads are executed once, bodies are there for every attempt."""

from io import BytesIO
from typing import Any

import pytest
import webob
from pyramid.security import NO_PERMISSION_REQUIRED

from kinto.core import Service
from kinto.core.registry import current_settings
from kinto.core.storage.exceptions import ConcurrentWriteError
from tests.core.test_extension_services import app  # noqa: F401  # a fixture


class OneWayInput(BytesIO):
    """As the servers have it: what was read is gone."""

    def seekable(self) -> bool:
        return False

    def seek(self, *_args: Any) -> int:
        raise OSError("not seekable")


def send(wsgi: Any, body: bytes, **environ: Any) -> tuple[int, bytes]:
    request = webob.Request.blank("/v1/probe", method="POST")
    request.environ.update({"wsgi.input": OneWayInput(body), "CONTENT_TYPE": "application/json"})
    request.environ.pop("webob.is_body_seekable", None)
    request.environ.update(environ)
    response = request.get_response(wsgi)
    return response.status_code, response.body


@pytest.fixture
def wsgi(app: Any) -> Any:  # noqa: F811  # the fixture
    """An application whose view fails at its first attempt, then gives the body back."""
    attempts: list[int] = []

    def echo(request: Any) -> dict[str, Any]:
        attempts.append(request.environ["retry.attempt"])
        if len(attempts) == 1:
            raise ConcurrentWriteError(message="another writer")
        return {"length": len(request.body), "json": request.json_body}

    service = Service(name="probe", path="/probe", description="Probe")
    service.add_view("post", echo, permission=NO_PERMISSION_REQUIRED)
    app.config.add_cornice_service(service)
    app.config.commit()
    return app.client.app


@pytest.mark.parametrize("size", [0, 10, 2_000_000], ids=["empty", "short", "long"])
def test_the_body_is_there_again_for_another_attempt(wsgi: Any, size: int) -> None:
    body = b'"' + b"x" * size + b'"'

    status, answer = send(wsgi, body, CONTENT_LENGTH=str(len(body)))

    assert status == 200
    assert b'"length":%d' % len(body) in answer


def test_a_body_whose_end_the_server_knows_needs_no_length(wsgi: Any) -> None:
    """As gunicorn has it for chunked requests."""
    more = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}

    status, answer = send(wsgi, b'{"a":1}', **more)

    assert (status, answer) == (200, b'{"length":7,"json":{"a":1}}')


class EndlessInput(OneWayInput):
    """More than anybody wants to read."""

    def __init__(self) -> None:
        super().__init__()
        self.read_bytes = 0

    def read(self, size: int | None = -1) -> bytes:
        assert size is not None
        assert size > 0, "nobody can read all of it"
        self.read_bytes += size
        return b" " * size


@pytest.fixture
def small_limit(app: Any) -> int:  # noqa: F811  # the fixture
    limits = current_settings(app.registry).limits
    return int(limits.max_body_size_bytes)


def test_a_body_that_says_to_be_too_long_is_not_read(wsgi: Any, small_limit: int) -> None:
    source = EndlessInput()

    status, answer = send(wsgi, b"", CONTENT_LENGTH=str(small_limit + 1), **{"wsgi.input": source})

    assert status == 413
    assert b'"errno":113' in answer
    assert source.read_bytes == 0


def test_a_body_without_length_is_read_as_far_as_the_limit(wsgi: Any, small_limit: int) -> None:
    source = EndlessInput()
    more = {"wsgi.input": source, "wsgi.input_terminated": True, "CONTENT_LENGTH": ""}

    status, _ = send(wsgi, b"", **more)

    assert status == 413
    assert source.read_bytes <= small_limit + 100_000
