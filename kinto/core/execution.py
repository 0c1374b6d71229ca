"""How often a request is executed: writes again after a collision, reads once."""

from collections.abc import Callable
from typing import Any

from pyramid.config import Configurator
from pyramid.interfaces import IExecutionPolicy
from pyramid.registry import Registry
from pyramid.response import Response

from kinto.core.tweens import SAFE_METHODS


ExecutionPolicy = Callable[[dict[str, Any], Any], Response]  # of an environ and Pyramid's router


def execute_reads_once(config: Configurator) -> None:
    """Keep pyramid_retry, which copies the body of each request, to those that may write."""
    registry = config.registry
    # After the action by which it registers its policy, which has the usual order, 0.
    config.action(None, lambda: _wrap_policy(registry), order=1)


def _wrap_policy(registry: Registry) -> None:
    execute_repeatedly = registry.getUtility(IExecutionPolicy)

    def execute(environ: dict[str, Any], router: Any) -> Response:
        if environ["REQUEST_METHOD"] not in SAFE_METHODS:
            return execute_repeatedly(environ, router)
        with router.request_context(environ) as request:
            return router.invoke_request(request)

    registry.registerUtility(execute, IExecutionPolicy)
