"""The least work that can answer the benchmark's requests: an upper bound, not a server.

What it keeps of the guarantees, so that the bound is honest: basic authentication with a user
id derived by HMAC; groups, in the database; the permissions of bucket, collection and record,
checked in the statement of the operation; ``ETag``, ``If-None-Match``, ``Total-Objects``,
``Next-Page``; timestamps that rise under concurrency; an ACE for the creator of each object;
one committed transaction for each request that writes.

It leaves out all else: validation, schemas, events, plugins, errors. Each operation is one
round trip, the execution of a prepared statement in autocommit mode, and JSON comes out of
PostgreSQL as text that is spliced into the answer.
"""

import base64
import hashlib
import hmac
import os
import threading
import time
import uuid
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs

import msgspec
import psycopg2

from benchmarks.limit_sql import SCHEMA, STATEMENTS


Answer = tuple[int, list[tuple[str, str]], bytes]

JSON = ("Content-Type", "application/json")
DENIED: Answer = (403, [JSON], b'{"code":403,"errno":121,"error":"Forbidden"}')
MISSING: Answer = (404, [JSON], b'{"code":404,"errno":110,"error":"Not Found"}')
_MAX_INTEGER = 2**63 - 1
_MAX_LIMIT = 10000
_SCHEMA_LOCK = 7
_local = threading.local()
_users: dict[str, str] = {}


def find_user(authorization: str | None) -> str | None:
    """The user id of a header of basic authentication; hashed at its first use only."""
    if not authorization or not authorization.startswith("Basic "):
        return None
    user = _users.get(authorization)
    if user is None:
        credentials = base64.b64decode(authorization[6:])
        digest = hmac.new(b"secret-of-the-benchmarks", credentials, hashlib.sha256).hexdigest()
        user = _users[authorization] = f"basicauth:{digest}"
    return user


def hello(user: str | None) -> Answer:
    """The page that needs no database."""
    info: dict[str, Any] = {
        "project_name": "limit", "url": "", "settings": {"batch_max_requests": 25}
    }  # fmt: skip
    if user:
        info["user"] = {"id": user}
    return 200, [JSON], msgspec.json.encode(info)


def get_record(
    user: str | None, bucket: str, collection: str, record: str, if_none_match: str | None
) -> Answer:
    """One record."""
    uris = _uris(bucket, collection, record)
    allowed, timestamp, data, permissions = _execute("limit_get", user, *uris, record)
    if not allowed:
        return DENIED
    if timestamp is None:
        return MISSING
    if if_none_match == f'"{timestamp}"':
        return 304, [("ETag", f'"{timestamp}"')], b""
    return _one(200, record, timestamp, data, permissions or "{}")


def write_record(
    user: str | None, bucket: str, collection: str, record: str, body: bytes, *, method: str
) -> Answer:
    """PUT or PATCH of a record."""
    data = msgspec.json.encode(msgspec.json.decode(body)["data"]).decode()
    name = "limit_patch" if method == "PATCH" else "limit_put"
    row = _execute(name, user, *_uris(bucket, collection, record), record, data)
    if row is None:
        return DENIED
    _, timestamp, text, is_created, permissions = row
    permissions = permissions or f'{{"write":["{user}"]}}'
    return _one(201 if is_created else 200, record, timestamp, text, permissions)


def post_record(user: str | None, bucket: str, collection: str, body: bytes) -> Answer:
    """A record with an id of ours."""
    return write_record(user, bucket, collection, str(uuid.uuid4()), body, method="PUT")


def delete_record(user: str | None, bucket: str, collection: str, record: str) -> Answer:
    """Put a tombstone in place of a record."""
    row = _execute("limit_delete", user, *_uris(bucket, collection, record), record)
    if row is None:
        return MISSING
    text = f'{{"data":{{"id":"{record}","last_modified":{row[1]},"deleted":true}}}}'
    return 200, _stamp(row[1]), text.encode()


def list_records(
    user: str | None, bucket: str, collection: str, query: str, if_none_match: str | None
) -> Answer:
    """A page of records, the changes since a timestamp, or those that a filter finds."""
    uris = _uris(bucket, collection)
    if if_none_match:
        allowed, timestamp = _execute("limit_etag", user, *uris)
        if allowed and if_none_match == f'"{timestamp}"':
            return 304, [("ETag", f'"{timestamp}"')], b""
    arguments = {name: values[0] for name, values in parse_qs(query).items()} if query else {}
    limit = min(int(arguments.pop("_limit", _MAX_LIMIT)), _MAX_LIMIT)
    if since := arguments.get("_since"):
        row = _execute("limit_since", user, *uris, int(since.strip('"')))
    elif arguments.pop("_sort", None):
        wanted = {k: int(v) if v.isdigit() else v for k, v in arguments.items()}
        encoded = msgspec.json.encode(wanted).decode()
        row = _execute("limit_filter", user, *uris, encoded, limit)
    else:
        before = int(arguments.get("_token", _MAX_INTEGER))
        row = _execute("limit_list", user, *uris, limit, before)
    allowed, timestamp, total, last, count, rows = row
    if not allowed:
        return DENIED
    headers = [*_stamp(timestamp or 0), ("Total-Objects", str(total or 0))]
    if count == limit < _MAX_LIMIT:
        path = f"/v1{uris[1]}/records?_limit={limit}&_token={last}"
        headers.append(("Next-Page", f"http://localhost{path}"))
    return 200, headers, f'{{"data":{rows or "[]"}}}'.encode()


def put_container(user: str | None, uri: str, body: bytes) -> Answer:
    """A bucket, a group or a collection: for seeding, so it may be slow."""
    content = msgspec.json.decode(body) if body else {}
    cursor = _cursor()
    permissions = {"write": [user], **content.get("permissions", {})}
    for permission, principals in permissions.items():
        for principal in principals:
            values = (uri, permission, principal)
            cursor.execute(
                "INSERT INTO limit_aces VALUES (%s, %s, %s) ON CONFLICT DO NOTHING", values
            )
    for member in content.get("data", {}).get("members", []):
        cursor.execute(
            "INSERT INTO limit_members VALUES (%s, %s) ON CONFLICT DO NOTHING", (member, uri)
        )
    return 200, [JSON], b'{"data":{},"permissions":{}}'


def batch(user: str | None, body: bytes) -> Answer:
    """PUTs of records of one collection: one statement, one transaction."""
    requests = msgspec.json.decode(body)["requests"]
    parts = requests[0]["path"].split("/")
    ids = [request["path"].rpartition("/")[2] for request in requests]
    contents = [msgspec.json.encode(request["body"]["data"]).decode() for request in requests]
    cursor = _cursor()
    cursor.execute(
        "EXECUTE limit_bulk(%s, %s, %s, %s, %s::jsonb[])",
        (user, *_uris(parts[3], parts[5]), ids, contents),
    )
    done = {row[0]: row for row in cursor.fetchall()}
    responses = []
    for request, record in zip(requests, ids, strict=True):
        _, timestamp, text, is_created = done[record]
        responses.append(
            f'{{"status":{201 if is_created else 200},"path":"{request["path"]}","headers":'
            f'{{"ETag":"\\"{timestamp}\\"","Last-Modified":"{_http_date(timestamp)}",'
            f'"Content-Type":"application/json"}},"body":{{"data":'
            f'{_splice(text, record, timestamp)},"permissions":{{"write":["{user}"]}}}}}}'
        )
    return 200, [JSON], f'{{"responses":[{",".join(responses)}]}}'.encode()


def _uris(bucket: str, collection: str, record: str | None = None) -> tuple[str, ...]:
    container = f"/buckets/{bucket}/collections/{collection}"
    uris = (f"/buckets/{bucket}", container)
    return uris if record is None else (*uris, f"{container}/records/{record}")


def _cursor() -> Any:
    """That of the thread's connection, on which all statements are prepared."""
    cursor = getattr(_local, "cursor", None)
    if cursor is None:
        # A plan for any timestamp would scan the table for what changed since the last one.
        options = "-c enable_seqscan=off"
        connection = psycopg2.connect(os.environ["LIMIT_DATABASE_URL"], options=options)
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute("SELECT pg_advisory_lock(%s)", (_SCHEMA_LOCK,))
        cursor.execute(SCHEMA)
        cursor.execute("SELECT pg_advisory_unlock(%s)", (_SCHEMA_LOCK,))
        for signature, sql in STATEMENTS.items():
            cursor.execute(f"PREPARE {signature} AS {sql}")
        _local.cursor = cursor
    return cursor


def _execute(name: str, *values: object) -> Any:
    placeholders = ",".join(["%s"] * len(values))
    cursor = _cursor()
    cursor.execute(f"EXECUTE {name}({placeholders})", values)
    return cursor.fetchone()


def _splice(data: str, record: str, timestamp: int) -> str:
    """A record's JSON with its id and timestamp, from the text of its data."""
    tail = data[1:] if data == "{}" else f",{data[1:]}"
    return f'{{"id":"{record}","last_modified":{timestamp}{tail}'


def _one(status: int, record: str, timestamp: int, data: str, permissions: str) -> Answer:
    text = f'{{"data":{_splice(data, record, timestamp)},"permissions":{permissions}}}'
    return status, _stamp(timestamp), text.encode()


def _stamp(timestamp: int) -> list[tuple[str, str]]:
    return [JSON, ("ETag", f'"{timestamp}"'), ("Last-Modified", _http_date(timestamp))]


def _http_date(timestamp: int) -> str:
    return time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(timestamp / 1000))


def as_headers(answer: Answer) -> Sequence[tuple[str, str]]:
    """The headers of an answer, with its length unless it is a 304."""
    status, headers, body = answer
    return headers if status == 304 else [*headers, ("Content-Length", str(len(body)))]
