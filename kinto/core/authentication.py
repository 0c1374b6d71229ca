"""Who asks: basic authentication, plus the properties of a request that name its user.

Source: "Authentication" of the HTTP API, section 11.
"""

import hashlib
import hmac
from collections import OrderedDict
from typing import Any

from pyramid.authentication import BasicAuthAuthenticationPolicy as PyramidBasicAuthPolicy
from pyramid.authentication import extract_http_basic_credentials
from pyramid.authorization import Authenticated, Everyone
from pyramid.config import Configurator
from pyramid.interfaces import ISecurityPolicy
from pyramid.request import Request
from pyramid_multiauth import MultiAuthPolicySelected

from kinto.core.openapi import OpenAPI


_CACHED_USERIDS = 4096
_REALM = "Realm"
# Of the attributes of a request: a header with what was found for it.
_FOUND = "basic_auth_userid"


class BasicAuthAuthenticationPolicy(PyramidBasicAuthPolicy):  # type: ignore[misc]  # Pyramid ships no types
    """Any user name with any password: each pair is a user of its own.

    :param realm: shown in ``WWW-Authenticate``.
    """

    reads_only_authorization = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("realm", _REALM)
        super().__init__(lambda username, password, request: [], *args, **kwargs)
        # Header digest -> user id. The digest, so that no password stays in memory.
        self._userids: OrderedDict[tuple[str, bytes], str] = OrderedDict()

    def unauthenticated_userid(self, request: Request) -> str | None:
        """HMAC of the credentials; ``None`` without usable ones."""
        header = request.environ.get("HTTP_AUTHORIZATION")
        if not header:
            return None
        secret = request.registry.settings.get("userid_hmac_secret") or ""
        # It is asked for more than once during a request.
        found: tuple[str, str, str] | None = request.__dict__.get(_FOUND)
        if found is not None and found[:2] == (header, secret):
            return found[2]
        key = (secret, hashlib.blake2b(header.encode("utf-8", "surrogateescape")).digest())
        userid = self._userids.get(key)
        if userid is None:
            userid = _userid_from_credentials(request, secret)
            if userid is None:
                return None
            self._remember(key, userid)
        request.__dict__[_FOUND] = (header, secret, userid)
        return userid

    authenticated_userid = unauthenticated_userid

    def effective_principals(self, request: Request) -> list[str]:
        """What the credentials alone tell; groups come from the group finder."""
        userid = self.unauthenticated_userid(request)
        return [Everyone] if userid is None else [Everyone, Authenticated, userid]

    def _remember(self, key: tuple[str, bytes], userid: str) -> None:
        self._userids[key] = userid
        while len(self._userids) > _CACHED_USERIDS:
            self._userids.popitem(last=False)


def _userid_from_credentials(request: Request, secret: str) -> str | None:
    credentials = extract_http_basic_credentials(request)
    if credentials is None or not credentials.username:
        return None
    message = f"{credentials.username}:{credentials.password}"
    return hmac.new(
        secret.encode("utf-8"), message.encode("utf-8", "surrogatepass"), hashlib.sha256
    ).hexdigest()


def includeme(config: Configurator) -> None:
    """Declare basic authentication in the OpenAPI document, where the settings name it."""
    OpenAPI.expose_authentication_method("basicauth", {"type": "basic"})
    config.add_api_capability(
        "basicauth",
        description="Very basic authentication sessions. Not for production use.",
        url="http://kinto.readthedocs.io/en/stable/api/1.x/authentication.html",
    )


def remember_selected_policy(event: MultiAuthPolicySelected) -> None:
    """Note on the request who it is, according to which policy."""
    request = event.request
    request.authn_type = getattr(event.policy, "name", None) or event.policy_name
    request.selected_userid = event.userid


def prefixed_userid(request: Request) -> str | None:
    """``<policy>:<user id>``; ``None`` when anonymous."""
    attributes = request.__dict__
    authn_type = attributes.get("authn_type")
    if authn_type is not None:
        userid = attributes.get("selected_userid")
        return None if userid is None else f"{authn_type}:{userid}"
    authn_type = getattr(request, "authn_type", None)
    if authn_type is None:
        # The identity is looked up on demand; the policy that knows it sets `authn_type`.
        if request.authenticated_userid is None:
            return None
        authn_type = getattr(request, "authn_type", None)
        if authn_type is None:
            return None
    userid = getattr(request, "selected_userid", None)
    return None if userid is None else f"{authn_type}:{userid}"


def prefixed_principals(request: Request) -> list[str]:
    """Principals of the user: the prefixed user id first, then groups and ``system.*``.

    The bare user id is left out: two policies may give the same one to different people.
    """
    principals = effective_principals(request)
    userid = prefixed_userid(request)
    if userid is None:
        return [p for p in principals if p != Authenticated]
    bare = request.selected_userid
    return [userid, *[each for each in principals if each not in (bare, userid)]]


def effective_principals(request: Request) -> list[str]:
    """Principals as the authentication policies tell them, bare user id included."""
    policy = request.registry.queryUtility(ISecurityPolicy)
    if policy is None:
        return [Everyone]
    return list(policy.effective_principals(request))


def get_user_info(request: Request) -> dict[str, Any]:
    """The user as shown by the hello view."""
    info: dict[str, Any] = {
        "id": request.prefixed_userid,
        "principals": request.prefixed_principals,
    }
    if hasattr(request, "get_user_profile"):
        info["profile"] = request.get_user_profile()
    return info
