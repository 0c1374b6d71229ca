"""Health of the server and of its backends.

Source: "Health endpoints" of the operations guide, section 6.
"""

from typing import Any

from pyramid.request import Request
from pyramid.security import NO_PERMISSION_REQUIRED

from kinto.core.health import Checks
from kinto.core.registry import settings_of
from kinto.core.service import Service


heartbeat = Service(
    name="heartbeat", path="/__heartbeat__", description="Server health", tags=["Utilities"]
)
lbheartbeat = Service(
    name="lbheartbeat", path="/__lbheartbeat__", description="Server liveness", tags=["Utilities"]
)


@heartbeat.get(permission=NO_PERMISSION_REQUIRED, operation_id="__heartbeat__")
def get_heartbeat(request: Request) -> dict[str, bool | None]:
    """Result of each check; 503 when one failed, or has not answered in time."""
    registry = request.registry
    timeout = settings_of(request).features.heartbeat_timeout_seconds
    status = _runs(registry).status(dict(registry.heartbeats), request, timeout_seconds=timeout)
    if False in status.values():
        request.response.status = 503
    return status


def _runs(registry: Any) -> Checks:  # a Pyramid registry
    # Threads that make it at once agree on one: `setdefault` is atomic.
    checks: Checks = vars(registry).setdefault("heartbeat_runs", Checks())
    return checks


@lbheartbeat.get(permission=NO_PERMISSION_REQUIRED, operation_id="__lbheartbeat__")
def get_lbheartbeat(request: Request) -> dict[str, Any]:
    """The process answers; no backend is asked."""
    return {}
