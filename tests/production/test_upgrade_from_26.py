"""A database that Kinto 26.5.0 has filled answers, once migrated, as 26.5.0 answered."""

from typing import Any

import pytest

from tests.support.api import Client, postgresql_app
from tests.support.old_databases import make_database_of_26_5, run_sql


Recorded = list[dict[str, Any]]


@pytest.fixture(scope="module")
def recorded(postgresql_url: str) -> Recorded:
    """What 26.5.0 answered, before the database was migrated."""
    return make_database_of_26_5(postgresql_url)


@pytest.fixture(scope="module")
def app(recorded: Recorded, postgresql_url: str) -> Any:
    return postgresql_app(postgresql_url)


def answer_now(app: Any, before: dict[str, Any]) -> dict[str, Any]:
    """The same request, in the form of the recorded answer."""
    client = Client(app, before["user"])
    answer = client.get(before["path"])
    now = {"user": before["user"], "path": before["path"], "status": answer.status}
    headers = {name: answer.headers.get(name) for name in before["headers"]}
    if "Total-Objects" in headers:
        headers["Total-Objects"] = client.head(before["path"]).headers["Total-Objects"]
    now["headers"] = headers
    return now | ({"body": answer.json} if "body" in before else {})


def comparable(answer: dict[str, Any]) -> dict[str, Any]:
    """Principals are a set, whose order says nothing."""
    permissions = answer.get("body", {}).get("permissions", {})
    for principals in permissions.values():
        principals.sort()
    return answer


def test_the_recorded_database_has_a_little_of_everything(recorded: Recorded) -> None:
    bodies = [answer["body"] for answer in recorded if "body" in answer]
    listed = [obj for body in bodies if isinstance(body["data"], list) for obj in body["data"]]
    assert {answer["status"] for answer in recorded} == {200, 401, 403, 404}
    assert sum("deleted" in obj for obj in listed) > 10
    assert sum("permissions" in body and bool(body["permissions"]) for body in bodies) > 20
    assert any(answer["headers"].get("Total-Objects") == "9" for answer in recorded)


@pytest.mark.guide("upgrade the database")
def test_every_answer_is_the_same_as_before(app: Any, recorded: Recorded) -> None:
    different = [
        (before, now)
        for before in map(comparable, recorded)
        if (now := comparable(answer_now(app, before))) != before
    ]
    assert different == []


def test_clients_go_on_synchronising(app: Any, recorded: Recorded) -> None:
    path = "/buckets/notes/collections/a/records"
    etag = next(
        a["headers"]["ETag"] for a in recorded if (a["user"], a["path"]) == ("alice", path)
    )
    client = Client(app, "alice")
    assert client.get(path, {"If-None-Match": etag}).status == 304
    assert client.get(path, _since=etag).data == []

    created = client.put(f"{path}/new", {"n": 1}, {"If-None-Match": "*"}).data
    assert client.get(path, _since=etag).data == [created]


def test_indices_that_cost_writes_are_gone_and_unique_ones_stay(
    app: Any, postgresql_url: str
) -> None:
    names = {row[0] for row in run_sql(postgresql_url, "SELECT indexname FROM pg_indexes")}
    assert "idx_objects_parent_id_resource_name_last_modified" in names
    assert not {"idx_objects_last_modified_epoch", "idx_access_control_entries_principal"} & names
