"""Tokens in a batch, verified before the first of its requests.

A batch locks the lists it writes to, and executes its requests in one transaction. An item with a
token of its own, later on, would have the database wait for the OAuth server.
"""

from collections.abc import Iterator
from typing import Any

from pyramid.events import NewRequest
from pyramid.request import Request

from kinto.core.registry import current_settings
from kinto.plugins.fxa.accounts import find_accounts
from kinto.plugins.fxa.authentication import find_bearer_token


def verify_tokens_of_batch(event: NewRequest) -> None:
    """Subscriber: look the tokens of a batch up, those of its items included."""
    request = event.request
    if request.method != "POST" or not request.environ["PATH_INFO"].endswith("/batch"):
        return
    verifier = find_accounts(request.registry).verifier
    if verifier is None:
        return
    for header in dict.fromkeys(_authorizations(request)):
        if token := find_bearer_token(header):
            verifier.verify(request, token)


def _authorizations(request: Request) -> Iterator[str]:
    own = request.environ.get("HTTP_AUTHORIZATION")
    if own:
        yield own
    if b"uthorization" not in request.body_bytes.lower():
        return
    try:
        body = request.json_body
    except ValueError:
        return
    if isinstance(body, dict):
        yield from _headers(body.get("defaults"))
        items = body.get("requests")
        limit = current_settings(request.registry).batch.max_requests
        # A longer one is refused.
        if isinstance(items, list) and (not limit or len(items) <= limit):
            for item in items:
                yield from _headers(item)


def _headers(item: Any) -> Iterator[str]:  # any JSON value
    headers = item.get("headers") if isinstance(item, dict) else None
    if isinstance(headers, dict):
        for name, value in headers.items():
            if name.lower() == "authorization" and isinstance(value, str):
                yield value
