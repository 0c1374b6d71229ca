"""How often a request is executed: writes again after a collision, reads once."""

from collections.abc import Callable
from io import BytesIO
from tempfile import SpooledTemporaryFile
from typing import Any

from pyramid.config import Configurator
from pyramid.interfaces import IExecutionPolicy
from pyramid.registry import Registry
from pyramid.response import Response

from kinto.core.registry import current_settings
from kinto.core.tweens import SAFE_METHODS, forget_answer


ExecutionPolicy = Callable[[dict[str, Any], Any], Response]  # of an environ and Pyramid's router

_SHORT_BODY_BYTES = 1_000_000
_CHUNK_BYTES = 65_536


def execute_reads_once(config: Configurator) -> None:
    """Keep pyramid_retry, which copies the body of each request, to those that may write."""
    registry = config.registry
    # After the action by which it registers its policy, which has the usual order, 0.
    config.action(None, lambda: _wrap_policy(registry), order=1)


def _wrap_policy(registry: Registry) -> None:
    execute_repeatedly = registry.getUtility(IExecutionPolicy)

    def execute(environ: dict[str, Any], router: Any) -> Response:
        if environ["REQUEST_METHOD"] not in SAFE_METHODS:
            limit = current_settings(registry).limits.max_body_size_bytes
            if not limit or not _is_body_over(environ, limit_bytes=limit):
                _read_short_body(environ)
                return execute_repeatedly(environ, router)
            # It will be refused: nobody has to copy it before, for further attempts.
        context = router.request_context(environ)
        request = context.begin()
        try:
            # Which whoever measures requests may have wrapped.
            return router.invoke_request(request)
        finally:
            forget_answer(request)
            context.end()

    registry.registerUtility(execute, IExecutionPolicy)


def _is_body_over(environ: dict[str, Any], *, limit_bytes: int) -> bool:
    """Whether a body has more bytes than the limit.

    One without a length, that ends where the server says, is read as far as the limit and gets
    a length: its own, or one that is over.
    """
    length = environ.get("CONTENT_LENGTH") or ""
    if not length and environ.get("wsgi.input_terminated"):
        length = _read_terminated_body(environ, limit_bytes=limit_bytes)
    return length.isdigit() and int(length) > limit_bytes


def _read_terminated_body(environ: dict[str, Any], *, limit_bytes: int) -> str:
    body = SpooledTemporaryFile(max_size=_SHORT_BODY_BYTES)  # noqa: SIM115  # the request's own
    source, size = environ["wsgi.input"], 0
    while size <= limit_bytes and (chunk := source.read(_CHUNK_BYTES)):
        size += body.write(chunk)
    body.seek(0)
    environ["wsgi.input"], environ["CONTENT_LENGTH"] = body, str(size)
    environ["webob.is_body_seekable"] = True
    return str(size)


def _read_short_body(environ: dict[str, Any]) -> None:
    """Read a body that is short, to where it can be read again: WebOb's copy takes longer."""
    # Without a length, the server tells WebOb in another way where the body ends.
    length = environ.get("CONTENT_LENGTH") or ""
    if not length.isdigit() or int(length) > _SHORT_BODY_BYTES:
        return
    content = environ["wsgi.input"].read(int(length))
    environ["wsgi.input"] = BytesIO(content)
    # One that was cut off is found out by WebOb.
    environ["webob.is_body_seekable"] = len(content) == int(length)
