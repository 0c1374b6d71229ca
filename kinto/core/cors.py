"""Cross-origin requests: preflights, allowed origins, exposed headers.

Source: "CORS" of the HTTP API, section 1.8.
"""

import fnmatch
from collections.abc import Callable, Sequence
from typing import Any

from pyramid.request import Request
from pyramid.response import Response


COMMON_HEADERS = ("Backoff", "Retry-After", "Alert", "Content-Length", "Content-Type")
_COMMON = ", ".join(COMMON_HEADERS)


def find_allowed_origin(origin: str, allowed: Sequence[str]) -> str | None:
    """Value for ``Access-Control-Allow-Origin``; ``None`` when the origin is not allowed."""
    if "*" in allowed:
        return "*"
    return origin if any(fnmatch.fnmatchcase(origin, item) for item in allowed) else None


def allowed_origins(request: Request) -> Sequence[str]:
    """Origins that settings allow now (a text, or a list in tests of plugins)."""
    origins = request.registry.settings.get("cors_origins", "*")
    return origins.split() if isinstance(origins, str) else origins


def validate_origin(request: Request, **kwargs: Any) -> None:
    """Cornice validator: an origin that is not allowed is refused."""
    origin = request.environ.get("HTTP_ORIGIN")
    if origin and find_allowed_origin(origin, allowed_origins(request)) is None:
        request.errors.add("header", "Origin", f"{origin} not allowed")


def apply_cors(request: Request, response: Response, names: set[str]) -> None:
    """Add the headers that browsers need to let a page read the answer.

    :param names: of the headers that the response has, in lower case.
    """
    environ = request.environ
    origin = environ.get("HTTP_ORIGIN")
    allowed = find_allowed_origin(origin, allowed_origins(request)) if origin else None
    if allowed is not None:
        response.headers["Access-Control-Allow-Origin"] = allowed
    exposed = exposed_headers(request)
    if exposed is None or response.status_code == 405:
        return
    if "access-control-expose-headers" not in names:
        response.headerlist.append(("Access-Control-Expose-Headers", exposed))


def exposed_headers(request: Request) -> str | None:
    """Names of the headers of the answer that pages may read; ``None`` for a preflight."""
    service: Any = getattr(request, "current_service", None)
    method = request.environ["REQUEST_METHOD"]
    if method == "OPTIONS" and service is not None:
        return None
    exposed_text: Callable[[str], str] | None = getattr(service, "exposed_text", None)
    return _COMMON if exposed_text is None else exposed_text(method)


def preflight_view(service: Any) -> Callable[[Request], None]:
    """The view that answers ``OPTIONS`` for a service."""

    def preflight(request: Request) -> None:
        requested_method = request.headers.get("Access-Control-Request-Method")
        missing = [
            name
            for name in ("Origin", "Access-Control-Request-Method")
            if not request.headers.get(name)
        ]
        for name in missing:
            request.errors.add("header", name, "this header is mandatory")
        if missing:
            return
        methods = service.cors_supported_methods
        if requested_method not in methods:
            request.errors.add("header", "Access-Control-Request-Method", "Method not allowed")
        headers = request.response.headers
        headers["Access-Control-Allow-Methods"] = ",".join(methods)
        headers["Access-Control-Allow-Headers"] = ",".join(_allowed_headers(service, request))
        max_age = request.registry.settings.get("cors_max_age_seconds", 3600)
        if max_age not in (None, ""):
            headers["Access-Control-Max-Age"] = str(max_age)

    return preflight


def _allowed_headers(service: Any, request: Request) -> list[str]:
    exposed = {
        name for method in service.defined_methods for name in service.exposed_headers(method)
    }
    requested = request.headers.get("Access-Control-Request-Headers", "")
    return sorted(exposed | {name.strip() for name in requested.split(",") if name.strip()})
