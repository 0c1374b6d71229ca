"""Cache headers of successful reads.

Source: "ETag, Last-Modified, Cache-Control" of the HTTP API, section 1.7.
"""

from collections.abc import Callable

from pyramid.request import Request
from pyramid.response import Response

from kinto.core.response import set_headers


def add_cache_headers(
    request: Request,
    response: Response,
    *,
    find_expires_seconds: Callable[[], int | None],
    is_record: bool = False,
) -> None:
    """Say for how long an anonymous answer may be kept; never for that of a known user."""
    seconds = None if request.prefixed_userid is not None else find_expires_seconds()
    if seconds is not None and (is_record or seconds > 0):
        response.cache_expires(seconds=max(seconds, 0))
    else:
        set_headers(response, {"Cache-Control": "no-cache, no-store"})
