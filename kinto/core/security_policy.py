"""Who asks: the policies of ``multiauth.policies`` as one, asked as seldom as can be.

The items of a batch mostly come with the same credentials.
"""

from collections.abc import Callable, Sequence
from typing import Any

from pyramid.authorization import Authenticated, Everyone
from pyramid.config import PHASE3_CONFIG, Configurator
from pyramid.interfaces import IAuthorizationPolicy, ISecurityPolicy
from pyramid.registry import Registry
from pyramid.request import Request
from pyramid_multiauth import (
    MultiAuthIdentity,
    MultiAuthPolicySelected,
    MultiAuthSecurityPolicy,
)
from zope.interface import implementedBy


# Of the attributes of a request.
_IDENTITY = "multiauth_identity"
_PRINCIPALS = "multiauth_principals"
IDENTITY_ATTRIBUTES = (_IDENTITY, _PRINCIPALS, "authn_type", "selected_userid")
# Of `bound_data`: those attributes with the prefixed principals, by what was sent as credentials.
_KNOWN = "known_identities"
_SELECTED = (implementedBy(MultiAuthPolicySelected),)

GroupFinder = Callable[[str, Request], Sequence[str] | None]


class SecurityPolicy(MultiAuthSecurityPolicy):  # type: ignore[misc]  # it ships no types
    """What pyramid_multiauth does, once for all sub-requests with the same credentials.

    That takes policies whose answer depends on the ``Authorization`` header alone, and on
    nothing that the request may change; their classes say so by ``reads_only_authorization``,
    each for itself: a sub-class may look at more.

    :ivar may_share: all of them do.
    """

    def __init__(
        self, policies: Sequence[Any], groupfinder: GroupFinder | None, authz_policy: Any
    ):
        super().__init__(policies, groupfinder, authz_policy)
        self._asked = tuple(policies)
        self._groupfinder = groupfinder
        self.may_share = all(
            vars(type(policy)).get("reads_only_authorization", False) for policy in policies
        )

    def identity(self, request: Request) -> Any:  # MultiAuthIdentity | None
        """User and groups, according to the first policy that knows the user."""
        attributes = request.__dict__
        if _IDENTITY not in attributes and not self._is_known(request):
            attributes[_IDENTITY] = self._find_identity(request)
        return attributes[_IDENTITY]

    def effective_principals(self, request: Request) -> set[str]:
        """Principals of the user and of the groups, with those that policies add."""
        identity = self.identity(request)
        attributes = request.__dict__
        known: set[str] | None = attributes.get(_PRINCIPALS)
        if known is None:
            known = attributes[_PRINCIPALS] = self._find_principals(request, identity)
            if self.may_share and _is_sub_request(request):
                self._share(request)
        return known

    def _find_identity(self, request: Request) -> Any:
        for policy in self._asked:
            userid = policy.authenticated_userid(request)
            if userid is None:
                continue
            request.registry.notify(MultiAuthPolicySelected(policy, request, userid))
            if self._groupfinder is None:
                return MultiAuthIdentity(userid, [])
            groups = self._groupfinder(userid, request)
            if groups is not None:
                return MultiAuthIdentity(userid, groups)
        return None

    def _find_principals(self, request: Request, identity: Any) -> set[str]:
        principals: set[str] = set()
        for policy in self._asked:
            principals.update(policy.effective_principals(request))
        principals.discard(Authenticated)
        principals.add(Everyone)
        if identity is not None:
            principals.update((Authenticated, identity.userid), identity.groups)
        return principals

    def _is_known(self, request: Request) -> bool:
        """Whether another sub-request was of the same user; then this one is as well."""
        if not _is_sub_request(request):
            return False
        known = request.bound_data.get(_KNOWN)
        found = known.get(request.environ.get("HTTP_AUTHORIZATION")) if known else None
        if found is None:
            return False
        attributes, principals = found
        request.__dict__.update(attributes, prefixed_principals=principals.copy())
        return True

    def _share(self, request: Request) -> None:
        # Further subscribers want to be told of every request.
        if len(request.registry.adapters.subscriptions(_SELECTED, None)) > 1:
            return
        attributes = request.__dict__
        found = {name: attributes[name] for name in IDENTITY_ATTRIBUTES if name in attributes}
        known = request.bound_data.setdefault(_KNOWN, {})
        credentials = request.environ.get("HTTP_AUTHORIZATION")
        known[credentials] = found, request.prefixed_principals


def _is_sub_request(request: Request) -> bool:
    return "parent" in request.__dict__


def install_security_policy(config: Configurator) -> None:
    """Have the policies that pyramid_multiauth was given be asked in this way."""
    registry: Registry = config.registry
    groupfinder = config.maybe_dotted(config.get_settings().get("multiauth.groupfinder"))

    def install() -> None:
        former = registry.queryUtility(ISecurityPolicy)
        if type(former) is not MultiAuthSecurityPolicy:
            return
        policies = [policy for _, policy in former.get_policies()]
        authz_policy = registry.queryUtility(IAuthorizationPolicy)
        policy = SecurityPolicy(policies, groupfinder, authz_policy)
        registry.registerUtility(policy, ISecurityPolicy)

    # The policies are made in the phase before.
    config.action(None, install, order=PHASE3_CONFIG)
