"""Cache headers of successful reads.

Source: "ETag, Last-Modified, Cache-Control" of the HTTP API, section 1.7.
"""

from pyramid.request import Request
from pyramid.response import Response


def add_cache_headers(
    request: Request, response: Response, *, expires_seconds: int | None, is_record: bool = False
) -> None:
    """Say for how long an anonymous answer may be kept; never for that of a known user."""
    if request.prefixed_userid is None and expires_seconds is not None:
        if is_record or expires_seconds > 0:
            response.cache_expires(seconds=max(expires_seconds, 0))
            return
    response.headers["Cache-Control"] = "no-cache, no-store"
