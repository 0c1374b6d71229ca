"""Login through the server: to Firefox Accounts, and back with a token.

Source: "Firefox Accounts" in the settings documentation.
"""

from urllib.parse import quote, urlencode

import colander
from pyramid.request import Request
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED

from kinto.core.cornice.validators import colander_validator
from kinto.core.errors import ERRORS, raise_invalid
from kinto.core.protocol.crypto import random_bytes_hex
from kinto.core.schema import URL
from kinto.core.service import Service
from kinto.plugins.fxa.accounts import find_accounts, require_server
from kinto.plugins.fxa.clients import requested_scope
from kinto.plugins.fxa.redirects import is_authorized


_STATE_KEY = "fxa-oauth:state:{}"
_STATE_BYTES = 32
_TAGS = ["Firefox Accounts"]

login = Service(
    name="fxa-oauth-login",
    path="/fxa-oauth/login",
    description="Login with Firefox Accounts",
    tags=_TAGS,
)
token = Service(
    name="fxa-oauth-token",
    path="/fxa-oauth/token",
    description="Return from Firefox Accounts",
    tags=_TAGS,
)


class LoginSchema(colander.MappingSchema):  # type: ignore[misc]  # colander ships no types
    """Of the request."""

    @colander.instantiate()
    class querystring(colander.MappingSchema):  # type: ignore[misc]  # noqa: N801 # a part of it
        """Where to go afterwards."""

        redirect = URL()


@login.get(
    permission=NO_PERMISSION_REQUIRED,
    schema=LoginSchema(),
    validators=(colander_validator,),
    operation_id="login_fxa",
)
def get_login(request: Request) -> Response:
    """Send the user to the login page, remember where to go afterwards."""
    accounts = find_accounts(request.registry)
    server = require_server(accounts)
    redirect = request.validated["querystring"]["redirect"]
    if not is_authorized(redirect, accounts.settings.authorized_domains):
        raise_invalid(request, "querystring", "redirect", "redirect URL is not authorized")
    state = random_bytes_hex(_STATE_BYTES)
    ttl_seconds = accounts.settings.state_ttl_seconds
    request.registry.cache.set(_STATE_KEY.format(state), redirect, ttl_seconds)
    query = {
        "action": "signin",
        "client_id": accounts.settings.client_id or "",
        "scope": requested_scope(accounts.settings),
        "state": state,
    }
    return _found(f"{server.uri}/authorization?{urlencode(query)}")


class TokenSchema(colander.MappingSchema):  # type: ignore[misc]  # colander ships no types
    """Of the request."""

    @colander.instantiate()
    class querystring(colander.MappingSchema):  # type: ignore[misc]  # noqa: N801 # a part of it
        """What Firefox Accounts sends the user back with."""

        code = colander.SchemaNode(colander.String())
        state = colander.SchemaNode(colander.String(), validator=colander.Regex("^[0-9a-f]{64}$"))


@token.get(
    permission=NO_PERMISSION_REQUIRED,
    schema=TokenSchema(),
    validators=(colander_validator,),
    operation_id="token_fxa",
)
def get_token(request: Request) -> Response:
    """Get the token for the code, send the user back with it."""
    accounts = find_accounts(request.registry)
    server = require_server(accounts)
    query = request.validated["querystring"]
    # A state is good for one attempt.
    redirect = request.registry.cache.delete(_STATE_KEY.format(query["state"]))
    if not isinstance(redirect, str):
        errno = ERRORS.INVALID_AUTH_TOKEN.value
        raise_invalid(request, "querystring", "state", "Invalid state", errno=errno)
    access_token = server.trade(
        query["code"],
        client_id=accounts.settings.client_id or "",
        client_secret=accounts.settings.client_secret or "",
        timeout_seconds=accounts.settings.timeout_seconds,
    )
    if access_token is None:
        errno = ERRORS.INVALID_AUTH_TOKEN.value
        raise_invalid(request, "querystring", "code", "Invalid code", errno=errno)
    return _found(redirect + quote(access_token, safe=""))


def _found(url: str) -> Response:
    """A redirection that no cache keeps."""
    return Response(status=302, location=url, headerlist=[("Cache-Control", "no-store")])
