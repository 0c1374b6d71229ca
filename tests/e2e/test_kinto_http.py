"""The Python client, kinto-http, in a session with a real server."""

from collections.abc import Callable

import pytest
from kinto_http import Client, KintoException
from kinto_http.patch_type import JSONPatch, MergePatch

from tests.support.services import MEMORY_SETTINGS, postgresql_settings


PAGE_SIZE = 10


@pytest.fixture(scope="module", params=["memory", "postgresql"])
def server(
    request: pytest.FixtureRequest,
    kinto_server: Callable[..., str],
) -> str:
    settings = MEMORY_SETTINGS
    if request.param == "postgresql":
        settings = postgresql_settings(request.getfixturevalue("new_database")())
    return kinto_server(
        {
            **settings,
            "kinto.paginate_by": PAGE_SIZE,
            "kinto.experimental_permissions_endpoint": "true",
        }
    )


def client_of(server: str, name: str, bucket: str | None = None) -> Client:
    return Client(server_url=server, auth=(name, "secret"), bucket=bucket, collection="tasks")


@pytest.fixture
def alice(server: str, request: pytest.FixtureRequest) -> Client:
    """A client with a bucket named after the test, and an empty collection in it."""
    client = client_of(server, "alice", bucket=request.node.originalname)
    client.create_bucket()
    client.create_collection()
    return client


def user_id(client: Client) -> str:
    return client.server_info()["user"]["id"]


def test_a_record_lives_and_dies(alice: Client) -> None:
    alice.create_record(id="milk", data={"title": "Buy milk"})

    assert alice.get_record(id="milk")["data"]["title"] == "Buy milk"
    alice.patch_record(id="milk", data={"done": True})
    assert alice.get_record(id="milk")["data"]["done"] is True
    alice.update_record(id="milk", data={"title": "Drink it"})
    assert "done" not in alice.get_record(id="milk")["data"]
    assert alice.delete_record(id="milk")["deleted"] is True
    with pytest.raises(KintoException) as caught:
        alice.get_record(id="milk")
    assert caught.value.response.status_code == 404


def test_patches_of_each_kind_keep_other_fields(alice: Client) -> None:
    alice.create_record(id="r", data={"a": 1, "nested": {"x": 1, "y": 2}, "list": [1]})

    alice.patch_record(id="r", changes=MergePatch(data={"nested": {"x": None}}))
    alice.patch_record(
        id="r", changes=JSONPatch([{"op": "add", "path": "/data/list/-", "value": 2}])
    )

    stored = alice.get_record(id="r")["data"]
    assert (stored["a"], stored["nested"], stored["list"]) == (1, {"y": 2}, [1, 2])


def test_pages_hold_every_record_once(alice: Client) -> None:
    with alice.batch() as batch:
        for number in range(2 * PAGE_SIZE + 5):
            batch.create_record(id=f"r{number}", data={"number": number})

    records = alice.get_records(_sort="number")

    assert [record["number"] for record in records] == list(range(2 * PAGE_SIZE + 5))
    pages = list(alice.get_paginated_records(_sort="number"))
    assert [len(page["data"]) for page in pages] == [PAGE_SIZE, PAGE_SIZE, 5]


def test_what_changed_since_is_all_that_comes(alice: Client) -> None:
    alice.create_record(id="kept", data={})
    alice.create_record(id="gone", data={})
    since = alice.get_records_timestamp()

    assert alice.get_records(_since=since) == []
    alice.delete_record(id="gone")
    alice.create_record(id="new", data={})

    changes = {
        record["id"]: record.get("deleted", False) for record in alice.get_records(_since=since)
    }
    assert changes == {"gone": True, "new": False}
    assert alice.get_records_timestamp() > since


def test_a_stale_update_is_refused_with_what_is_stored(alice: Client) -> None:
    first = alice.create_record(id="r", data={"n": 1})["data"]
    alice.update_record(id="r", data={"n": 2})

    with pytest.raises(KintoException) as caught:
        alice.update_record(id="r", data={"n": 3}, if_match=first["last_modified"])

    assert caught.value.response.status_code == 412
    assert caught.value.response.json()["details"]["existing"]["n"] == 2
    with pytest.raises(KintoException):
        alice.create_record(id="r", data={"n": 4}, safe=True)


def test_sharing_reaches_exactly_what_was_shared(alice: Client, server: str) -> None:
    bob = client_of(server, "bob", bucket=alice.bucket_name)
    alice.create_record(id="private", data={})
    alice.create_record(id="shared", data={}, permissions={"read": [user_id(bob)]})

    assert [record["id"] for record in bob.get_records()] == ["shared"]
    for refused in (
        lambda: bob.get_record(id="private"),
        lambda: bob.update_record(id="shared", data={}),
        lambda: bob.get_bucket(),
    ):
        with pytest.raises(KintoException) as caught:
            refused()
        assert caught.value.response.status_code == 403


def test_members_of_a_group_have_its_permissions(alice: Client, server: str) -> None:
    carol = client_of(server, "carol", bucket=alice.bucket_name)
    alice.create_group(id="editors", data={"members": [user_id(carol)]})
    alice.patch_collection(
        permissions={"record:create": [f"/buckets/{alice.bucket_name}/groups/editors"]}
    )

    carol.create_record(id="by-carol", data={})
    alice.update_group(id="editors", data={"members": []})

    assert alice.get_record(id="by-carol")["permissions"] == {}
    with pytest.raises(KintoException):
        carol.create_record(id="again", data={})


def test_permissions_list_what_is_mine(server: str) -> None:
    erin = client_of(server, "erin", bucket="erins")
    erin.create_bucket()
    erin.create_collection()

    entries = {entry["uri"]: set(entry["permissions"]) for entry in erin.get_permissions()}

    assert "write" in entries["/buckets/erins"]
    assert "record:create" in entries["/buckets/erins/collections/tasks"]


def test_deleting_the_bucket_takes_everything(alice: Client) -> None:
    alice.create_record(id="r", data={})

    alice.delete_bucket()
    alice.create_bucket()
    alice.create_collection()

    assert alice.get_records() == []
