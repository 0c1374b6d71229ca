"""``GET /__metrics__``: every series, of all processes of the service."""

import os
from typing import Any

import structlog
from pyramid.request import Request
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED

from kinto.core.service import Service
from kinto.plugins.prometheus.multiprocess import find_folder
from kinto.plugins.prometheus.service import prometheus_module


log = structlog.get_logger(__name__)

metrics = Service(
    name="prometheus_metrics",
    path="/__metrics__",
    description="Metrics for Prometheus",
    tags=["Utilities"],
)


@metrics.get(permission=NO_PERMISSION_REQUIRED, operation_id="__metrics__")
def get_metrics(request: Request) -> Response:
    """The text that Prometheus collects; 204 where the folder of the processes has gone."""
    folder = find_folder()
    if folder is None:
        registry = prometheus_module.REGISTRY
    elif folder.is_dir():
        registry = _of_all_processes(os.fspath(folder))
    else:
        log.warning("The folder PROMETHEUS_MULTIPROC_DIR has gone", folder=os.fspath(folder))
        return Response(status=204)
    response = Response(prometheus_module.generate_latest(registry))
    response.headers["Content-Type"] = prometheus_module.CONTENT_TYPE_LATEST
    return response


def _of_all_processes(folder: str) -> Any:  # untyped library
    from prometheus_client.multiprocess import MultiProcessCollector

    registry = prometheus_module.CollectorRegistry()
    registry.register(MultiProcessCollector(None, path=folder))  # type: ignore[no-untyped-call]
    return registry
