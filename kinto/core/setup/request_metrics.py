"""What is measured of every request, and of those made within others.

Source: "Metrics" of the operations guide, section 4.2.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from time import perf_counter
from typing import Any

import structlog
from pyramid.httpexceptions import HTTPException, HTTPForbidden
from pyramid.request import Request
from pyramid_retry import is_error_retryable

from kinto.core.metrics import BoundedLabels, Label, mark_as_timer
from kinto.core.settings import DEFINITIONS, MonitoringSettings
from kinto.core.storage.exceptions import BackendError, IntegrityError


log = structlog.get_logger(__name__)

Invoke = Callable[..., Any]  # a Response, or None

_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"})
_STARTED = "kinto.metrics.started"
_FIELDS = "metrics_matchdict_fields"
# The parts of the URLs of Kinto: labels that are always there, filled or not.
_URL_FIELDS = ("bucket_id", "collection_id", "group_id", "record_id")


class RequestMetrics:
    """Tells a metrics service about answers.

    :param settings: which parts of the URL become labels, with how many values.
    :param route_prefix: of the URLs of this version of the API.
    """

    def __init__(self, service: Any, settings: MonitoringSettings, *, route_prefix: str) -> None:
        self._service = service
        self._filled = frozenset(settings.metrics_matchdict_fields)
        self._fields = label_fields(settings.metrics_matchdict_fields)
        self._bounded = BoundedLabels(settings.metrics_max_label_values)
        self._prefix = f"/{route_prefix}"

    def watch(self, invoke: Invoke) -> Invoke:
        """The function that answers requests, which tells about each as well.

        Those that it leaves unanswered go to another one.
        """

        def watched(request: Request, *args: Any, **kwargs: Any) -> Any:
            # Attempts after a collision with another writer have the same environ.
            started = request.environ.setdefault(_STARTED, perf_counter())
            try:
                response = invoke(request, *args, **kwargs)
            except Exception as error:
                # Its body is made afterwards, by whoever made the request.
                self._tell(request, error, started=started, status=_status_of(request, error))
                raise
            if response is None:
                return response
            size = response.content_length or 0
            handled = getattr(request, "exception", None)
            status = response.status_code
            self._tell(request, handled, started=started, status=status, size=size)
            return response

        watched_invoke: Invoke = mark_as_timer(watched)
        return watched_invoke

    def _tell(
        self,
        request: Request,
        error: Exception | None,
        *,
        started: float,
        status: int,
        size: int | None = None,
    ) -> None:
        seconds = perf_counter() - started
        if error is not None and is_error_retryable(request, error):
            return
        try:
            self._observe(request, seconds, status=status, size=size)
        except Exception:  # Whatever a plugin's service has: requests are answered.
            log.exception("metrics of a request are lost")

    def _observe(self, request: Request, seconds: float, *, status: int, size: int | None) -> None:
        service = self._service
        labels = list(self._labels(request, status))
        policy, userid = _user_of(request)
        if userid is not None:
            service.count("users", unique=[("auth", policy), ("userid", userid)])
        service.count("request_summary", unique=[*labels, ("status", str(status))])
        service.timer("request_duration_seconds", value=seconds, labels=labels)
        if size is not None:
            service.observe("request_size", size, labels=labels)
        if userid is not None:
            service.count("authentication", unique=[("type", policy)])

    def _labels(self, request: Request, status: int) -> Iterator[Label]:
        yield "method", request.method.lower() if request.method in _METHODS else "other"
        route = getattr(request, "matched_route", None)
        endpoint = route.name if route is not None else self._without_route(request, status)
        yield "endpoint", endpoint
        values: Mapping[str, str] = {}
        if status < 400 and route is not None:
            values = _url_values(endpoint, request.matchdict)
        for field in self._fields:
            value = values.get(field, "") if field in self._filled else ""
            yield field, self._bounded.bound(field, value)

    def _without_route(self, request: Request, status: int) -> str:
        if status == 404:
            return "unknown"
        path = request.environ.get("PATH_INFO", "")
        is_versioned = path == self._prefix or path.startswith(f"{self._prefix}/")
        return "redirect_to_version" if 300 <= status < 400 and not is_versioned else "unnamed"


def label_fields(filled: Sequence[str]) -> tuple[str, ...]:
    """Parts of the URL that are labels: all of Kinto's by default, else those that are filled."""
    if tuple(filled) == tuple(DEFINITIONS[_FIELDS].default):
        return _URL_FIELDS
    return tuple(filled)


def _url_values(endpoint: str, matchdict: Mapping[str, str]) -> Mapping[str, str]:
    """What the URL names, with the object addressed under its kind."""
    object_id = matchdict.get("id")
    if object_id is None:
        return matchdict
    return {**matchdict, f"{endpoint.removesuffix('-object')}_id": object_id}


def _user_of(request: Request) -> tuple[str, str] | tuple[None, None]:
    """Policy and user id, where somebody asked who it is."""
    policy = getattr(request, "authn_type", None)
    userid = getattr(request, "selected_userid", None)
    return (policy, userid) if policy is not None and userid is not None else (None, None)


def _status_of(request: Request, error: Exception) -> int:
    """Status of the answer that an exception within another request stands for."""
    if isinstance(error, HTTPForbidden) and _user_of(request)[1] is None:
        return 401
    if isinstance(error, HTTPException):
        return int(error.status_code)
    if isinstance(error, IntegrityError):
        return 409
    return 503 if isinstance(error, BackendError) else 500
