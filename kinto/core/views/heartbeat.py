"""Health of the server and of its backends.

Source: "Health endpoints" of the operations guide, section 6.
"""

from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

import structlog
import transaction
from pyramid.request import Request
from pyramid.security import NO_PERMISSION_REQUIRED

from kinto.core.registry import settings_of
from kinto.core.service import Service


log = structlog.get_logger(__name__)

heartbeat = Service(
    name="heartbeat", path="/__heartbeat__", description="Server health", tags=["Utilities"]
)
lbheartbeat = Service(
    name="lbheartbeat", path="/__lbheartbeat__", description="Server liveness", tags=["Utilities"]
)


@heartbeat.get(permission=NO_PERMISSION_REQUIRED, operation_id="__heartbeat__")
def get_heartbeat(request: Request) -> dict[str, bool | None]:
    """Result of each check; 503 when one failed.

    Checks run side by side, each in a thread and a transaction of its own. One that has not
    answered in time counts as failed; its thread ends with the time limits of its backend.
    """
    checks = dict(request.registry.heartbeats)
    status: dict[str, bool | None] = {}
    if not checks:
        return status
    timeout = settings_of(request).features.heartbeat_timeout_seconds
    # A pool of its own: checks that hang must not hold back those of the next request.
    pool = ThreadPoolExecutor(max_workers=len(checks), thread_name_prefix="heartbeat")
    futures = {pool.submit(_run_check, check, request): name for name, check in checks.items()}
    done, pending = wait(futures, timeout=timeout)
    pool.shutdown(wait=False, cancel_futures=True)
    for future in pending:
        name = futures[future]
        status[name] = False
        log.error(f"'{name}' heartbeat has exceeded timeout of {timeout:g} seconds.")
    for future in done:
        status[futures[future]] = _result(futures[future], future)
    if any(healthy is False for healthy in status.values()):
        request.response.status = 503
    return {name: status[name] for name in checks}


def _run_check(check: Any, request: Request) -> bool | None:
    with transaction.manager:
        result: bool | None = check(request)
    return result


def _result(name: str, future: Any) -> bool | None:
    error = future.exception()
    if error is not None:
        log.error(f"'{name}' heartbeat failed.", exc_info=error)
        return False
    result = future.result()
    return None if result is None else bool(result)


@lbheartbeat.get(permission=NO_PERMISSION_REQUIRED, operation_id="__lbheartbeat__")
def get_lbheartbeat(request: Request) -> dict[str, Any]:
    """The process answers; no backend is asked."""
    return {}
