"""One record for each request, once its answer is made.

Source: "request.summary" of the operations guide, section 5.1.
"""

import logging
import random
import re
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from dockerflow.logging import request_id_context
from pyramid.config import Configurator
from pyramid.registry import Registry
from pyramid.request import Request
from pyramid.response import Response
from pyramid.tweens import INGRESS
from pyramid_retry import is_error_retryable

from kinto.core.logs.rendering import with_safe_names
from kinto.core.protocol import json_codec
from kinto.core.protocol.masking import (
    MAX_SHOWN_BYTES,
    escape_controls,
    find_secrets,
    mask_body,
    mask_headers,
    mask_parameters,
)


Handler = Callable[[Request], Response]

_summary = logging.getLogger("request.summary")
_subrequest_summary = logging.getLogger("subrequest.summary")
# Of WSGI: attempts of one request share these.
_REQUEST_ID = "kinto.request_id"
_START = "kinto.start"
_MAX_ID_LENGTH = 200
# It is the same when it is percent-encoded.
_PLAIN_PATH = re.compile(r"[A-Za-z0-9/._~-]+")


def log_requests(config: Configurator) -> None:
    """Add what logs each request, around everything else."""
    config.add_tween(
        "kinto.core.request_log.request_log_tween_factory",
        under=INGRESS,
        over="kinto.core.tweens.http_tween_factory",
    )


def request_log_tween_factory(handler: Handler, registry: Registry) -> Handler:
    """Outermost tween: the id of the request, its summary."""

    def request_log_tween(request: Request) -> Response:
        token = request_id_context.set(_find_request_id(request.environ))
        try:
            # Levels may change while the process runs.
            if not _summary.isEnabledFor(logging.INFO):
                return handler(request)
            return _handle_and_log(request, handler)
        finally:
            request_id_context.reset(token)

    return request_log_tween


def _find_request_id(environ: dict[str, Any]) -> str:
    """The id that the client or a proxy gave, that of code around the application, or a new one.

    Attempts of one request have the same.
    """
    known: str | None = environ.get("HTTP_X_REQUEST_ID")
    if known:
        return escape_controls(known[:_MAX_ID_LENGTH])
    known = environ.get(_REQUEST_ID)
    if known is None:
        known = request_id_context.get(None) or f"{random.getrandbits(128):032x}"
        environ[_REQUEST_ID] = known
    return known


def _handle_and_log(request: Request, handler: Handler) -> Response:
    start = request.environ.setdefault(_START, time.perf_counter())
    try:
        response = handler(request)
    except Exception as error:
        if not is_error_retryable(request, error):
            _log_summary(request, None, seconds=time.perf_counter() - start)
        raise
    answered = request.__dict__.get("exception")
    # What is going to be tried again is not answered yet.
    if answered is None or not is_error_retryable(request, answered):
        _log_summary(request, response, seconds=time.perf_counter() - start)
    return response


def _log_summary(request: Request, response: Response | None, *, seconds: float) -> None:
    """The record of a request.

    :param response: ``None`` where the server answers for us, with a 500.
    """
    fields = _fields_of(request)
    fields["errno"] = 999 if response is None else getattr(response, "errno", 0)
    fields["code"] = 500 if response is None else response.status_code
    fields["t"] = int(seconds * 1000)
    fields["time"] = _local_time()
    if _summary.level == logging.DEBUG:
        fields.update(_details_of(request, response))
    fields.update(request.__dict__.get("_log_context", ()))
    _emit(_summary, "", fields)


def _fields_of(request: Request) -> dict[str, Any]:
    """What is known of a request, whatever became of it."""
    environ, attributes = request.environ, request.__dict__
    fields = {
        "method": escape_controls(environ["REQUEST_METHOD"]),
        "path": _shown_path(request),
        "rid": request_id_context.get(None),
    }
    if query := environ.get("QUERY_STRING"):
        fields["querystring"] = mask_parameters(query)
    if agent := environ.get("HTTP_USER_AGENT"):
        fields["agent"] = escape_controls(agent)
    if language := environ.get("HTTP_ACCEPT_LANGUAGE"):
        fields["lang"] = escape_controls(language)
    # Nobody is asked who they are for the sake of the log.
    userid, authn_type = attributes.get("selected_userid"), attributes.get("authn_type")
    if userid is not None and authn_type is not None:
        fields["uid"], fields["authn_type"] = userid, authn_type
    return fields


def _shown_path(request: Request) -> str:
    environ = request.environ
    if not environ.get("SCRIPT_NAME") and _PLAIN_PATH.fullmatch(environ["PATH_INFO"]):
        return str(environ["PATH_INFO"])
    try:
        path: str = request.path
    except UnicodeDecodeError:
        path = escape_controls(environ["PATH_INFO"])
    return path


def _local_time() -> str:
    milliseconds = time.time_ns() // 10**6
    return datetime.fromtimestamp(milliseconds / 1000).isoformat(timespec="microseconds")


def _details_of(request: Request, response: Response | None) -> dict[str, Any]:
    """Headers and bodies, for developers, without secrets."""
    body = _read_body(request)
    secrets = find_secrets(request.environ, body)
    details: dict[str, Any] = {
        "headers": mask_headers(request.headers.items(), secrets),
        "body": mask_body(body, secrets),
    }
    if response is not None:
        # What is streamed is not kept.
        content = response.body if isinstance(response.app_iter, list) else b""
        details["response"] = {
            "headers": mask_headers(response.headerlist, secrets),
            "body": mask_body(content, secrets),
        }
    return details


def _read_body(request: Request) -> bytes:
    length = request.content_length
    if not length or length > MAX_SHOWN_BYTES:
        return b""
    try:
        body: bytes = request.body_bytes
    except Exception:  # noqa: BLE001  # the client may have gone: its request is logged all the same
        return b""
    return body


def _emit(logger: logging.Logger, message: str, fields: dict[str, Any]) -> None:
    """A record without the search for the line of code that it comes from."""
    record = logger.makeRecord(logger.name, logging.INFO, "(unknown file)", 0, message, (), None)
    record.__dict__.update(with_safe_names(fields))
    logger.handle(record)


def logging_subrequests(
    execute: Callable[[Request, Request], dict[str, Any]],
) -> Callable[[Request, Request], dict[str, Any]]:
    """The function that executes an item of a batch, or one that logs it as well."""
    if not _subrequest_summary.isEnabledFor(logging.INFO):
        return execute

    def execute_and_log(request: Request, subrequest: Request) -> dict[str, Any]:
        start = time.perf_counter()
        outcome: dict[str, Any] = {}
        try:
            item = execute(request, subrequest)
            outcome["code"], outcome["errno"] = item["status"], _errno_of(item)
            return item
        finally:
            outcome["t"] = int((time.perf_counter() - start) * 1000)
            known = (each.__dict__.get("_log_context", ()) for each in (request, subrequest))
            fields = _fields_of(subrequest) | outcome
            for context in known:
                fields.update(context)
            _emit(_subrequest_summary, _subrequest_summary.name, fields)

    return execute_and_log


def _errno_of(item: dict[str, Any]) -> int:
    """The number of an error in an item of the answer to a batch; 0 without one."""
    if item["status"] < 400:
        return 0
    try:
        body = json_codec.read_raw(item["body"])
    except ValueError:
        return 0
    errno = body.get("errno") if isinstance(body, dict) else None
    return errno if isinstance(errno, int) else 0
