"""Base class of the resources: what each method does, as hooks that sub-classes override.

Source: "Semantics of each method" of the HTTP API, section 6; extension API, section 5.
"""

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

from pyramid.request import Request

from kinto.core.deprecation import deprecated_name
from kinto.core.errors import raise_invalid
from kinto.core.events import ACTIONS, PERMISSIONS_FIELD, is_listened_to
from kinto.core.exceptions import InvalidRequest
from kinto.core.protocol.criteria import Filter
from kinto.core.protocol.fields import project_fields
from kinto.core.protocol.filters import filters_on_timestamp
from kinto.core.protocol.json_codec import loads_stored, raw_json, read_raw
from kinto.core.protocol.permissions import PermissionChange
from kinto.core.resource.former_names import FormerNames
from kinto.core.resource.listing import (
    AskedPage,
    count_query,
    find_foreseen,
    foresee_list,
    warn_about_to,
)
from kinto.core.resource.patching import respond_to_patch
from kinto.core.resource.writing import (
    add_permissions,
    kept_by_put,
    parse_deletion_timestamp,
    requested_permissions,
)
from kinto.core.shared_objects import restricted_to
from kinto.core.storage.exceptions import (
    ConcurrentWriteError,
    ObjectNotFoundError,
)
from kinto.core.storage.protocols import Page, PageQuery, TextPage


# What decides which objects a list shows.
_choices = attrgetter(
    "__init__",
    "plural_get",
    "is_known_field",
    "default_model",
    "_extract_limit",
    "_extract_filters",
    "_extract_sorting",
    "_extract_pagination_rules_from_token",
    "_extract_partial_fields",
)


class Resource(FormerNames):
    """Objects of one kind, with what each method does to them."""

    # -- plural endpoints ---------------------------------------------------------------

    def plural_head(self) -> dict[str, Any]:
        """Answer HEAD of the list: how many objects match."""
        return self._plural_get(is_head=True)

    def plural_get(self) -> dict[str, Any]:
        """Answer GET of the list."""
        return self._plural_get(is_head=False)

    def _plural_get(self, *, is_head: bool) -> dict[str, Any]:
        self._raise_304_if_not_modified()
        self._raise_412_if_modified()
        response = self.request.response
        self._add_cache_header(response)
        page_query, fields, offset = self._foreseen_page() or self._read_page()
        if is_head:
            self._add_timestamp_header(response)
            count = self._known_count(page_query.filters)
            if count is None:
                count = self.model.count_objects(list(page_query.filters))
            response.headers["Total-Objects"] = response.headers["Total-Records"] = str(count)
            return self.postprocess([])
        page = self._known_page(page_query) or self.model.get_page(
            timestamp=lambda: self.timestamp, query=page_query
        )
        self._list_timestamp = page.timestamp
        self._add_timestamp_header(response, page.timestamp)
        sorting, limit = page_query.sorting, page_query.limit - 1
        if isinstance(page, TextPage):
            if page.last is not None:
                self._add_next_page(loads_stored(page.last), sorting, limit, offset + limit)
            return self.postprocess(raw_json(page.text))
        objects = page.objects[:limit]
        if len(page.objects) > limit:
            self._add_next_page(read_raw(objects[-1]), sorting, limit, offset + limit)
        if fields:
            objects = [project_fields(obj, fields) for obj in objects]
        return self.postprocess(objects)

    def _read_page(self) -> AskedPage:
        """What the query string asks for."""
        limit = self._extract_limit()
        sorting = self._extract_sorting(limit)
        filters = self._extract_filters()
        rules, offset = self._extract_pagination_rules_from_token(limit, sorting)
        fields = self._extract_partial_fields()
        page = PageQuery(
            filters=tuple(filters),
            sorting=tuple(sorting),
            pagination_rules=rules,
            limit=limit + 1,
            include_deleted=filters_on_timestamp(
                filters, modified_field=self.model.modified_field
            ),
            as_text=fields is None and self._nobody_reads_pages(self.request),
        )
        return AskedPage(page, fields, offset)

    def _foreseen_page(self) -> AskedPage | None:
        """The same, when it was read already by the rules of this class."""
        foreseen = find_foreseen(self.request)
        if foreseen is None or foreseen.resource_class is not type(self):
            return None
        # Whoever changes what was validated is listened to.
        if foreseen.grouped != self._query():
            return None
        if foreseen.uses_deprecated_to:
            warn_about_to(self.request)
        asked = foreseen.asked
        shared_ids = getattr(self.context, "shared_ids", None)
        if shared_ids is None:
            return asked
        return asked._replace(page=restricted_to(asked.page, shared_ids))

    @classmethod
    def guess_page(cls, request: Request) -> PageQuery | None:
        """The page of a plain GET of a list, the count of a HEAD."""
        service = request.current_service
        if request.method not in ("GET", "HEAD") or service.type != "plural":
            return None
        if "HTTP_IF_NONE_MATCH" in request.environ or cls._chooses_pages():
            return None
        try:
            foreseen = foresee_list(request, cls, as_text=cls._nobody_reads_pages(request))
        except InvalidRequest:
            # It is refused once it is known who asks.
            return None
        return foreseen.asked.page

    @classmethod
    def _chooses_pages(cls) -> bool:
        """Whether a sub-class has a say in what is listed."""
        return _choices(cls) != _choices(Resource) or not cls.schema.get_option("preserve_unknown")

    def _known_page(self, query: PageQuery) -> Page | TextPage | None:
        """The page, when it was read along with the context."""
        context = getattr(self.context, "resource_context", None)
        if context is None or context.page_query != query:
            return None
        page: Page | TextPage | None = context.stored.page
        return page

    def _known_count(self, filters: Sequence[Filter]) -> int | None:
        """The number of objects that match, when it was read along with the context."""
        context = getattr(self.context, "resource_context", None)
        if context is None or context.page_query != count_query(filters):
            return None
        count: int | None = context.stored.count
        return count

    @classmethod
    def _nobody_reads_pages(cls, request: Request) -> bool:
        """Whether the objects of a page go to the client without anybody looking into them."""
        return (
            cls.plural_get is Resource.plural_get
            and cls.postprocess is Resource.postprocess
            and not is_listened_to(request.registry, request.current_resource_name, ACTIONS.READ)
        )

    def plural_post(self) -> dict[str, Any]:
        """Answer POST: create an object, or show the one that has the id given."""
        body = self.request.validated["body"]
        new = dict(body.get("data", {}))
        existing = None
        if self.model.id_field in new:
            object_id = new[self.model.id_field]
            self._raise_400_if_invalid_id(object_id)
            existing = self._find_current(object_id)
        self._raise_412_if_modified(existing)
        if existing is not None:
            self._add_timestamp_header(self.request.response, existing["last_modified"])
            return self.postprocess(self._visible(existing), action=ACTIONS.READ)
        add_permissions(new, body.get("permissions"))
        new = self.process_object(new)
        created = self._create(new)
        self.request.response.status_code = 201
        self._add_timestamp_header(self.request.response, created["last_modified"])
        return self.postprocess(created, action=ACTIONS.CREATE)

    def plural_delete(self) -> dict[str, Any]:
        """Answer DELETE of the list: the tombstones of the objects that matched."""
        self._raise_412_if_modified()
        limit = self._extract_limit()
        sorting = self._extract_sorting(limit)
        filters = self._extract_filters()
        rules, offset = self._extract_pagination_rules_from_token(limit, sorting)
        # The list was locked when it was read first, so both statements see the same objects.
        found = self.model.get_objects(
            filters=filters, sorting=sorting, pagination_rules=rules, limit=limit + 1
        )
        olds = found[:limit]
        if not olds:
            self._add_timestamp_header(self.request.response)
            return self.postprocess([])
        if len(found) > limit:
            self._add_next_page(olds[-1], sorting, limit, offset + limit)
        deleted = self.model.delete_objects(
            filters=filters, sorting=sorting, pagination_rules=rules, limit=limit
        )
        self.remove_descendants([obj[self.model.id_field] for obj in deleted])
        newest = max(obj[self.model.modified_field] for obj in deleted)
        self._add_timestamp_header(self.request.response, newest)
        return self.postprocess(deleted, action=ACTIONS.DELETE, old=olds)

    # -- object endpoints ---------------------------------------------------------------

    def get(self) -> dict[str, Any]:
        """Answer GET or HEAD of an object."""
        object_id = self.object_id
        self._raise_400_if_invalid_id(object_id)
        obj = self._get_object_or_404(object_id)
        self._raise_304_if_not_modified(obj)
        self._raise_412_if_modified(obj)
        fields = self._extract_partial_fields()
        response = self.request.response
        self._add_timestamp_header(response, obj[self._field_names.modified_field])
        self._add_cache_header(response)
        if fields:
            return self.postprocess(project_fields(obj, fields))
        return self.postprocess(self._visible(obj))

    head = get

    def put(self) -> dict[str, Any]:
        """Answer PUT: create the object, or replace it."""
        object_id = self.object_id
        self._raise_400_if_invalid_id(object_id)
        existing = self._find_current(object_id)
        self._raise_412_if_modified(existing)
        body = self.request.validated["body"]
        if "data" in body:
            new = dict(body["data"])
        else:
            new = kept_by_put(existing, modified_field=self.model.modified_field)
        self._raise_400_if_id_mismatch(new, object_id)
        new[self.model.id_field] = object_id
        requested = body.get("permissions")
        if existing is None:
            add_permissions(new, requested)
            stored = self._create(self.process_object(new))
            self.request.response.status_code = 201
            action = ACTIONS.CREATE
        else:
            new[PERMISSIONS_FIELD] = requested_permissions(
                PermissionChange.REPLACE,
                current=existing.get(PERMISSIONS_FIELD, {}),
                requested=requested,
            )
            stored = self._update(self.process_object(new, old=existing), existing)
            action = ACTIONS.UPDATE
        self._add_timestamp_header(self.request.response, stored[self.model.modified_field])
        return self.postprocess(stored, action=action, old=existing)

    def patch(self) -> dict[str, Any]:
        """Answer PATCH: change attributes of the object."""
        object_id = self.object_id
        self._raise_400_if_invalid_id(object_id)
        existing = self._get_object_or_404(object_id)
        self._raise_412_if_modified(existing)
        changes = self.request.validated["body"]
        if isinstance(changes, dict) and not changes:
            raise_invalid(
                self.request, "body", "data", "Provide at least one of data or permissions"
            )
        new, sent = self.apply_changes(existing, requested_changes=changes)
        self._raise_400_if_id_mismatch(new, object_id)
        new = self.process_object(new, old=existing)
        stored = self._update(new, existing)
        self._add_timestamp_header(self.request.response, stored[self.model.modified_field])
        body = self.postprocess(dict(stored), action=ACTIONS.UPDATE, old=existing)
        behavior = self.request.validated.get("header", {}).get("Response-Behavior", "full")
        return respond_to_patch(body, behavior, sent=sent, old=existing, model=self.model)

    def delete(self) -> dict[str, Any]:
        """Answer DELETE of an object: its tombstone."""
        object_id = self.object_id
        self._raise_400_if_invalid_id(object_id)
        obj = self._get_object_or_404(object_id)
        self._raise_412_if_modified(obj)
        given = parse_deletion_timestamp(self.request, current=obj[self.model.modified_field])
        self._rest_on(obj)
        try:
            deleted = self.model.delete_object(obj, last_modified=given)
        except ObjectNotFoundError as error:
            raise ConcurrentWriteError(error) from error
        self.remove_descendants([object_id])
        self._add_timestamp_header(self.request.response, deleted[self.model.modified_field])
        return self.postprocess(deleted, action=ACTIONS.DELETE, old=obj)


class ShareableResource(Resource):
    """Old name of :class:`Resource`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        deprecated_name("ShareableResource", "Resource")
        super().__init__(*args, **kwargs)
