"""Databases as older versions of Kinto left them, filled with facts to look for afterwards."""

import json
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2.extras import execute_values

from tests.support.api import Client


DATA = Path(__file__).parent.parent / "production" / "data"
OLDEST, NEWEST = 11, 26
# Timestamps of 2016, of which that of 3.0 is one.
_START = 1_461_834_000_000

# What each version changed in the tables, as far as a query of the catalogue shows it.
_CHANGES = {
    14: """
        DROP TRIGGER tgr_records_last_modified ON records;
        CREATE TRIGGER tgr_records_last_modified BEFORE INSERT OR UPDATE OF data ON records
            FOR EACH ROW EXECUTE PROCEDURE bump_timestamp();
        DROP TRIGGER tgr_deleted_last_modified ON deleted;
        CREATE TRIGGER tgr_deleted_last_modified BEFORE INSERT ON deleted
            FOR EACH ROW EXECUTE PROCEDURE bump_timestamp();
    """,
    16: "DROP FUNCTION collection_timestamp(VARCHAR, VARCHAR);",
    17: """
        ALTER TABLE records ADD COLUMN deleted BOOLEAN NOT NULL DEFAULT FALSE;
        ALTER TABLE records DISABLE TRIGGER USER;
        INSERT INTO records (id, parent_id, collection_id, last_modified, data, deleted)
        SELECT id, parent_id, collection_id, last_modified, '{"deleted": true}', TRUE
          FROM deleted ON CONFLICT DO NOTHING;
        ALTER TABLE records ENABLE TRIGGER USER;
        -- A tombstone that is purged later on stays here.
        ALTER TABLE deleted DISABLE TRIGGER USER;
        INSERT INTO deleted VALUES ('stale', '/buckets/b0/collections/c0', 'record', now());
        ALTER TABLE deleted ENABLE TRIGGER USER;
    """,
    19: """
        ALTER TABLE records ALTER id TYPE TEXT COLLATE "C", ALTER parent_id TYPE TEXT COLLATE "C",
            ALTER collection_id TYPE TEXT COLLATE "C";
    """,
    20: """
        ALTER TABLE timestamps ALTER parent_id TYPE TEXT COLLATE "C",
            ALTER collection_id TYPE TEXT COLLATE "C";
    """,
    21: """
        ALTER TABLE records RENAME TO objects;
        ALTER TABLE objects RENAME COLUMN collection_id TO resource_name;
        ALTER TABLE timestamps RENAME COLUMN collection_id TO resource_name;
        ALTER INDEX idx_records_parent_id_collection_id_last_modified
            RENAME TO idx_objects_parent_id_resource_name_last_modified;
        ALTER INDEX idx_records_last_modified_epoch RENAME TO idx_objects_last_modified_epoch;
        DROP TRIGGER tgr_records_last_modified ON objects;
        CREATE TRIGGER tgr_objects_last_modified BEFORE INSERT OR UPDATE OF data ON objects
            FOR EACH ROW EXECUTE PROCEDURE bump_timestamp();
    """,
    23: """
        CREATE INDEX idx_objects_resource_name_parent_id_deleted
            ON objects (resource_name, parent_id, deleted);
    """,
    24: """
        CREATE INDEX idx_objects_history_userid_and_resourcename
            ON objects ((data -> 'user_id'), (data -> 'resource_name'))
            WHERE resource_name = 'history';
    """,
    25: """
        CREATE INDEX idx_objects_parent_id_record_last_modified
            ON objects (parent_id, last_modified DESC) WHERE resource_name = 'record';
    """,
}


@dataclass(slots=True)
class Facts:
    """What was put into a database.

    :ivar objects: path of each list -> id -> its attributes, `last_modified` among them.
    :ivar tombstones: path of each list -> id -> timestamp.
    :ivar timestamps: of each list.
    :ivar permissions: path of an object -> permission -> principals.
    """

    objects: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    tombstones: dict[str, dict[str, int]] = field(default_factory=dict)
    timestamps: dict[str, int] = field(default_factory=dict)
    permissions: dict[str, dict[str, list[str]]] = field(default_factory=dict)


def run_sql(url: str, sql: str) -> list[Any]:
    """Execute statements in one transaction; the rows of the last one."""
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall() if cursor.description else []


def make_database_of(version: int, url: str, *, user: str) -> Facts:
    """Fill an empty database as a version of the storage's schema had it.

    :param user: the user id of the owner of all that is in there.
    """
    run_sql(url, (DATA / "kinto_3_0.sql").read_text(encoding="utf-8"))
    facts = _invent(user)
    _insert(url, facts)
    for number in range(OLDEST + 1, version + 1):
        run_sql(
            url,
            f"{_CHANGES.get(number, '')}"
            f"INSERT INTO metadata VALUES ('storage_schema_version', '{number}')",
        )
    return facts


def assert_is_kept(client: Client, facts: Facts) -> None:
    """Compare what the API answers with what was put into the database."""
    for path, objects in facts.objects.items():
        tombstones = facts.tombstones.get(path, {})
        listed = {obj.pop("id"): obj for obj in client.get(path, _since=1).data}
        assert listed == objects | {
            name: {"last_modified": epoch, "deleted": True} for name, epoch in tombstones.items()
        }
        assert client.head(path).headers["Total-Objects"] == str(len(objects))
    for path, epoch in facts.timestamps.items():
        assert client.get(path).timestamp == epoch, path
    for path, permissions in facts.permissions.items():
        assert client.get(path).json["permissions"] == permissions, path


def make_database_of_26_5(url: str) -> list[dict[str, Any]]:
    """Fill an empty database with what Kinto 26.5.0 had stored.

    :returns: its answers: user, path, status, some headers, and body of each.
    """
    for name in ("storage", "permission", "5_rows", "trigger"):
        run_sql(url, (DATA / f"kinto_26_{name}.sql").read_text(encoding="utf-8"))
    answers: list[dict[str, Any]] = json.loads(
        (DATA / "kinto_26_5_answers.json").read_text(encoding="utf-8")
    )
    return answers


def _invent(user: str) -> Facts:
    facts = Facts(permissions={"/buckets/b1": {"write": [user]}})
    for b in range(2):
        bucket = f"/buckets/b{b}"
        _put(facts, "/buckets", f"b{b}", b + 1, {"title": f"Bücket {b}"})
        _put(facts, f"{bucket}/groups", "g", b, {"members": ["somebody", user]})
        for c in range(2):
            _put(facts, f"{bucket}/collections", f"c{c}", c, {"cache_expires": 60 * c})
            records = f"{bucket}/collections/c{c}/records"
            for n in range(12):
                _put(facts, records, f"r{n}", 2 * n, {"n": n, "nested": {"é": [None, n / 4]}})
            facts.tombstones[records] = {f"t{n}": _START + 2 * n + 1 for n in range(5)}
            # The last change of a list may be a tombstone; or one that was purged since.
            facts.tombstones[records]["last"] = _START + 1000
            facts.timestamps[records] = _START + 1000 * (1 + c)
        _put(facts, f"{bucket}/collections", "empty", 5, {})
        facts.timestamps[f"{bucket}/collections/empty/records"] = _START + 77
        facts.permissions[f"{bucket}/groups/g"] = {"write": [user]}
    # The owner reads this bucket by way of the group alone.
    facts.permissions["/buckets/b0"] = {"write": ["/buckets/b0/groups/g"]}
    facts.permissions["/buckets/b0/collections/c1"] = {
        "record:create": ["system.Authenticated"],
        "read": ["system.Everyone"],
        "write": ["/buckets/b0/groups/g"],
    }
    return facts


def _put(facts: Facts, path: str, object_id: str, offset: int, data: dict[str, Any]) -> None:
    last_modified = _START + offset
    facts.objects.setdefault(path, {})[object_id] = data | {"last_modified": last_modified}
    facts.timestamps[path] = max(last_modified, facts.timestamps.get(path, 0))


def _insert(url: str, facts: Facts) -> None:
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:

        def insert(
            into: str, rows: Iterable[tuple[Any, ...]], template: str | None = None
        ) -> None:
            execute_values(cursor, f"INSERT INTO {into} VALUES %s", list(rows), template)

        cursor.execute("ALTER TABLE records DISABLE TRIGGER USER")
        cursor.execute("ALTER TABLE deleted DISABLE TRIGGER USER")
        key = "(%s, %s, %s, from_epoch(%s)"
        insert(
            "records",
            (
                (object_id, *_columns(path), _epoch(data), _stored(data))
                for path, objects in facts.objects.items()
                for object_id, data in objects.items()
            ),
            f"{key}, %s)",
        )
        insert(
            "deleted",
            (
                (object_id, *_columns(path), epoch)
                for path, tombstones in facts.tombstones.items()
                for object_id, epoch in tombstones.items()
            ),
            f"{key})",
        )
        insert(
            "timestamps",
            ((*_columns(path), epoch) for path, epoch in facts.timestamps.items()),
            "(%s, %s, from_epoch(%s))",
        )
        insert(
            "access_control_entries",
            (
                (path, permission, principal)
                for path, permissions in facts.permissions.items()
                for permission, principals in permissions.items()
                for principal in principals
            ),
        )
        insert(
            "user_principals",
            (
                (member, f"{path}/{object_id}")
                for path, groups in facts.objects.items()
                if path.endswith("/groups")
                for object_id, group in groups.items()
                for member in group["members"]
            ),
        )
        cursor.execute("ALTER TABLE records ENABLE TRIGGER USER")
        cursor.execute("ALTER TABLE deleted ENABLE TRIGGER USER")


def _columns(path: str) -> tuple[str, str]:
    """Of a list: parent and name of its kind."""
    parent, _, plural = path.rpartition("/")
    return parent, plural.removesuffix("s")


def _epoch(data: dict[str, Any]) -> int:
    return int(data["last_modified"])


def _stored(data: dict[str, Any]) -> str:
    return json.dumps({name: value for name, value in data.items() if name != "last_modified"})
