"""Objects of one list with their permissions, over the backends."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, cast

from kinto.core.deprecation import deprecated_name
from kinto.core.events import PERMISSIONS_FIELD
from kinto.core.storage import StorageBase
from kinto.core.storage.abilities import abilities_of
from kinto.core.storage.protocols import Page, PageQuery, PageReader, SubtreeRemover
from kinto.core.types import KintoObject, ListKey, ObjectEntries, Permissions, Timestamp


class _AfterUpdate(NamedTuple):
    """Permissions of an object, and those of them that an update changes."""

    held: Permissions
    changed: Permissions


class Model:
    """The objects of one list.

    :param id_generator: for objects created without an id.
    :param current_principal: added to ``write`` of what is written, when ``explicit_perm``.
    """

    id_field = "id"
    modified_field = "last_modified"
    deleted_field = "deleted"
    permissions_field = PERMISSIONS_FIELD

    # URI of an object, given its id; set by the resource. Without it objects have no permissions.
    get_permission_object_id: Callable[[str], str] | None = None
    # What writes rest on, for backends that check it: `expected` (timestamp), `owner` (key).
    conditions: dict[str, Any] = {}
    # Permissions of the object about to be updated, when they were read already.
    known_permissions: Permissions | None = None
    # Whether an object is written by one statement, with its permissions.
    writes_entries = False
    # Names of the lists below each object.
    child_resource_names: Sequence[str] = ()

    def __init__(
        self,
        storage: StorageBase,
        permission: Any,  # a PermissionBase, or None
        id_generator: Callable[[], str] | None = None,
        resource_name: str = "",
        parent_id: str = "",
        current_principal: str | None = None,
        prefixed_principals: Sequence[str] | None = None,
        explicit_perm: bool = True,
    ) -> None:
        self.storage = storage
        self.permission = permission
        self.id_generator = id_generator
        self.resource_name = resource_name
        self.parent_id = parent_id
        self.current_principal = current_principal
        self.prefixed_principals = prefixed_principals
        self.explicit_perm = explicit_perm

    # -- reading ------------------------------------------------------------------------

    def timestamp(self, parent_id: str | None = None) -> int:
        """Timestamp of the list."""
        return self.storage.resource_timestamp(
            resource_name=self.resource_name, parent_id=self._parent(parent_id)
        )

    def get_objects(
        self,
        filters: Any = None,
        sorting: Any = None,
        pagination_rules: Any = None,
        limit: int | None = None,
        include_deleted: bool = False,
        parent_id: str | None = None,
    ) -> list[KintoObject]:
        """Objects of the list that match."""
        return self.storage.list_all(
            resource_name=self.resource_name,
            parent_id=self._parent(parent_id),
            filters=filters,
            sorting=sorting,
            pagination_rules=pagination_rules,
            limit=limit,
            include_deleted=include_deleted,
            id_field=self.id_field,
            modified_field=self.modified_field,
            deleted_field=self.deleted_field,
        )

    def get_page(self, *, timestamp: Callable[[], int], query: PageQuery) -> Page:
        """Objects that match with the timestamp of the list, from one snapshot where possible.

        :param timestamp: gives the timestamp elsewhere. It is asked first: an ETag that is too
            old has a client ask again, one that is too new would hide a change for good.
        """
        selection: dict[str, Any] = {
            # Lists, which other backends may want to add to.
            "filters": list(query.filters),
            "sorting": list(query.sorting),
            "pagination_rules": query.pagination_rules,
            "limit": query.limit,
            "include_deleted": query.include_deleted,
        }
        plain = type(self).get_objects is Model.get_objects
        if plain and abilities_of(self.storage).reads_pages:
            return cast(PageReader, self.storage).list_page(
                self.resource_name, self.parent_id, as_text=query.as_text, **selection
            )
        before = timestamp()
        return Page(self.get_objects(**selection), Timestamp(before))

    def count_objects(self, filters: Any = None, parent_id: str | None = None) -> int:
        """How many live objects match."""
        return self.storage.count_all(
            resource_name=self.resource_name,
            parent_id=self._parent(parent_id),
            filters=filters,
            id_field=self.id_field,
            modified_field=self.modified_field,
            deleted_field=self.deleted_field,
        )

    def get_object(self, object_id: str, parent_id: str | None = None) -> KintoObject:
        """One object with its permissions.

        :raises ObjectNotFoundError: there is none.
        """
        obj = self.storage.get(
            resource_name=self.resource_name,
            parent_id=self._parent(parent_id),
            object_id=object_id,
            id_field=self.id_field,
            modified_field=self.modified_field,
        )
        uri = self._uri(object_id)
        if uri is not None:
            obj[self.permissions_field] = self.permission.get_object_permissions(uri)
        return obj

    # -- writing ------------------------------------------------------------------------

    def create_object(self, obj: KintoObject, parent_id: str | None = None) -> KintoObject:
        """Store a new object.

        :raises UnicityError: one with its id exists.
        """
        permissions = self._with_creator(obj.pop(self.permissions_field, None) or {})
        entries: dict[str, Any] = {}
        if self.writes_entries and self.id_generator is not None:
            # It is part of the URI.
            if obj.get(self.id_field) is None:
                obj[self.id_field] = self.id_generator()
            entries = self._entries_to_write(obj[self.id_field], permissions)
        created = self.storage.create(
            resource_name=self.resource_name,
            parent_id=self._parent(parent_id),
            obj=obj,
            id_generator=self.id_generator,
            id_field=self.id_field,
            modified_field=self.modified_field,
            **self._conditions("owner"),
            **entries,
        )
        object_id = created[self.id_field]
        uri = self._uri(object_id)
        if uri is not None:
            if permissions and not entries:
                self.permission.replace_object_permissions(uri, permissions)
            created[self.permissions_field] = permissions
        if self.child_resource_names and abilities_of(self.storage).removes_subtrees and uri:
            cast(SubtreeRemover, self.storage).add_lists(
                [ListKey(name, uri) for name in self.child_resource_names]
            )
        return created

    def update_object(self, obj: KintoObject, parent_id: str | None = None) -> KintoObject:
        """Replace an object.

        Of its permissions, those named in the object are replaced, the others stay.
        """
        requested = obj.pop(self.permissions_field, None) or {}
        object_id = obj[self.id_field]
        known = self.known_permissions
        after = None if known is None else self._after_update(known, requested)
        entries = {} if after is None else self._entries_to_write(object_id, after.changed)
        updated = self.storage.update(
            resource_name=self.resource_name,
            parent_id=self._parent(parent_id),
            object_id=object_id,
            obj=obj,
            id_field=self.id_field,
            modified_field=self.modified_field,
            **self._conditions("owner", "expected"),
            **entries,
        )
        uri = self._uri(object_id)
        if uri is not None:
            if after is None:
                after = self._after_update(self.permission.get_object_permissions(uri), requested)
            if after.changed and not entries:
                self.permission.replace_object_permissions(uri, after.changed)
            updated[self.permissions_field] = after.held
        return updated

    def delete_object(
        self,
        obj: KintoObject,
        parent_id: str | None = None,
        last_modified: int | None = None,
    ) -> KintoObject:
        """Replace an object by its tombstone, which is returned."""
        object_id = obj[self.id_field]
        uri = self._uri(object_id)
        entries: dict[str, Any] = {}
        if self.writes_entries and uri is not None:
            entries = {"entries": ObjectEntries(uri, {})}
        deleted = self.storage.delete(
            resource_name=self.resource_name,
            parent_id=self._parent(parent_id),
            object_id=object_id,
            id_field=self.id_field,
            modified_field=self.modified_field,
            deleted_field=self.deleted_field,
            last_modified=last_modified,
            **self._conditions("expected"),
            **entries,
        )
        if uri is not None and not entries:
            self.permission.delete_object_permissions(uri)
        return deleted

    def delete_objects(
        self,
        filters: Any = None,
        sorting: Any = None,
        pagination_rules: Any = None,
        limit: int | None = None,
        parent_id: str | None = None,
    ) -> list[KintoObject]:
        """Replace the objects that match by their tombstones, which are returned."""
        deleted = self.storage.delete_all(
            resource_name=self.resource_name,
            parent_id=self._parent(parent_id),
            filters=filters,
            sorting=sorting,
            pagination_rules=pagination_rules,
            limit=limit,
            id_field=self.id_field,
            modified_field=self.modified_field,
            deleted_field=self.deleted_field,
        )
        uris = [uri for obj in deleted if (uri := self._uri(obj[self.id_field])) is not None]
        if uris:
            self.permission.delete_object_permissions(*uris)
        return deleted

    # -- details ------------------------------------------------------------------------

    def _parent(self, parent_id: str | None) -> str:
        return self.parent_id if parent_id is None else parent_id

    def _uri(self, object_id: str) -> str | None:
        if self.permission is None or self.get_permission_object_id is None:
            return None
        return self.get_permission_object_id(object_id)

    def _conditions(self, *names: str) -> dict[str, Any]:
        if not self.conditions or not abilities_of(self.storage).writes_conditionally:
            return {}
        return {name: self.conditions[name] for name in names if name in self.conditions}

    def _entries_to_write(self, object_id: str, permissions: Permissions) -> dict[str, Any]:
        """What has the storage write permissions along with the object."""
        uri = self._uri(object_id) if self.writes_entries and permissions else None
        return {} if uri is None else {"entries": ObjectEntries(uri, permissions)}

    def _with_creator(self, requested: Permissions) -> Permissions:
        permissions = {
            name: set(principals) for name, principals in requested.items() if principals
        }
        if self.explicit_perm and self.current_principal is not None:
            permissions.setdefault("write", set()).add(self.current_principal)
        return permissions

    def _after_update(self, known: Permissions, requested: Permissions) -> "_AfterUpdate":
        final = {name: set(held) for name, held in {**known, **requested}.items()}
        if self.explicit_perm and self.current_principal is not None:
            final.setdefault("write", set()).add(self.current_principal)
        changed: Permissions = {}
        if final != known:
            changed = {
                name: held for name, held in final.items() if held != known.get(name, set())
            }
        return _AfterUpdate({name: held for name, held in final.items() if held}, changed)

    # -- names of older versions ---------------------------------------------------------

    @property
    def collection_id(self) -> str:
        deprecated_name("collection_id", "resource_name")
        return self.resource_name

    def get_records(self, *args: Any, **kwargs: Any) -> list[KintoObject]:
        deprecated_name("get_records()", "get_objects()")
        return self.get_objects(*args, **kwargs)

    def get_record(self, *args: Any, **kwargs: Any) -> KintoObject:
        deprecated_name("get_record()", "get_object()")
        return self.get_object(*args, **kwargs)

    def create_record(self, *args: Any, **kwargs: Any) -> KintoObject:
        deprecated_name("create_record()", "create_object()")
        return self.create_object(*args, **kwargs)

    def update_record(self, *args: Any, **kwargs: Any) -> KintoObject:
        deprecated_name("update_record()", "update_object()")
        return self.update_object(*args, **kwargs)

    def delete_record(self, *args: Any, **kwargs: Any) -> KintoObject:
        deprecated_name("delete_record()", "delete_object()")
        return self.delete_object(*args, **kwargs)

    def delete_records(self, *args: Any, **kwargs: Any) -> list[KintoObject]:
        deprecated_name("delete_records()", "delete_objects()")
        return self.delete_objects(*args, **kwargs)


class ShareableModel(Model):
    """Old name of :class:`Model`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        deprecated_name("ShareableModel", "Model")
        super().__init__(*args, **kwargs)
