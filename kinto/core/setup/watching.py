"""Timers on the backends, on the policies, on what decides about a request."""

import functools
from collections.abc import Callable
from time import perf_counter
from typing import Any

from pyramid.interfaces import IAuthorizationPolicy, ISecurityPolicy
from pyramid.registry import Registry

from kinto.core.metrics import mark_as_timer, watch_execution_time
from kinto.core.metrics.names import PERMITS
from kinto.core.storage.operations import FINER_METHODS, STEPS, Operations


def watch_backends(service: Any, registry: Registry) -> None:
    """Time every method of the backends that there are, and their heartbeats."""
    for kind in ("storage", "cache", "permission"):
        backend = getattr(registry, kind, None)
        if backend is None:
            continue
        finer = {name for of, name in FINER_METHODS if of == kind and hasattr(backend, name)}
        without = finer | STEPS[kind] | {"set_metrics_backend"}
        watch_execution_time(service, backend, prefix="backend", classname=kind, without=without)
        for name in finer:
            _replace(backend, name, _timed_as_plain, service, FINER_METHODS[kind, name])
        _watch_heartbeat(service, registry, kind)


def watch_policies(service: Any, registry: Registry) -> None:
    """Time authentication policies, and the decision about requests."""
    policies = registry.queryUtility(ISecurityPolicy)
    for name, policy in getattr(policies, "get_policies", list)():
        watch_execution_time(service, policy, prefix="authentication", classname=name)
    authorization = registry.queryUtility(IAuthorizationPolicy)
    if authorization is not None:
        _replace(authorization, "permits", service.timer(PERMITS))


def _watch_heartbeat(service: Any, registry: Registry, kind: str) -> None:
    check = registry.heartbeats.get(kind)
    if check is not None and not _is_timed(check):
        timer = service.timer(f"backend.{kind}.seconds", labels=[("method", "ping")])
        registry.heartbeats[kind] = mark_as_timer(timer(check))


def _replace(obj: Any, name: str, make: Callable[..., Any], *args: Any) -> None:
    """Set a timed function in place of a method, once."""
    method = getattr(obj, name)
    if not _is_timed(method):
        setattr(obj, name, mark_as_timer(make(method, *args)))


def _is_timed(function: Any) -> bool:
    return getattr(function, "is_timer", False) is True


def _timed_as_plain(
    method: Callable[..., Any], service: Any, operations_of: Callable[..., Operations]
) -> Callable[..., Any]:
    """The method, whose time is that of each plain method which it stands for."""

    @functools.wraps(method)
    def timed(*args: Any, **kwargs: Any) -> Any:
        started = perf_counter()
        try:
            return method(*args, **kwargs)
        finally:
            seconds = perf_counter() - started
            for kind, name in operations_of(*args, **kwargs):
                labels = [("method", name)]
                service.timer(f"backend.{kind}.seconds", value=seconds, labels=labels)

    return timed
