"""Headers that every answer has.

Source: "Headers present on every response" of the HTTP API, section 1.6.
"""

import random

from pyramid.request import Request
from pyramid.response import Response

from kinto.core.cors import apply_cors
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


def add_common_headers(request: Request, response: Response) -> None:
    """Security, CORS, ``Vary``, ``Backoff``."""
    names = header_names(response)
    response.headerlist.extend([header for name, header in _SECURITY if name not in names])
    _add_unconditional(request, response, names)


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
