"""The id that a client chose for what it posts."""

from typing import Any

from pyramid.request import Request

from kinto.core.protocol.criteria import MISSING


def find_posted_id(request: Request) -> Any:  # any JSON value
    """The id in the body of a POST; ``MISSING`` without one, or in a body to be refused."""
    try:
        body = request.json_body
    except ValueError:
        return MISSING
    data = body.get("data") if isinstance(body, dict) else None
    return data.get("id", MISSING) if isinstance(data, dict) else MISSING
