"""What every resource is made of: its model, hooks to override, checks of a request.

Source: extension API, section 5.
"""

import functools
from collections.abc import Sequence
from typing import Any

from pyramid.request import Request

from kinto.core.autocommit import autocommits
from kinto.core.errors import ERRORS, not_found, raise_invalid
from kinto.core.events import ACTIONS, PERMISSIONS_FIELD, is_listened_to
from kinto.core.protocol.clock import msec_time
from kinto.core.protocol.comparison import COMPARISON
from kinto.core.protocol.criteria import Filter, Sort
from kinto.core.protocol.etag import timestamp_headers
from kinto.core.protocol.fields import extract_fields
from kinto.core.protocol.filters import extract_filters
from kinto.core.protocol.ids import find_id_mismatch
from kinto.core.protocol.pagination import extract_limit
from kinto.core.protocol.querystring import parse_number
from kinto.core.protocol.sorting import extract_sorting
from kinto.core.registry import settings_of
from kinto.core.resource.caching import add_cache_headers
from kinto.core.resource.conditions import ensure_preconditions
from kinto.core.resource.listing import next_page_url, or_400, read_token, warn_about_to
from kinto.core.resource.model import Model
from kinto.core.resource.patching import PatchedObject, patch_object
from kinto.core.resource.schema import ResourceSchema, made_schema
from kinto.core.resource.validation import query_params
from kinto.core.resource.viewset import ViewSet
from kinto.core.resource.writing import accepted_timestamp, keeping_objects, shown_permissions
from kinto.core.response import set_headers
from kinto.core.settings import find_cache_expires_seconds
from kinto.core.storage.exceptions import (
    ConcurrentWriteError,
    ObjectNotFoundError,
    ReadonlyError,
    UnicityError,
)
from kinto.core.storage.generators import Generator
from kinto.core.storage.protocols import PageQuery
from kinto.core.types import KintoObject, ListKey, ObjectKey


class ResourceBase:
    """Objects of one kind, without what the methods of HTTP do to them.

    :param request: of which ``matchdict``, ``method`` and ``validated`` are used.
    :param context: the :class:`~kinto.core.authorization.RouteFactory` of the request, or one
        that a plugin made.
    """

    default_viewset = ViewSet
    default_model = Model
    schema: Any = ResourceSchema
    permissions: tuple[str, ...] = ("read", "write")
    # Kinds of objects that live below each of these.
    child_resource_names: tuple[str, ...] = ()

    model: Model

    def __init__(self, request: Request, context: Any = None) -> None:
        self.request = request
        self.context = context

    def __getattr__(self, name: str) -> Any:
        # Made at first use: most of what it takes is not needed to find out who may do what.
        if name == "model":
            self.model = self._make_model()
            return self.model
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def _make_model(self) -> Model:
        request, registry = self.request, self.request.registry
        model = self.default_model(
            storage=registry.storage,
            permission=getattr(registry, "permission", None),
            id_generator=self.id_generator,
            resource_name=request.current_resource_name,
            parent_id=self.get_parent_id(request),
            current_principal=request.prefixed_userid or "system.Everyone",
            prefixed_principals=request.prefixed_principals,
            explicit_perm=settings_of(request).features.has_explicit_permissions,
        )
        model.child_resource_names = self.child_resource_names
        model.writes_entries = autocommits(request)
        if self.context is not None and self.permissions:
            model.get_permission_object_id = functools.partial(
                self.context.get_permission_object_id, request
            )
        owner = self.get_owner_key(request)
        model.conditions = {} if owner is None else {"owner": owner}
        return model

    # -- to override ------------------------------------------------------------------------

    def get_parent_id(self, request: Request) -> str:
        """Parent of the list addressed, in the terms of the storage."""
        return ""

    @classmethod
    def get_owner_key(cls, request: Request) -> ObjectKey | None:
        """The object without which the list addressed does not exist, if there is one."""
        return None

    @classmethod
    def get_consulted_key(cls, request: Request) -> ObjectKey | None:
        """A further object that a write has to be judged by, to be read with all the rest."""
        return None

    @classmethod
    def guess_page(cls, request: Request) -> PageQuery | None:
        """The page that the request is going to ask for, to be read before it is allowed to.

        ``None`` where it reads no page, or where only its execution tells which.
        """
        return None

    def is_known_field(self, field: str) -> bool:
        """Whether clients may filter or sort by the field."""
        if self.schema.get_option("preserve_unknown"):
            return True
        known = {node.name for node in self._schema_node().children}
        model = self.default_model
        known |= {model.id_field, model.modified_field, model.deleted_field}
        return field.partition(".")[0] in known

    @keeping_objects(lambda request: True)
    def process_object(self, new: KintoObject, old: KintoObject | None = None) -> KintoObject:
        """Check or alter an object that is about to be stored."""
        modified_field = self.model.modified_field
        if old is not None and modified_field in new:
            given = accepted_timestamp(
                self.request, new[modified_field], current=old[modified_field]
            )
            if given is None:
                return {k: v for k, v in new.items() if k != modified_field}
        return new

    def apply_changes(
        self, obj: KintoObject, requested_changes: Any
    ) -> tuple[KintoObject, dict[str, Any]]:
        """The object as a PATCH wants it, with the attributes that the client sent."""
        patched = self._patch(obj, requested_changes)
        return patched.obj, patched.sent

    def postprocess(
        self,
        result: KintoObject | list[KintoObject],
        action: ACTIONS = ACTIONS.READ,
        old: KintoObject | list[KintoObject] | None = None,
    ) -> dict[str, Any]:
        """Body of the answer; the event about it is queued."""
        body: dict[str, Any] = {}
        if isinstance(result, dict):
            permissions = result.pop(PERMISSIONS_FIELD, None)
            if permissions is not None:
                body["permissions"] = shown_permissions(permissions)
        if isinstance(old, dict):
            old = {k: v for k, v in old.items() if k != PERMISSIONS_FIELD}
        body["data"] = result
        request = self.request
        if is_listened_to(request.registry, request.current_resource_name, action):
            self._notify(result, action, old)
        return body

    @property
    def timestamp(self) -> int:
        """Timestamp of the list.

        :raises HTTPServiceUnavailable: the list never had one, on a server that cannot write.
        """
        context = getattr(self.context, "resource_context", None)
        if context is not None and context.stored.timestamp is not None:
            return int(context.stored.timestamp)
        try:
            return self.model.timestamp()
        except ReadonlyError as error:
            raise ReadonlyError(
                error,
                "Resource timestamp cannot be written. "
                "Resource endpoint must be hit at least once from a writable instance.",
            ) from error

    @property
    def object_id(self) -> str:
        """Id of the object addressed by the URL; assignable."""
        if "_object_id" in self.__dict__:
            return str(self.__dict__["_object_id"])
        return str(self.request.matchdict.get("id"))

    @object_id.setter
    def object_id(self, object_id: str) -> None:
        self.__dict__["_object_id"] = object_id

    @property
    def id_generator(self) -> Generator:
        """What makes and judges ids of this kind."""
        generators = self.request.registry.id_generators
        name = self.request.current_resource_name
        generator: Generator = generators[name] if name in generators else generators[""]
        return generator

    # -- extraction and checks that sub-classes may override --------------------------------

    def _extract_limit(self) -> int:
        pagination = settings_of(self.request).pagination
        raw = self._query().get("_limit")
        requested = parse_number(raw) if raw is not None else None
        return extract_limit(
            requested,
            paginate_by=pagination.paginate_by,
            max_fetch_size=pagination.max_fetch_size,
        )

    def _extract_filters(self) -> list[Filter]:
        params = query_params(self.request.validated)
        if "_to" in self._query():
            warn_about_to(self.request)
        filters: list[Filter] = []
        if params:
            filters = or_400(
                self.request,
                lambda: extract_filters(
                    params,
                    known_field=self.is_known_field,
                    now_ms=msec_time(),
                    list_timestamp=lambda: self.timestamp,
                    id_field=self.model.id_field,
                    modified_field=self.model.modified_field,
                ),
            )
        shared_ids = getattr(self.context, "shared_ids", None)
        if shared_ids is not None:
            filters.append(Filter(self.model.id_field, shared_ids, COMPARISON.IN))
        return filters

    def _extract_sorting(self, limit: int) -> list[Sort]:
        sorting: list[Sort] = or_400(
            self.request,
            lambda: extract_sorting(
                query_params(self.request.validated),
                known_field=self.is_known_field,
                modified_field=self.model.modified_field,
            ),
        )
        return sorting

    def _extract_partial_fields(self) -> tuple[str, ...] | None:
        if "_fields" not in self._query():
            return None
        fields: tuple[str, ...] | None = or_400(
            self.request,
            lambda: extract_fields(
                query_params(self.request.validated), known_field=self.is_known_field
            ),
        )
        return fields

    def _extract_pagination_rules_from_token(
        self, limit: int, sorting: list[Sort]
    ) -> tuple[list[list[Filter]] | None, int]:
        token = self._query().get("_token")
        return read_token(self.request, token if isinstance(token, str) else None, sorting=sorting)

    def _add_timestamp_header(self, response: Any, timestamp: int | None = None) -> None:
        current = self.timestamp if timestamp is None else timestamp
        set_headers(response, timestamp_headers(current))

    def _add_cache_header(self, response: Any) -> None:
        find_expires = self._find_cache_expires_seconds
        add_cache_headers(self.request, response, find_expires_seconds=find_expires)

    def _find_cache_expires_seconds(self) -> int | None:
        return find_cache_expires_seconds(
            self.request.registry.settings, self.request.current_resource_name
        )

    def _raise_304_if_not_modified(self, obj: KintoObject | None = None) -> None:
        if self.request.validated.get("header"):
            ensure_preconditions(self, obj, only_304=True)

    def _raise_412_if_modified(self, obj: KintoObject | None = None) -> None:
        if self.request.validated.get("header"):
            ensure_preconditions(self, obj)

    def _raise_400_if_invalid_id(self, object_id: Any) -> None:
        if not isinstance(object_id, str) or not self.id_generator.match(object_id):
            raise_invalid(self.request, "path", None, "Invalid object id")

    def _raise_400_if_id_mismatch(self, data: KintoObject, object_id: str) -> None:
        mismatch = find_id_mismatch(data, object_id, id_field=self.model.id_field)
        if mismatch:
            raise_invalid(self.request, mismatch.location, mismatch.name, mismatch.description)

    def _get_object_or_404(self, object_id: str) -> KintoObject:
        found = self._find_current(object_id)
        if found is None:
            raise not_found(
                self.request.current_resource_name, object_id, errno=ERRORS.INVALID_RESOURCE_ID
            )
        return found

    # -- details ----------------------------------------------------------------------------

    def remove_descendants(self, object_ids: list[str]) -> None:
        """Remove what lives below objects that were deleted; nothing does, by default."""

    @property
    def _field_names(self) -> Model | type[Model]:
        """What names the fields: the model, where it may name them differently than its class.

        Reading what the context has already takes no model.
        """
        if "model" in self.__dict__ or self.default_model is not Model:
            return self.model
        return Model

    def _query(self) -> dict[str, Any]:
        query: dict[str, Any] = self.request.validated.get("querystring", {})
        return query

    def _schema_node(self) -> Any:
        return made_schema(self.schema) if isinstance(self.schema, type) else self.schema

    def _find_current(self, object_id: str) -> KintoObject | None:
        """The object, as the context has it already or else as stored."""
        context = self.context
        if context is not None and getattr(context, "resource_context", None) is not None:
            known: KintoObject | None = context.current_object
            if known is None or known.get(self._field_names.id_field) == object_id:
                return known
        elif context is not None and getattr(context, "current_object", None) is not None:
            borrowed: KintoObject = context.current_object
            if borrowed.get(self._field_names.id_field) == object_id:
                return borrowed
        try:
            return self.model.get_object(object_id)
        except ObjectNotFoundError:
            return None

    def _patch(self, obj: KintoObject, changes: Any) -> PatchedObject:
        return patch_object(self, obj, changes)

    def _create(self, new: KintoObject) -> KintoObject:
        given = new.get(self.model.modified_field)
        if accepted_timestamp(self.request, given, current=None) is None:
            new.pop(self.model.modified_field, None)
        try:
            return self.model.create_object(new)
        except UnicityError as error:
            # Somebody else created it meanwhile: the request is judged anew, with that object.
            raise ConcurrentWriteError(error) from error

    def _update(self, new: KintoObject, existing: KintoObject) -> KintoObject:
        self._rest_on(existing)
        self.model.known_permissions = existing.get(PERMISSIONS_FIELD, {})
        return self.model.update_object(new)

    def _rest_on(self, existing: KintoObject) -> None:
        """Have the write fail when the object is no more what was read."""
        expected = existing[self.model.modified_field]
        self.model.conditions = {**self.model.conditions, "expected": expected}

    def _visible(self, obj: KintoObject) -> KintoObject:
        """A copy whose permissions are shown only to who may write the object itself."""
        permissions = obj.get(PERMISSIONS_FIELD)
        if permissions is None:
            return dict(obj)
        holders = permissions.get("write", ())
        is_shown = not set(self.request.prefixed_principals).isdisjoint(holders)
        return {**obj, PERMISSIONS_FIELD: permissions if is_shown else {}}

    def _add_next_page(
        self, last: KintoObject, sorting: Sequence[Sort], limit: int, offset: int
    ) -> None:
        url = next_page_url(self.request, last, sorting=sorting, limit=limit, offset=offset)
        set_headers(self.request.response, {"Next-Page": url})

    def _notify(self, result: Any, action: ACTIONS, old: Any) -> None:
        objects = result if isinstance(result, list) else [result]
        timestamp = self.__dict__.get("_list_timestamp") or self.timestamp
        if action is not ACTIONS.READ:
            modified = (obj[self.model.modified_field] for obj in objects)
            timestamp = max(timestamp, *modified)
        self.request.notify_resource_event(
            parent_id=self.model.parent_id,
            timestamp=timestamp,
            data=result,
            action=action,
            old=old,
        )

    def list_key(self) -> ListKey:
        """The list addressed."""
        return ListKey(self.model.resource_name, self.model.parent_id)
