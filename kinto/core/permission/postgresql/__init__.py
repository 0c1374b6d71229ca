"""Permission backend in PostgreSQL.

In a request, writes are queued and travel with the next statement that has a result, or with
the commit.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import structlog

from kinto.core.permission import BoundPermissions, PermissionBase
from kinto.core.permission.postgresql import queries
from kinto.core.postgresql.client import PostgreSQLClient, create_from_config
from kinto.core.postgresql.connection import Connection
from kinto.core.postgresql.migrator import MigratorMixin
from kinto.core.postgresql.patterns import (
    like_pattern,
    pattern_range,
    prefix_range,
    segment_regexp,
)
from kinto.core.postgresql.statements import Params, Statement
from kinto.core.types import Configurator, Permissions, Principal


logger = structlog.get_logger(__name__)

_HERE = Path(__file__).parent

# Tables without a version are those of the first one.
_FIRST_VERSION = 1


class Permission(MigratorMixin, PermissionBase):
    """Access control entries and principals of users, in two tables.

    :param client: of the database, mostly that of the storage.
    """

    name = "permission"
    schema_version = 3
    schema_file = str(_HERE / "schema.sql")
    migrations_directory = str(_HERE / "migrations")

    def __init__(self, client: PostgreSQLClient, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.client = client

    def initialize_schema(self, dry_run: bool = False) -> None:
        """Create or migrate the tables."""
        self.create_or_migrate_schema(dry_run)

    def find_installed_version(self, connection: Connection) -> int | None:
        """The version of the tables, ``None`` when there are none.

        Where one of two was dropped, creating what is missing is all there is to do, unless
        the other one is older.
        """
        row = connection.fetch_one(queries.HAS_TABLES, {})
        assert row is not None
        has_principals, has_entries, has_metadata = row
        if not (has_principals or has_entries):
            return None
        recorded = connection.fetch_one(queries.VERSION, {}) if has_metadata else None
        version: int | None = recorded[0] if recorded else None
        if not (has_principals and has_entries) and version in (None, self.schema_version):
            return None
        return version or _FIRST_VERSION

    def flush(self) -> None:
        with self.client.write(force_commit=True) as connection:
            connection.execute(queries.FLUSH_USER_PRINCIPALS, {})
            connection.execute(queries.FLUSH_ACCESS_CONTROL_ENTRIES, {})
        logger.debug("permissions flushed")

    # Principals of users.

    def add_user_principal(self, user_id: str, principal: Principal) -> None:
        self._write(queries.ADD_USER_PRINCIPAL, {"user_id": user_id, "principal": principal})

    def remove_user_principal(self, user_id: str, principal: Principal) -> None:
        self._write(queries.REMOVE_USER_PRINCIPAL, {"user_id": user_id, "principal": principal})

    def remove_principal(self, principal: Principal) -> None:
        self._write(queries.REMOVE_PRINCIPAL, {"principal": principal})

    def remove_principals_below(self, prefix: str) -> None:
        """Take from every user each principal that begins with ``prefix``.

        :param prefix: such as ``/buckets/a/groups/``; not empty.
        """
        low, high = prefix_range(prefix)
        self._write(queries.REMOVE_PRINCIPALS_FROM, {"low": low, "high": high})

    def get_user_principals(self, user_id: str) -> set[Principal]:
        return self._read_set(queries.GET_USER_PRINCIPALS, {"user_id": user_id})

    # Access control entries.

    def add_principal_to_ace(self, object_id: str, permission: str, principal: Principal) -> None:
        self._write(
            queries.ADD_PRINCIPAL,
            {"object_id": object_id, "permission": permission, "principal": principal},
        )

    def remove_principal_from_ace(
        self, object_id: str, permission: str, principal: Principal
    ) -> None:
        self._write(
            queries.REMOVE_PRINCIPAL_FROM_ACE,
            {"object_id": object_id, "permission": permission, "principal": principal},
        )

    def get_object_permission_principals(self, object_id: str, permission: str) -> set[Principal]:
        return self._read_set(
            queries.GET_PRINCIPALS, {"object_id": object_id, "permission": permission}
        )

    def get_authorized_principals(self, bound_permissions: BoundPermissions) -> set[Principal]:
        pairs = list(bound_permissions)
        if not pairs:
            return set()
        objects_ids, permissions = map(list, zip(*pairs, strict=True))
        return self._read_set(
            queries.GET_AUTHORIZED_PRINCIPALS,
            {"objects_ids": objects_ids, "permissions": permissions},
        )

    def get_accessible_objects(
        self,
        principals: Iterable[Principal],
        bound_permissions: BoundPermissions | None = None,
        with_children: bool = True,
    ) -> dict[str, set[str]]:
        statement = queries.GET_ALL_ACCESSIBLE
        params: dict[str, Any] = {"principals": list(principals)}
        if bound_permissions is not None:
            pairs = list(bound_permissions)
            if not pairs:
                return {}
            patterns = [pattern for pattern, _ in pairs]
            statement = queries.GET_ACCESSIBLE
            params |= _pattern_params(patterns)
            params["permissions"] = [permission for _, permission in pairs]
            params["regexps"] = [
                None if with_children else segment_regexp(pattern) for pattern in patterns
            ]
        with self.client.read() as connection:
            rows = connection.fetch_all(statement, params)
        accessible: dict[str, set[str]] = {}
        for object_id, permission in rows:
            accessible.setdefault(object_id, set()).add(permission)
        return accessible

    def get_objects_permissions(
        self, objects_ids: Sequence[str], permissions: Iterable[str] | None = None
    ) -> list[Permissions]:
        names = None if permissions is None else list(permissions)
        with self.client.read() as connection:
            rows = connection.fetch_all(
                queries.GET_OBJECTS_PERMISSIONS,
                {"objects_ids": list(objects_ids), "permissions": names},
            )
        found: dict[str, Permissions] = {}
        for object_id, permission, principal in rows:
            found.setdefault(object_id, {}).setdefault(permission, set()).add(principal)
        # An identifier that was asked for twice gives two dicts: they belong to the caller.
        return [
            {name: set(holders) for name, holders in found.get(object_id, {}).items()}
            for object_id in objects_ids
        ]

    def replace_object_permissions(
        self, object_id: str, permissions: Mapping[str, Iterable[Principal]]
    ) -> None:
        if not permissions or self._plan_replacements({object_id: permissions}):
            return
        self._write(*queries.replacement_of(object_id, permissions))

    def replace_objects_permissions(
        self, replaced: Mapping[str, Mapping[str, Iterable[Principal]]]
    ) -> None:
        if not self._plan_replacements(replaced):
            super().replace_objects_permissions(replaced)

    def _plan_replacements(
        self, replaced: Mapping[str, Mapping[str, Iterable[Principal]]]
    ) -> bool:
        """Have them replaced with all else that was planned; whether there is such a plan."""
        found = self.client.find_plan()
        if found is None:
            return False
        plan, connection = found
        replacements = []
        for object_id, permissions in replaced.items():
            is_first = plan.note_permissions(object_id)
            if is_first is None:
                # After what was done to them before: merged writes have no order.
                connection.defer(*queries.replacement_of(object_id, permissions))
            else:
                replacements.append(queries.Replacement(object_id, permissions, is_first))
        if replacements:
            connection.defer_merged(queries.REPLACEMENTS, replacements)
        return True

    def delete_object_permissions(self, *object_ids: str) -> None:
        exact = [object_id for object_id in object_ids if "*" not in object_id]
        patterns = [object_id for object_id in object_ids if "*" in object_id]
        found = self.client.find_plan()
        if exact and not patterns and found is not None:
            plan, connection = found
            noted = [plan.note_permissions(object_id) for object_id in exact]
            if None in noted:
                connection.defer(queries.DELETE_OBJECTS, {"objects_ids": exact})
            else:
                connection.defer_merged(queries.DELETIONS, exact)
            return
        if exact:
            self._write(queries.DELETE_OBJECTS, {"objects_ids": exact})
        if patterns:
            # May take long, which deferred statements may not.
            with self.client.write() as connection:
                connection.execute(queries.DELETE_MATCHING, _pattern_params(patterns))

    def _write(self, statement: Statement, params: Params) -> None:
        with self.client.write_once() as connection:
            connection.defer(statement, params)

    def _read_set(self, statement: Statement, params: Params) -> set[str]:
        with self.client.read() as connection:
            return {value for (value,) in connection.fetch_all(statement, params)}


def load_from_config(config: Configurator) -> Permission:
    """The backend for the settings ``permission_*``."""
    client = create_from_config(config, prefix="permission_")
    permission = Permission(client=client)
    client.on_first_connect(permission.report_outdated_schema)
    return permission


def _pattern_params(patterns: Sequence[str]) -> dict[str, Any]:
    ranges = [pattern_range(pattern) for pattern in patterns]
    return {
        "lows": [each.low for each in ranges],
        "highs": [each.high for each in ranges],
        "likes": [like_pattern(pattern) for pattern in patterns],
    }
