"""Nobody sees what a read would refuse."""

import pytest

from tests.support.api import Answer, Client, new_id


BOB = "bob"


@pytest.fixture
def bob(any_client: Client) -> Client:
    return any_client.as_user(BOB)


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [("my_b", "myxb"), ("a-_", "a-b"), ("zz__", "zzab"), ("up", "UP"), ("ab", "abc")],
)
def test_ids_that_look_alike_are_different_objects(
    any_client: Client, bob: Client, mine: str, theirs: str
) -> None:
    run = new_id()
    mine, theirs = run + mine, run + theirs
    any_client.put(f"/buckets/{theirs}")
    for path in ("collections/c", "groups/g", "collections/c/records/r"):
        any_client.put(f"/buckets/{theirs}/{path}")
    bob.put(f"/buckets/{mine}")
    bob.put(f"/buckets/{mine}/collections/c")

    assert [obj["id"] for obj in bob.get("/buckets").data if run in obj["id"]] == [mine]
    assert bob.get(f"/buckets/{theirs}/collections").status == 403
    assert bob.get(f"/buckets/{theirs}/collections/c/records").status == 403
    assert bob.delete(f"/buckets/{mine}/collections").status == 200
    assert bob.delete(f"/buckets/{mine}").status == 200
    deleted = bob.delete("/buckets").data
    assert theirs not in [obj["id"] for obj in deleted]
    for path in ("collections/c", "groups/g", "collections/c/records/r"):
        assert any_client.get(f"/buckets/{theirs}/{path}").status == 200


def test_collections_that_look_alike_do_not_share_readers(any_client: Client, bob: Client) -> None:
    bucket = any_client.new_collection().split("/")[2]
    shared = f"/buckets/{bucket}/collections/my_c"
    private = f"/buckets/{bucket}/collections/myxc"
    any_client.put(shared, permissions={"read": [bob.principal]})
    any_client.put(private)
    any_client.put(f"{private}/records/r_1", permissions={"read": ["somebody"]})
    any_client.put(f"{private}/records/rx1", permissions={"read": [bob.principal]})

    collections = bob.get(f"/buckets/{bucket}/collections").data
    assert [obj["id"] for obj in collections] == ["my_c"]
    assert bob.get(f"{shared}/records").data == []
    assert [obj["id"] for obj in bob.get(f"{private}/records").data] == ["rx1"]
    assert bob.get(f"{private}/records/r_1").status == 403


def test_a_new_bucket_does_not_let_members_of_its_predecessor_in(
    any_client: Client, bob: Client
) -> None:
    uri = any_client.new_collection().rpartition("/collections")[0]
    group = f"{uri}/groups/g"
    any_client.put(group, {"members": [bob.principal]})
    any_client.put(f"{uri}/collections/c", permissions={"read": [group]})
    assert bob.get(f"{uri}/collections/c").status == 200

    any_client.delete(uri)
    any_client.put(uri, permissions={"write": [group]})
    any_client.put(f"{uri}/collections/c", permissions={"read": [group]})

    assert group not in bob.get("/").json["user"]["principals"]
    assert bob.get(f"{uri}/collections/c").status == 403
    assert bob.put(f"{uri}/collections/mine").status == 403


@pytest.mark.parametrize("deletion", ["/buckets", "{bucket}", "{bucket}/groups", "{group}"])
def test_every_way_of_deleting_a_group_takes_its_members_out(
    any_client: Client, bob: Client, deletion: str
) -> None:
    owner = any_client.as_user(new_id())
    bucket = owner.new_collection().rpartition("/collections")[0]
    group = f"{bucket}/groups/g"
    owner.put(group, {"members": [bob.principal]})
    assert group in bob.get("/").json["user"]["principals"]

    assert owner.delete(deletion.format(bucket=bucket, group=group)).status == 200

    assert group not in bob.get("/").json["user"]["principals"]


def test_a_new_collection_does_not_inherit_what_its_predecessor_shared(
    any_client: Client, bob: Client
) -> None:
    uri = any_client.new_collection()
    any_client.put(f"{uri}/records/a", permissions={"read": [bob.principal]})
    any_client.delete(uri)
    any_client.put(uri)
    any_client.put(f"{uri}/records/a", {"secret": True})

    assert bob.get(f"{uri}/records/a").status == 403
    assert bob.get(f"{uri}/records").status == 403


def creators_view(any_client: Client, bob: Client) -> tuple[str, str]:
    """The list and the object that Bob may create but not read."""
    uri = any_client.new_collection()
    any_client.patch(uri, permissions={"record:create": [bob.principal]})
    any_client.put(f"{uri}/records/a", {"secret": "s3cret"})
    return f"{uri}/records", f"{uri}/records/a"


def test_no_error_shows_an_object_to_those_who_may_only_create(
    any_client: Client, bob: Client
) -> None:
    plural, uri = creators_view(any_client, bob)

    refusals: list[Answer] = [
        bob.put(uri, {}, {"If-None-Match": "*"}),
        bob.put(uri, {}),
        bob.put(uri, {}, {"If-Match": '"12"'}),
        bob.post(plural, {"id": "a"}),
        bob.post(plural, {"id": "a"}, {"If-None-Match": "*"}),
        bob.patch(uri, {"n": 1}),
        bob.delete(uri),
        bob.get(uri),
        bob.get(uri, {"If-None-Match": "*"}),
    ]

    assert refusals[0].status == 412
    assert {answer.status for answer in refusals[1:]} == {403}
    for answer in refusals:
        assert "s3cret" not in answer.text
        assert "existing" not in answer.json.get("details", {})
    assert bob.get(plural).data == []
    assert bob.head(plural).headers["Total-Objects"] == "0"
    assert bob.get(plural, _since=0).data == []


def test_a_412_shows_the_object_to_those_who_may_read_it(any_client: Client, bob: Client) -> None:
    plural, uri = creators_view(any_client, bob)
    any_client.patch(uri, permissions={"read": [bob.principal]})

    answers = [
        bob.put(uri, {}, {"If-None-Match": "*"}),
        bob.post(plural, {"id": "a"}, {"If-None-Match": "*"}),
        any_client.patch(uri, {}, {"If-Match": '"12"'}),
    ]

    for answer in answers:
        assert answer.status == 412
        assert answer.json["details"]["existing"] == any_client.get(uri).data


def test_lists_and_counts_hold_only_what_was_shared(any_client: Client, bob: Client) -> None:
    uri = f"{any_client.new_collection()}/records"
    for n in range(6):
        readers = [bob.principal] if n % 2 else []
        any_client.put(f"{uri}/r{n}", {"n": n}, permissions={"read": readers})
    any_client.delete(f"{uri}/r5")

    shared = ["r3", "r1"]
    assert [obj["id"] for obj in bob.get(uri).data] == shared
    assert [obj["id"] for obj in bob.get(uri, _since=0).data] == shared
    assert [obj["id"] for obj in bob.get(uri, min_n=2).data] == ["r3"]
    head = bob.head(uri)
    assert head.headers["Total-Objects"] == head.headers["Total-Records"] == "2"
    first = bob.get(uri, _limit=1)
    assert "Next-Page" in first.headers
    second = bob.get(first.headers["Next-Page"].partition("/v1")[2])
    assert [obj["id"] for obj in second.data] == ["r1"]
    assert "Next-Page" not in second.headers
    assert bob.delete(uri).status == 403


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_strangers_cannot_tell_what_exists(any_client: Client, bob: Client, method: str) -> None:
    uri = any_client.new_collection()
    any_client.put(f"{uri}/records/a")

    answers = [
        bob.call(method, f"{path}/{name}", {"data": {}})
        for path, name in [(f"{uri}/records", "a"), (f"{uri}/records", "nope")]
    ]

    assert [answer.status for answer in answers] == [403, 403]
    assert answers[0].text == answers[1].text
    assert dict(answers[0].headers) == dict(answers[1].headers)


def test_permissions_are_for_those_who_may_write(any_client: Client, bob: Client) -> None:
    uri = any_client.new_collection()
    any_client.patch(uri, permissions={"read": [bob.principal, "somebody-else"]})

    assert bob.get(uri).json["permissions"] == {}
    assert "somebody-else" in any_client.get(uri).text
