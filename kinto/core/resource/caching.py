"""Cache headers of successful reads.

Source: "ETag, Last-Modified, Cache-Control" of the HTTP API, section 1.7.
"""

from pyramid.request import Request
from pyramid.response import Response


def add_cache_headers(
    request: Request, response: Response, *, expires_seconds: int | None, is_record: bool = False
) -> None:
    """Say for how long an anonymous answer may be kept; never for that of a known user."""
    if request.prefixed_userid is not None or expires_seconds is None:
        response.cache_control.no_cache = True
        response.cache_control.no_store = True
        return
    if expires_seconds > 0 or is_record:
        response.cache_expires(seconds=max(expires_seconds, 0))
    else:
        response.cache_control.no_cache = True
        response.cache_control.no_store = True
