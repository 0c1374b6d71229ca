"""What one request has to know from the database, fetched in as few round trips as can be."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from pyramid.authorization import Authenticated, Everyone
from pyramid.interfaces import IAuthorizationPolicy
from pyramid.request import Request

from kinto.core.errors import raise_invalid
from kinto.core.events import ACTIONS, is_listened_to
from kinto.core.permission import PermissionBase
from kinto.core.posted import find_posted_id
from kinto.core.protocol.criteria import MISSING
from kinto.core.protocol.storable import find_text_problem
from kinto.core.shared_objects import fetch_shared, find_shared_ids, restricted_to
from kinto.core.storage.protocols import ContextQuery, PageQuery, SharedObjects, StoredContext
from kinto.core.stored_context import fetch_context, lock_lists, shares_database
from kinto.core.types import BoundPermission, KintoObject, ListKey, ObjectKey, Permissions


_WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_ACTIONS = tuple(ACTIONS)
PERMISSIONS_FIELD = "__permissions__"
# Of `bound_data`: contexts of the items of a batch, until they were read; then an empty list.
BATCH_CONTEXTS = "batch_contexts"


class Address(NamedTuple):
    """What a request is about: a :class:`ContextQuery` without who asks."""

    uris: tuple[str, ...]
    target: ListKey
    object_id: str | None = None
    object_uri: str | None = None
    owner: ObjectKey | None = None
    consulted: ObjectKey | None = None


class ResourceContext:
    """The object or list that a request addresses, with all that decides about it.

    Nothing is read before something is asked; then everything comes at once.

    :param factory: the :class:`~kinto.core.authorization.RouteFactory` of the request.
    """

    def __init__(self, request: Request, service: Any, *, factory: Any) -> None:
        self.request = request
        self.service = service
        self._method: str = request.method
        self._factory = factory
        self._stored: StoredContext | None = None
        self._principals: frozenset[str] = frozenset()
        self._parent_id: str | None = None
        self._plural_uri: str | None = None
        self._address: Address | None = None
        # The page that is likely to be asked for, and the one that was read already.
        self._page_guess: PageQuery | None = None
        self.page_query: PageQuery | None = None
        # What was asked for, once it was.
        self.asked: ContextQuery | None = None

    # -- from the URL and the body, without reading anything ----------------------------

    @property
    def root(self) -> Any:
        """The :class:`~kinto.core.authorization.RouteFactory` of the request."""
        return self._factory

    @property
    def writes(self) -> bool:
        """Whether the request is going to write."""
        return self._method in _WRITES

    @property
    def object_id(self) -> str | None:
        """Id of the object addressed: by the URL, or by the body of a POST."""
        if self.service.type == "object":
            object_id: str | None = self.request.matchdict.get("id")
            return object_id
        if self._method == "POST":
            posted = find_posted_id(self.request)
            is_usable = isinstance(posted, str) and is_storable_text(posted)
            return posted if is_usable else None
        return None

    @property
    def parent_id(self) -> str:
        """Parent of the list addressed, in the terms of the storage."""
        if self._parent_id is None:
            resource = self.service.resource(self.request, context=self._factory)
            self._parent_id = resource.get_parent_id(self.request)
        return self._parent_id

    def object_uri(self, object_id: str | None = None) -> str:
        """URI of an object of the list (the one addressed by default), without version prefix."""
        address = self._address
        if object_id is None:
            object_id = self.object_id or ""
        elif address is not None and object_id == address.object_id and address.object_uri:
            return address.object_uri
        path: str = self.service.object_path
        return path.format(**{**self.request.matchdict, "id": object_id})

    def plural_uri(self) -> str:
        """URI of the list, without version prefix."""
        if self._plural_uri is None:
            path: str = self.service.plural_path
            self._plural_uri = path.format(**self.request.matchdict)
        return self._plural_uri

    def is_create_only(self) -> bool:
        """A PUT that must not replace anything."""
        return self._method == "PUT" and self.request.headers.get("If-None-Match") == "*"

    # -- what is stored -----------------------------------------------------------------

    def required_permission(self, method_permissions: Mapping[str, str]) -> str | None:
        """``read``, ``write`` or ``create``.

        A POST or PUT of an object that exists is no creation: what counts then is the
        permission to read it (POST answers with it) or to write it. That there is nothing
        to change or delete may be told to whoever may read.
        """
        method = self._method.lower()
        if method == "post" and self.service.type == "plural":
            self._refuse_invalid_posted_id()
        if method == "put":
            return "create" if self.stored.obj is None else "write"
        is_object = self.service.type == "object"
        if is_object and method in ("patch", "delete") and self.stored.obj is None:
            return "read"
        if method == "post" and self.object_id is not None and self.stored.obj is not None:
            return "read"
        return method_permissions.get(method)

    def _refuse_invalid_posted_id(self) -> None:
        """As for an id in the URL, which would not even be routed.

        :raises HTTPBadRequest: the body of a POST has an id that no object can have.
        """
        object_id = find_posted_id(self.request)
        if object_id is MISSING:
            return
        generators = self.request.registry.id_generators
        generator = generators.get(self.request.current_resource_name) or generators[""]
        if not isinstance(object_id, str) or not generator.match(object_id):
            raise_invalid(self.request, "path", None, "Invalid object id")

    def current_object(self) -> KintoObject | None:
        """The object addressed, with its permissions; ``None`` when there is none."""
        obj = self.stored.obj
        if obj is None:
            return None
        return {**obj, PERMISSIONS_FIELD: copy_permissions(self.stored.permissions)}

    def missing_owner(self) -> ObjectKey | None:
        """The object that the list cannot be without, when it is not there."""
        if self.stored.owner is not None:
            return None
        owner: ObjectKey | None = self.service.resource.get_owner_key(self.request)
        return owner

    def above(self) -> dict[ObjectKey | None, KintoObject | None]:
        """The owner of the list and the object that is consulted; ``None`` when missing."""
        resource, stored = self.service.resource, self.stored
        return {
            resource.get_consulted_key(self.request): stored.consulted,
            resource.get_owner_key(self.request): stored.owner,
        }

    def groups_of(self, prefixed_userid: str) -> frozenset[str]:
        """Principals of the groups that hold the user of this request."""
        if self._stored is None:
            self._fetch(prefixed_userid)
        assert self._stored is not None
        return self._stored.groups

    def read_ahead(self) -> None:
        """Have what all items of a batch need be read; each asks for its own when it is executed.

        Items that nobody foresees, as those that are redirected, may have written by then.

        :raises HTTPException: an authentication policy refuses the user.
        """
        _ = self.stored
        self._stored = None

    @property
    def stored(self) -> StoredContext:
        """Everything, read at the first call."""
        if self._stored is None:
            # Asking who the user is has the groups looked up, which fetches all the rest.
            userid = self.request.prefixed_userid
            if self._stored is None:
                self._fetch(userid)
        assert self._stored is not None
        return self._stored

    def is_granted(
        self, principals: Sequence[str], bound_permissions: Sequence[tuple[str, str]]
    ) -> bool:
        """Whether a stored ACE gives one of the pairs to one of the principals."""
        granted = self.stored.granted
        if not granted.isdisjoint(bound_permissions):
            return True
        return self._is_granted_elsewhere(principals, bound_permissions)

    def _is_granted_elsewhere(
        self, principals: Sequence[str], bound_permissions: Sequence[tuple[str, str]]
    ) -> bool:
        """The same, for principals and objects that were not asked for with the context."""
        strangers = set(principals) - self._principals
        uris = set(self._uris(self.object_uri() if self._is_object_storable() else None))
        if not strangers and all(not uri or uri in uris for uri, _ in bound_permissions):
            return False
        storable = [pair for pair in bound_permissions if is_storable_text(pair[0])]
        others = [pair for pair in storable if pair[0] and pair[0] not in uris]
        permission = self.request.registry.permission
        if strangers and permission.check_permission(strangers, storable):
            return True
        return bool(others) and permission.check_permission(principals, others)

    def accessible_ids(
        self, principals: Iterable[str], patterns: Sequence[tuple[str, str]]
    ) -> list[str]:
        """Ids of the objects of the list on which one of the (pattern, permission) is granted."""
        holders = list(principals)
        storable = [BoundPermission(*each) for each in patterns if is_storable_text(each[0])]
        shared = self._fetch_shared(holders, storable)
        if shared is not None:
            return shared.ids
        permission: PermissionBase = self.request.registry.permission
        return find_shared_ids(permission, principals=holders, patterns=storable)

    def _fetch_shared(
        self, principals: Sequence[str], patterns: Sequence[BoundPermission]
    ) -> SharedObjects | None:
        """What was shared, with the page that is asked for; ``None`` where that takes more."""
        registry, page, pattern = self.request.registry, self._page_guess, None
        if patterns and page is not None:
            pattern = self.object_uri("*")
        is_of_list = all(each.object_uri == pattern for each in patterns)
        if not (pattern and page and is_of_list):
            return None
        if not shares_database(registry):
            return None
        shared = fetch_shared(
            registry.storage,
            ListKey(self.request.current_resource_name, self.parent_id),
            page,
            principals=principals,
            pattern=pattern,
            permissions=[each.permission for each in patterns],
        )
        if shared is not None:
            self.page_query = restricted_to(page, shared.ids)
            self.stored.page, self.stored.count = shared.page, shared.count
            self.stored.timestamp = shared.timestamp
        return shared

    # -- fetching -----------------------------------------------------------------------

    def _uris(self, object_uri: str | None) -> tuple[str, ...]:
        above = self._factory.ancestor_uris()
        return above if object_uri is None or object_uri in above else (*above, object_uri)

    def _is_object_storable(self) -> bool:
        """Whether an object is addressed that the database may be asked for."""
        return self.object_id is not None and is_storable_text(self.object_id)

    def _fetch(self, prefixed_userid: str | None, *, only_planned: bool = False) -> None:
        """Have everything there, unless it was to be planned and is not."""
        groups = self.request.bound_data.get("groups", {}).get(prefixed_userid)
        principals = [Everyone]
        if prefixed_userid is not None:
            principals += [Authenticated, prefixed_userid, *(groups or ())]
        userid, held = prefixed_userid if groups is None else None, tuple(principals)
        query = self.asked = self.query(userid, held)
        stored = self._find_planned(query)
        if stored is None:
            if only_planned:
                return
            stored = self._fetch_stored(query)
        if groups is not None:
            stored.groups = frozenset(groups)
        self._stored = stored
        self._principals = frozenset(principals) | stored.groups

    def take_planned(self, address: Address) -> bool:
        """Take what was read for all items of a batch, if it tells all that has to be known."""
        self._address = address
        self._fetch(self.request.prefixed_userid, only_planned=True)
        return self._stored is not None

    def _find_planned(self, query: ContextQuery) -> StoredContext | None:
        """What was read for all items of a batch, when the first of them asked."""
        bound_data, registry = self.request.bound_data, self.request.registry
        contexts: list[ResourceContext] | None = bound_data.get(BATCH_CONTEXTS)
        reads_page = self.service.type == "plural" and not self.writes
        if contexts is None or reads_page:
            return None
        if contexts:
            self._plan_batch(contexts, query)
            bound_data[BATCH_CONTEXTS] = []
        planned: StoredContext | None = registry.storage.find_planned(query)
        return planned

    def _fetch_stored(self, query: ContextQuery) -> StoredContext:
        registry = self.request.registry
        for_write = self.writes
        if for_write and must_lock_first(self.request):
            lock_lists(registry.storage, [query.target])
        page = self._guess_page() if self.service.type == "plural" and not for_write else None
        is_timed = self._needs_list_timestamp()
        stored = fetch_context(
            registry, query, for_write=for_write, with_timestamp=is_timed, page=page
        )
        self.page_query = page
        return stored

    def _needs_list_timestamp(self) -> bool:
        """Whether the timestamp of the list is told: in its answers, or in events."""
        name, registry = self.request.current_resource_name, self.request.registry
        return self.service.type == "plural" or is_listened_to(registry, name, *_ACTIONS)

    def _plan_batch(self, contexts: Sequence["ResourceContext"], first: ContextQuery) -> None:
        queries = [context.query(first.userid, first.principals) for context in contexts]
        written = [
            query.target
            for context, query in zip(contexts, queries, strict=True)
            if context.writes
        ]
        self.request.registry.storage.plan_requests(queries, written=written)

    def _guess_page(self) -> PageQuery | None:
        """The page that is going to be asked for, where ACEs may grant to read it."""
        page: PageQuery | None = self.service.resource.guess_page(self.request)
        self._page_guess = page
        policy = self.request.registry.queryUtility(IAuthorizationPolicy)
        find_bound = getattr(policy, "get_bound_permissions", None)
        if page is None or find_bound is None or not is_storable_text(self.plural_uri()):
            return None
        granting = tuple(find_bound(self.plural_uri(), "read"))
        return page.for_holders_of(granting) if granting else None

    def query(self, userid: str | None, principals: tuple[str, ...]) -> ContextQuery:
        """What has to be known to decide about the request.

        :param userid: whose groups are to be looked up.
        """
        return ContextQuery(userid, principals, *self.address())

    def address(self) -> Address:
        """The part of the query that does not depend on who asks."""
        if self._address is None:
            self._address = self._find_address()
        return self._address

    def _find_address(self) -> Address:
        resource_name = self.request.current_resource_name
        object_id = self.object_id
        object_uri = None if object_id is None else self.object_uri(object_id)
        # Nothing can be stored under such an id, which must not reach the database.
        if not is_storable_text(object_uri or self.plural_uri()):
            if not is_storable_text(self.plural_uri()):
                return Address((), ListKey(resource_name, ""))
            object_id = object_uri = None
        resource = self.service.resource
        owner = resource.get_owner_key(self.request)
        consulted = resource.get_consulted_key(self.request)
        target = ListKey(resource_name, self.parent_id)
        return Address(self._uris(object_uri), target, object_id, object_uri, owner, consulted)


def copy_permissions(permissions: Permissions) -> Permissions:
    """A copy that the caller may alter."""
    return {name: set(principals) for name, principals in permissions.items()}


def is_storable_text(text: str) -> bool:
    """Whether the database can hold the text."""
    return find_text_problem(text) is None


def must_lock_first(request: Request) -> bool:
    """Whether the list has to be locked before it is read.

    A condition on the timestamp of a list holds only under its lock, and an attempt after a
    collision with another writer must not collide again.
    """
    environ, service = request.environ, request.current_service
    if environ.get("retry.attempt", 0) > 0:
        return True
    has_condition = "HTTP_IF_MATCH" in environ or "HTTP_IF_NONE_MATCH" in environ
    return has_condition and service is not None and service.type == "plural"
