"""What a user may do, decided on rows that were fetched beforehand.

Source: "Permissions" of the HTTP API, section 8; extension API, section 3.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache, partial
from typing import Any

import structlog
from pyramid.authorization import Authenticated, Everyone
from pyramid.interfaces import IAuthorizationPolicy
from pyramid.request import Request
from zope.interface import implementer

from kinto.core.request_context import ResourceContext
from kinto.core.settings import principals_setting
from kinto.core.types import BoundPermission, KintoObject


log = structlog.get_logger(__name__)

# A permission that is found from the verb and from what exists.
DYNAMIC = "dynamic"
# Any authenticated user.
PRIVATE = "private"

GetBoundPermissions = Callable[[str, str], Sequence[tuple[str, str]]]


def groupfinder(userid: str, request: Request) -> list[str]:
    """Principals of the groups that hold the user.

    They come with everything else that the request needs from the database, in one
    round trip, once for each user during a request with its sub-requests.
    """
    prefixed = request.prefixed_userid or userid
    known: dict[str, list[str]] = request.bound_data.setdefault("groups", {})
    if prefixed not in known:
        context = getattr(request, "context", None)
        if isinstance(context, RouteFactory) and context.resource_context is not None:
            known[prefixed] = sorted(context.resource_context.groups_of(prefixed))
        else:
            permission = getattr(request.registry, "permission", None)
            known[prefixed] = (
                sorted(permission.get_user_principals(prefixed)) if permission else []
            )
    return known[prefixed]


@implementer(IAuthorizationPolicy)
class AuthorizationPolicy:
    """Decides on the permission of a view, for the object that the context names.

    Without inheritance; sub-classes set ``get_bound_permissions``.
    """

    # (object id, permission) -> every pair that grants it, nearest object first.
    get_bound_permissions: Any = None  # a method or a function, GetBoundPermissions

    def permits(self, context: Any, principals: Iterable[str], permission: str) -> bool:
        """Whether the view may be run."""
        if permission == PRIVATE:
            return Authenticated in principals
        context.refuse_malformed_parents()
        prefixed: list[str] = context.get_prefixed_principals()
        if permission == DYNAMIC:
            allowed = self._permits_dynamic(context, prefixed)
        else:
            allowed = self._permits_named(context, prefixed, permission)
        if not allowed:
            _log_refusal(context, prefixed, permission)
        return allowed

    def principals_allowed_by_permission(self, context: Any, permission: str) -> Any:
        """Part of Pyramid's interface; there is no such list."""
        raise TypeError("the principals of a permission are those of its ACEs")

    def _permits_dynamic(self, context: "RouteFactory", principals: list[str]) -> bool:
        permission = context.required_permission
        if permission is None:
            return False
        if self._permits_named(context, principals, permission):
            return True
        if context.allows_create_only() and self._permits_create(
            context, principals, context.creation_uri()
        ):
            return True
        # A POST is about one object, even where it is answered with one that exists.
        is_about_list = context.on_plural_endpoint and context.request.method != "POST"
        if not is_about_list or permission == "create":
            return False
        shared = context.fetch_shared_objects(permission, principals, self.get_bound_permissions)
        if shared:
            return True
        # Whoever may add to a list may see it, without the objects of others.
        if self._permits_create(context, principals, context.empty_list_uri()):
            context.shared_ids = []
            return True
        return False

    def _permits_named(
        self, context: "RouteFactory", principals: list[str], permission: str
    ) -> bool:
        object_id = context.permission_object_id
        if permission == "create":
            permission = f"{context.resource_name}:create"
        return context.check_permission(principals, self._bound(object_id, permission))

    def _permits_create(
        self, context: "RouteFactory", principals: list[str], parent_uri: str
    ) -> bool:
        permission = f"{context.resource_name}:create"
        return context.check_permission(principals, self._bound(parent_uri, permission))

    def _bound(self, object_id: str | None, permission: str) -> Sequence[tuple[str, str]]:
        uri = object_id or ""
        if self.get_bound_permissions is not None:
            bound: Sequence[tuple[str, str]] = self.get_bound_permissions(uri, permission)
            # Where no stored object can grant it, settings still do, by its name.
            return bound or [BoundPermission("", permission)]
        pairs = [BoundPermission(uri, permission)]
        if permission == "read":
            pairs.append(BoundPermission(uri, "write"))
        return pairs


class RouteFactory:
    """What a request is about, as far as authorization goes.

    One is made for each request, before anything is read. Plugins sub-class it, or set its
    attributes on an instance to borrow the permissions of another object.
    """

    resource_name: str | None = None
    on_plural_endpoint: bool = False
    # True when a setting (not a stored permission) allowed the request.
    allowed_from_settings: bool = False
    resource_context: ResourceContext | None = None
    method_permissions = {
        "head": "read",
        "get": "read",
        "post": "create",
        "delete": "write",
        "patch": "write",
    }

    def __init__(self, request: Request) -> None:
        self.request = request
        self._shared_ids: list[str] | None = None
        service = request.current_service
        if service is None or not hasattr(service, "viewset"):
            return
        self.resource_name = request.current_resource_name
        self.on_plural_endpoint = service.type == "plural"
        self.resource_context = ResourceContext(request, service, factory=self)

    # -- what was asked for; a value assigned by a plugin wins --------------------------

    @property
    def required_permission(self) -> str | None:
        """``read``, ``write`` or ``create``: found from the verb and from what exists."""
        if "required_permission" not in self.__dict__ and self.resource_context is not None:
            self.__dict__["required_permission"] = self.resource_context.required_permission(
                self.method_permissions
            )
        return self.__dict__.get("required_permission")

    @required_permission.setter
    def required_permission(self, permission: str | None) -> None:
        self.__dict__["required_permission"] = permission

    @property
    def permission_object_id(self) -> str | None:
        """URI of the object whose permissions decide."""
        if "permission_object_id" not in self.__dict__ and self.resource_context is not None:
            self.__dict__["permission_object_id"] = self._find_permission_object_id()
        return self.__dict__.get("permission_object_id")

    @permission_object_id.setter
    def permission_object_id(self, uri: str | None) -> None:
        self.__dict__["permission_object_id"] = uri

    def _find_permission_object_id(self) -> str:
        assert self.resource_context is not None
        if self.required_permission == "create":
            return self.creation_uri()
        if self.on_plural_endpoint and self.request.method.lower() != "post":
            return self.resource_context.plural_uri()
        return self.get_permission_object_id(self.request, self.resource_context.object_id)

    @property
    def current_object(self) -> KintoObject | None:
        """The object addressed, with ``__permissions__``; ``None`` when there is none."""
        if "_current_object" in self.__dict__:
            return self.__dict__["_current_object"]  # type: ignore[no-any-return]
        return self.resource_context.current_object() if self.resource_context else None

    @current_object.setter
    def current_object(self, obj: KintoObject | None) -> None:
        self.__dict__["_current_object"] = obj

    @property
    def shared_ids(self) -> list[str] | None:
        """Ids that the user may see when the list is not wholly readable."""
        return self._shared_ids

    @shared_ids.setter
    def shared_ids(self, ids: list[str] | None) -> None:
        self._shared_ids = ids

    @property
    def is_anonymous(self) -> bool:
        """Nobody is signed in."""
        return self.request.prefixed_userid is None

    @property
    def is_administrator(self) -> bool:
        """The user may write every object of this kind, by a setting."""
        granted = principals_setting(
            self.request.registry.settings, f"{self.resource_name}_write_principals"
        )
        return bool(set(granted) & set(self.get_prefixed_principals()))

    def refuse_malformed_parents(self) -> None:
        """Refuse a URL whose parents can have no such id; any can, by default.

        :raises HTTPNotFound: with errno 111.
        """

    # -- decisions ----------------------------------------------------------------------

    def get_prefixed_principals(self) -> list[str]:
        """Principals of the user of this request."""
        return self.request.prefixed_principals  # type: ignore[no-any-return]

    def get_permission_object_id(self, request: Request, object_id: str | None = None) -> str:
        """URI of the object addressed (or of ``object_id`` in the list addressed)."""
        if self.resource_context is None:
            return ""
        if object_id is None and self.on_plural_endpoint:
            return self.resource_context.plural_uri()
        return self.resource_context.object_uri(object_id)

    def creation_uri(self) -> str:
        """URI of the object whose permissions allow to create in the list addressed."""
        return self.resource_context.plural_uri() if self.resource_context else ""

    def empty_list_uri(self) -> str:
        """URI of the object whose ``…:create`` shows a list, empty, to who can add to it."""
        return ""

    def ancestor_uris(self) -> tuple[str, ...]:
        """URIs of the objects above the one addressed whose permissions may matter."""
        return (self.creation_uri(), self.empty_list_uri())

    def allows_create_only(self) -> bool:
        """Whether permission to create is enough, whatever exists (``If-None-Match: *``)."""
        context = self.resource_context
        return context is not None and context.is_create_only()

    def check_permission(
        self, principals: Iterable[str], bound_perms: Sequence[tuple[str, str]]
    ) -> bool:
        """Whether a setting or one of the pairs gives the permission to one of the principals."""
        principals = list(principals)
        if bound_perms and self._granted_by_settings(principals, bound_perms):
            self.allowed_from_settings = True
            return True
        if self.resource_context is not None:
            return self.resource_context.is_granted(principals, bound_perms)
        permission = getattr(self.request.registry, "permission", None)
        return permission is not None and bool(
            permission.check_permission(principals, list(bound_perms))
        )

    def _granted_by_settings(
        self, principals: list[str], bound_perms: Sequence[tuple[str, str]]
    ) -> bool:
        settings = self.request.registry.settings
        nearest = bound_perms[0][0]
        names = tuple([name for uri, name in bound_perms if uri == nearest])
        for setting in _granting_settings(self.resource_name, names):
            if settings.get(setting) and not principals_setting(settings, setting).isdisjoint(
                principals
            ):
                return True
        return False

    def fetch_shared_objects(
        self,
        perm: str,
        principals: Iterable[str],
        get_bound_permissions: GetBoundPermissions | None,
    ) -> list[str] | None:
        """Ids of the objects of the list on which the user has ``perm``; sets ``shared_ids``."""
        context = self.resource_context
        if context is None:
            return None
        pattern = self.get_permission_object_id(self.request, "*")
        if get_bound_permissions is None:
            pairs = [(pattern, perm)]
        else:
            pairs = [pair for pair in get_bound_permissions(pattern, perm) if pair[0] == pattern]
        self._shared_ids = context.accessible_ids(list(principals), pairs) or None
        return self._shared_ids


def make_root(factory: type[RouteFactory], request: Request) -> RouteFactory:
    """The root of a request: the one that was made when it was looked at beforehand, or new."""
    prepared: RouteFactory | None = request.__dict__.pop("prepared_root", None)
    return factory(request) if prepared is None else prepared


@lru_cache(maxsize=1024)
def is_root_known_to_read_nothing(factory: Any) -> bool:
    """Whether a route's roots are ours: they may be made before earlier requests are executed."""
    if isinstance(factory, partial) and factory.func is make_root:
        factory = factory.args[0]
    return getattr(factory, "__module__", None) in (__name__, "kinto.authorization")


@lru_cache(maxsize=1024)
def _granting_settings(resource_name: str | None, names: tuple[str, ...]) -> tuple[str, ...]:
    """Names of the settings that grant what permissions on the nearest object stand for.

    What was asked for shows in them: whoever may write may read, but settings for one kind say
    nothing about the objects below.

    :param names: of the permissions.
    """
    if "read" in names:
        names = ("read", "write")
    else:
        names = tuple(name for name in names if ":" in name) or names
    return tuple(
        f"{name.replace(':', '_') if ':' in name else f'{resource_name}_{name}'}_principals"
        for name in names
    )


def _log_refusal(context: Any, principals: Sequence[str], permission: str) -> None:
    userid = principals[0] if principals else Everyone
    permission = getattr(context, "required_permission", None) or permission
    uri = getattr(context, "permission_object_id", None)
    log.info(
        f"Permission '{permission}' on '{uri}' not granted to '{userid}'.",
        userid=userid,
        uri=uri,
        perm=permission,
    )
