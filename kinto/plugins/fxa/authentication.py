"""Authentication policy: a bearer token of Firefox Accounts says who asks.

Source: "Firefox Accounts" in the settings documentation; RFC 6750.
"""

import re
from typing import Any

from pyramid.authorization import Authenticated, Everyone
from pyramid.interfaces import IAuthenticationPolicy
from pyramid.request import Request
from zope.interface import implementer

from kinto.plugins.fxa.accounts import find_accounts
from kinto.plugins.fxa.clients import Client, find_client
from kinto.plugins.fxa.oauth import VerifiedToken


_CREDENTIALS = re.compile(r"bearer +([A-Za-z0-9._~+/-]+=*) *", re.IGNORECASE)
_MAX_LENGTH = 8192


@implementer(IAuthenticationPolicy)
class FxAOAuthAuthenticationPolicy:
    """The owner of the token of ``Authorization: Bearer <token>``.

    :param realm: shown in ``WWW-Authenticate``.
    """

    reads_only_authorization = True

    def __init__(self, realm: str = "Realm") -> None:
        self.realm = realm

    def authenticated_userid(self, request: Request) -> str | None:
        """Id of the user, with the name of the client if it has one; ``None`` for others.

        :raises BackendError: the OAuth server does not say, or the cache fails.
        """
        found = _find_user(request)
        if found is None:
            return None
        token, client = found
        return f"{token.user}-{client.name}" if client.name else token.user

    unauthenticated_userid = authenticated_userid

    def effective_principals(self, request: Request) -> list[str]:
        """Principals beside those that the groups give: the same user, without client."""
        # Where another policy knows the user, the token is nobody's business here.
        if request.authenticated_userid is None or not self._is_selected(request):
            return [Everyone]
        found = _find_user(request)
        if found is None:
            return [Everyone]
        token, client = found
        userid = self.authenticated_userid(request)
        principals = [Everyone, Authenticated, str(userid)]
        return [*principals, f"{request.authn_type}:{token.user}"] if client.name else principals

    def _is_selected(self, request: Request) -> bool:
        return getattr(request, "authn_type", None) == getattr(
            self, "_pyramid_multiauth_name", None
        )

    def remember(self, request: Request, userid: str, **kwargs: Any) -> list[tuple[str, str]]:
        """Nothing: clients send their token each time."""
        return []

    def forget(self, request: Request) -> list[tuple[str, str]]:
        """The challenge of a 401."""
        realm = self.realm.replace("\\", "\\\\").replace('"', '\\"')
        return [("WWW-Authenticate", f'Bearer realm="{realm}"')]


def find_bearer_token(authorization: str | None) -> str | None:
    """The token of an ``Authorization`` header, if it is well formed."""
    if not authorization or len(authorization) > _MAX_LENGTH:
        return None
    match = _CREDENTIALS.fullmatch(authorization)
    return match[1] if match else None


def _find_user(request: Request) -> tuple[VerifiedToken, Client] | None:
    token = find_bearer_token(request.environ.get("HTTP_AUTHORIZATION"))
    if token is None:
        return None
    accounts = find_accounts(request.registry)
    if accounts.verifier is None:
        return None
    verified = accounts.verifier.verify(request, token)
    if verified is None:
        return None
    client = find_client(accounts.clients, verified.scope, verified.client_id)
    return None if client is None else (verified, client)
