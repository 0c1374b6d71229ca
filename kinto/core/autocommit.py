"""Requests whose only write is one statement: it commits by itself, without a transaction.

That is so where nothing else could belong to the transaction, and nothing could make the request
fail after the write: nobody listens to changes of these objects, no plugin stands between the
transaction and the view, and the class of resources says so.
"""

from pyramid.interfaces import ISecurityPolicy, ITweens
from pyramid.registry import Registry
from pyramid.request import Request

from kinto.core.events import ACTIONS, is_listened_to
from kinto.core.prepared_requests import has_onlookers
from kinto.core.registry import ask_once
from kinto.core.request_context import must_lock_first
from kinto.core.security_policy import SecurityPolicy
from kinto.core.storage.transactions import LazyManager, end_request_scope
from kinto.core.stored_context import writes_at_once
from kinto.core.tweens import commit_veto, is_outermost
from kinto.core.view_derivers import are_views_unwrapped


# Of the attributes of a request.
_AUTOCOMMITS = "autocommits"
# Methods that write one object, by the type of their service.
_METHODS = {"object": ("PUT", "PATCH", "DELETE"), "plural": ("POST",)}
_WRITES = frozenset(name for names in _METHODS.values() for name in names)
_CHANGES = (ACTIONS.CREATE, ACTIONS.UPDATE, ACTIONS.DELETE)
_OURS = ("kinto.core.", "pyramid_tm.", "pyramid.tweens.")


def leave_out_transaction(request: Request) -> None:
    """Have the write of a request commit by itself, if it is a single one."""
    may_write = request.environ["REQUEST_METHOD"] in _WRITES
    if may_write and is_outermost(request) and _writes_once(request):
        end_request_scope()
        request.__dict__[_AUTOCOMMITS] = True


def autocommits(request: Request) -> bool:
    """Whether the write of a request commits by itself."""
    return _AUTOCOMMITS in request.__dict__


def _writes_once(request: Request) -> bool:
    service, registry = request.current_service, request.registry
    resource_class = getattr(service, "resource", None)
    return (
        # Each class has to say so for itself.
        resource_class is not None
        and bool(vars(resource_class).get("writes_once"))
        and request.environ["REQUEST_METHOD"] in _METHODS[service.type]
        and not must_lock_first(request)
        and _has_no_transaction(request)
        and _has_no_company(registry, request.current_resource_name)
        and writes_at_once(registry)
    )


def _has_no_transaction(request: Request) -> bool:
    manager = request.tm
    return isinstance(manager, LazyManager) and not manager.has_begun()


def _has_no_company(registry: Registry, resource_name: str) -> bool:
    """Whether nobody else acts within the transaction, or has a say in whether it is kept."""
    return not is_listened_to(registry, resource_name, *_CHANGES) and ask_once(
        registry, "company", lambda: _are_all_ours(registry)
    )


def _are_all_ours(registry: Registry) -> bool:
    tweens, security = registry.getUtility(ITweens), registry.queryUtility(ISecurityPolicy)
    veto = registry.settings.get("tm.commit_veto")
    return (
        not tweens.explicit
        and all(name.startswith(_OURS) for name, _ in tweens.implicit())
        and veto in (commit_veto, f"{commit_veto.__module__}.{commit_veto.__name__}")
        and isinstance(security, SecurityPolicy)
        and security.may_share
        and not has_onlookers(registry)
        and are_views_unwrapped(registry)
    )
