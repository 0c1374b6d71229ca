"""Headers that every answer has.

Source: "Headers present on every response" of the HTTP API, section 1.6.
"""

import random

from pyramid.request import Request
from pyramid.response import Response

from kinto.core.cors import apply_cors
from kinto.core.registry import current_settings


_SECURITY = (
    (
        "Content-Security-Policy",
        "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; ",
    ),
    ("X-Content-Type-Options", "nosniff"),
)


def add_common_headers(request: Request, response: Response) -> None:
    """Security, CORS, ``Vary``, ``Backoff``."""
    headers = response.headerlist
    names = {name.lower() for name, _ in headers}
    for name, value in _SECURITY:
        if name.lower() not in names:
            headers.append((name, value))
    add_unconditional_headers(request, response)


def add_unconditional_headers(request: Request, response: Response) -> None:
    """What even the refusals of a dead service have."""
    settings = current_settings(request.registry)
    has_cors = apply_cors(request, response)
    _add_vary(response, (*settings.cors.vary, "Origin") if has_cors else settings.cors.vary)
    backoff = settings.backoff
    if backoff.seconds is not None and _is_drawn(backoff.percentage):
        response.headers["Backoff"] = str(backoff.seconds)
    # Whatever answers, what was announced on the way goes out with it.
    announcing = request.__dict__.get("response")
    if announcing is None or announcing is response:
        return
    alert = announcing.headers.get("Alert")
    if alert is not None:
        response.headers["Alert"] = alert


def _add_vary(response: Response, wanted: tuple[str, ...]) -> None:
    headers = response.headerlist
    if "vary" not in [name.lower() for name, _ in headers]:
        if wanted:
            headers.append(("Vary", ", ".join(wanted)))
        return
    present = response.vary or ()
    known = {name.lower() for name in present}
    missing = [name for name in wanted if name.lower() not in known]
    if missing:
        response.headers["Vary"] = ", ".join([*present, *missing])


def _is_drawn(percentage: float | None) -> bool:
    return percentage is None or random.random() * 100 < percentage  # no secret
