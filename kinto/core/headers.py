"""Headers that every answer has.

Source: "Headers present on every response" of the HTTP API, section 1.6.
"""

import random
from functools import lru_cache

from pyramid.request import Request
from pyramid.response import Response

from kinto.core.cors import apply_cors, exposed_headers
from kinto.core.registry import settings_of
from kinto.core.response import header_names
from kinto.core.settings import BackoffSettings


_SECURITY = (
    (
        "content-security-policy",
        (
            "Content-Security-Policy",
            "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; ",
        ),
    ),
    ("x-content-type-options", ("X-Content-Type-Options", "nosniff")),
)
# What answers mostly have before, as we write it; nothing that is added here is among it.
_OTHER_NAMES = frozenset(
    {
        "Alert",
        "Cache-Control",
        "Content-Length",
        "Content-Type",
        "ETag",
        "Last-Modified",
        "Next-Page",
        "Total-Objects",
        "Total-Records",
    }
)


def add_common_headers(request: Request, response: Response) -> None:
    """Security, CORS, ``Vary``, ``Backoff``."""
    headers = response.headerlist
    usual = _usual_headers(request, response)
    if usual is not None and _OTHER_NAMES.issuperset(dict(headers)):
        headers.extend(usual)
        return
    names = header_names(response)
    headers.extend([header for name, header in _SECURITY if name not in names])
    _add_unconditional(request, response, names)


def _usual_headers(request: Request, response: Response) -> tuple[tuple[str, str], ...] | None:
    """What is added to an answer that has nothing of the kind yet; ``None`` if that varies."""
    attributes = request.__dict__
    settings = settings_of(request)
    if "HTTP_ORIGIN" in request.environ or settings.backoff.seconds is not None:
        return None
    # What was announced on the way goes out with whatever answers.
    if attributes.get("response", response) is not response or response.status_code == 405:
        return None
    exposed = exposed_headers(request)
    return None if exposed is None else _joined(exposed, (*settings.cors.vary, "Origin"))


@lru_cache(maxsize=256)
def _joined(exposed: str, vary: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    return (
        *(header for _, header in _SECURITY),
        ("Access-Control-Expose-Headers", exposed),
        ("Vary", ", ".join(vary)),
    )


def add_unconditional_headers(request: Request, response: Response) -> None:
    """What even the refusals of a dead service have."""
    _add_unconditional(request, response, header_names(response))


def _add_unconditional(request: Request, response: Response, names: set[str]) -> None:
    """As above.

    :param names: of the headers that the response has, in lower case.
    """
    settings = settings_of(request)
    apply_cors(request, response, names)
    # Those without an origin, too: browsers would be given copies of them.
    _add_vary(response, names, (*settings.cors.vary, "Origin"))
    add_backoff(response, settings.backoff)
    # Whatever answers, what was announced on the way goes out with it.
    announcing = request.__dict__.get("response")
    if announcing is None or announcing is response:
        return
    alert = announcing.headers.get("Alert")
    if alert is not None:
        response.headers["Alert"] = alert


def add_backoff(response: Response, backoff: BackoffSettings) -> None:
    """Ask the client to come back later, if that is set."""
    if backoff.seconds is not None and _is_drawn(backoff.percentage):
        response.headers["Backoff"] = str(backoff.seconds)


def _add_vary(response: Response, names: set[str], wanted: tuple[str, ...]) -> None:
    if "vary" not in names:
        if wanted:
            response.headerlist.append(("Vary", ", ".join(wanted)))
        return
    present = response.vary or ()
    known = {name.lower() for name in present}
    missing = [name for name in wanted if name.lower() not in known]
    if missing:
        response.headers["Vary"] = ", ".join([*present, *missing])


def _is_drawn(percentage: float | None) -> bool:
    return percentage is None or random.random() * 100 < percentage  # no secret
