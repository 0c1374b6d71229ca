"""How often a request is executed: writes again after a collision, reads once."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

from pyramid.config import Configurator
from pyramid.interfaces import IExecutionPolicy
from pyramid.registry import Registry
from pyramid.response import Response

from kinto.core.tweens import SAFE_METHODS


ExecutionPolicy = Callable[[dict[str, Any], Any], Response]  # of an environ and Pyramid's router

_SHORT_BODY_BYTES = 1_000_000


def execute_reads_once(config: Configurator) -> None:
    """Keep pyramid_retry, which copies the body of each request, to those that may write."""
    registry = config.registry
    # After the action by which it registers its policy, which has the usual order, 0.
    config.action(None, lambda: _wrap_policy(registry), order=1)


def _wrap_policy(registry: Registry) -> None:
    execute_repeatedly = registry.getUtility(IExecutionPolicy)

    def execute(environ: dict[str, Any], router: Any) -> Response:
        if environ["REQUEST_METHOD"] not in SAFE_METHODS:
            _read_short_body(environ)
            return execute_repeatedly(environ, router)
        with router.request_context(environ) as request:
            return router.invoke_request(request)

    registry.registerUtility(execute, IExecutionPolicy)


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
