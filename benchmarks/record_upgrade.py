"""A database filled through the API of Kinto 26.5.0, with its answers: ``make upgrade-data``.

The rows and the answers are what `tests/production/test_upgrade_from_26.py` goes by. Nothing else
of the reference is kept: the tables are made by SQL of our own.
"""

import base64
import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2 import sql
from psycopg2.extras import register_default_jsonb

from benchmarks.reference import reference_python
from tests.support.postgresql import running_postgresql
from tests.support.processes import free_port, running, service_directory, wait_for_port
from tests.support.services import postgresql_settings, write_ini


DATA = Path(__file__).parent.parent / "tests" / "production" / "data"
TABLES = ("metadata", "objects", "timestamps", "user_principals", "access_control_entries")
USERS = ("alice", "bob", None)
_BUCKETS = ("/buckets/notes", "/buckets/shared", "/buckets/gone")


@dataclass(frozen=True, slots=True)
class Api:
    """Sends requests to the reference."""

    base_url: str

    def call(
        self, method: str, path: str, body: object = None, *, user: str | None = "alice"
    ) -> tuple[int, Message, Any]:
        """Status, headers, decoded body of the answer."""
        request = urllib.request.Request(f"{self.base_url}{path}", method=method)
        if user is not None:
            credentials = base64.b64encode(f"{user}:secret".encode()).decode()
            request.add_header("Authorization", f"Basic {credentials}")
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        try:
            response = urllib.request.urlopen(request, timeout=30)
        except urllib.error.HTTPError as error:
            response = error
        with response:
            text = response.read().decode()
            return response.status, response.headers, json.loads(text) if text else None

    def write(self, method: str, path: str, data: object = None, **more: object) -> Any:
        """The body of an answer that must be a success."""
        body = None if method == "DELETE" else {"data": data or {}, **more}
        status, _, answer = self.call(method, path, body)
        assert status in (200, 201), (method, path, status, answer)
        return answer


def fill(api: Api) -> list[str]:
    """Write a little of everything.

    :returns: the lists that there are, or were.
    """
    bob = api.call("GET", "/", user="bob")[2]["user"]["id"]
    lists = ["/buckets"]
    for bucket in _BUCKETS:
        api.write("PUT", bucket, {"title": "Bücket"})
        api.write("PUT", f"{bucket}/groups/friends", {"members": [bob, "ldap:carol"]})
        lists += [f"{bucket}/groups", f"{bucket}/collections"]
        for name in ("a", "b", "empty"):
            collection = f"{bucket}/collections/{name}"
            api.write("PUT", collection, {"cache_expires": 30} if name == "b" else {})
            lists.append(f"{collection}/records")
    for bucket in _BUCKETS:
        _fill_records(api, f"{bucket}/collections/a/records")
    _share(api, bob)
    # A list that was read while it was empty has a timestamp of its own; one deleted whole too.
    api.call("GET", "/buckets/notes/collections/empty/records")
    api.write("PUT", "/buckets/notes/collections/b/records/only", {})
    api.write("DELETE", "/buckets/notes/collections/b/records")
    api.write("PUT", "/buckets/notes/collections/dropped")
    api.write("PUT", "/buckets/notes/collections/dropped/records/r", {})
    api.write("DELETE", "/buckets/notes/collections/dropped")
    api.write("DELETE", "/buckets/gone")
    return lists


def _fill_records(api: Api, records: str) -> None:
    values: tuple[Any, ...] = (
        None, True, 0, -1.5, 1e20, 12345678901234567890, "", "é\u2028😀", [], [[], {}], {"a.b": 1},
    )  # fmt: skip
    for number, value in enumerate(values):
        api.write("PUT", f"{records}/v{number}", {"value": value, "n": number})
    api.write("PUT", f"{records}/past", {"last_modified": 1_234_567_890_123})
    api.write("PATCH", f"{records}/v2", {"more": {"nested": [1, 2]}})
    for name in ("v0", "v5", "v9"):
        api.write("DELETE", f"{records}/{name}")
    api.write("PUT", f"{records}/v9", {"again": True})
    api.write("DELETE", f"{records}/past")


def _share(api: Api, bob: str) -> None:
    friends = "/buckets/shared/groups/friends"
    api.write("PATCH", "/buckets/shared", permissions={"read": [bob], "group:create": [bob]})
    api.write(
        "PATCH",
        "/buckets/notes/collections/b",
        permissions={"record:create": [bob], "read": ["system.Authenticated"]},
    )
    records = "/buckets/notes/collections/a/records"
    api.write("PATCH", f"{records}/v3", permissions={"read": ["system.Everyone"]})
    api.write("PATCH", f"{records}/v4", permissions={"write": [friends], "read": ["x:y"]})


def read_answers(api: Api, lists: list[str]) -> list[dict[str, Any]]:
    """What the API says to every user about each list and each object."""
    paths = [path for one in lists for path in (one, f"{one}?_since=1", f"{one}?_sort=-id")]
    paths += [
        f"{one}/{row[0]}"
        for one in lists
        for row in _ids(api, one)
    ]  # fmt: skip
    return [_answer(api, path, user) for path in paths for user in USERS]


def _ids(api: Api, path: str) -> list[list[str]]:
    status, _, body = api.call("GET", f"{path}?_since=1")
    return [[obj["id"]] for obj in body["data"]] if status == 200 else []


def _answer(api: Api, path: str, user: str | None) -> dict[str, Any]:
    status, headers, body = api.call("GET", path, user=user)
    shown = {name: headers[name] for name in ("ETag", "Last-Modified") if name in headers}
    if status == 200 and "?" not in path and isinstance(body["data"], list):
        total = api.call("HEAD", path, user=user)[1].get("Total-Objects")
        shown["Total-Objects"] = total or ""
    answer = {"user": user, "path": path, "status": status, "headers": shown}
    return answer | ({"body": body} if status == 200 else {})


def dump_rows(url: str) -> Iterator[str]:
    """A statement for each row of the tables."""
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        register_default_jsonb(connection, loads=str)  # as text, digit for digit
        for table in TABLES:
            yield f"TRUNCATE {table};"
            cursor.execute(sql.SQL("SELECT * FROM {} ORDER BY 1, 2").format(sql.Identifier(table)))
            for row in cursor.fetchall():
                values = [
                    json.dumps(v, ensure_ascii=False) if isinstance(v, dict) else v for v in row
                ]
                places = ", ".join(["%s"] * len(values))
                text = cursor.mogrify(f"INSERT INTO {table} VALUES ({places});", values)
                yield text.decode()


@contextmanager
def running_reference(url: str) -> Iterator[Api]:
    """The reference on an empty database."""
    command = [str(reference_python().parent / "kinto")]
    port = free_port()
    with service_directory("reference") as folder:
        ini = write_ini(folder / "reference.ini", postgresql_settings(url))
        subprocess.run([*command, "migrate", "--ini", str(ini)], check=True)
        start = [*command, "start", "--ini", str(ini), "--port", str(port)]
        with running(start, log_file=folder / "reference.log") as daemon:
            wait_for_port(daemon, port=port)
            yield Api(f"http://127.0.0.1:{port}/v1")


def main() -> int:
    """Write both files anew."""
    with running_postgresql() as server:
        url = server.create_database()
        with running_reference(url) as api:
            answers = read_answers(api, fill(api))
        rows = "\n".join(dump_rows(url))
    comment = "-- Written by `make upgrade-data`: rows, and nothing else, of a database of 26.5.0."
    (DATA / "kinto_26_5_rows.sql").write_text(f"{comment}\n{rows}\n", encoding="utf-8")
    lines = ",\n".join(json.dumps(answer, ensure_ascii=False) for answer in answers)
    (DATA / "kinto_26_5_answers.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
