"""Lists of what was shared: at once, or piece by piece, what is seen is the same."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from kinto.core.storage.abilities import abilities_of
from tests.support.api import Answer, Client, new_id, postgresql_app
from tests.support.proxy import running_proxy


BOB, EVE = "bob", "eve"
# How many times a client waits for the database: once for what decides, once for what is seen.
ROUND_TRIPS = 2
WARM_UP_REQUESTS = 3


@pytest.fixture(scope="module")
def owner(postgresql_url: str) -> Client:
    """Of everything, on backends that are driven in as few round trips as can be."""
    return Client(postgresql_app(postgresql_url))


@pytest.fixture(scope="module")
def plain(postgresql_url: str, owner: Client) -> Client:
    """The same database by way of the plain methods, as a plugin replaced one."""
    app = postgresql_app(postgresql_url)
    permission = app.registry.permission
    permission.get_accessible_objects = permission.get_accessible_objects
    assert not abilities_of(permission).is_plain
    return Client(app)


@pytest.fixture(scope="module")
def collection(owner: Client) -> str:
    """With six records, of which three and one that was deleted were shared with Bob."""
    uri = owner.new_collection()
    bob = owner.as_user(BOB).principal
    group = f"{uri.rpartition('/collections')[0]}/groups/g"
    owner.put(group, {"members": [bob]})
    grants: list[dict[str, list[str]]] = [
        {"read": [bob]},
        {},
        {"write": [group], "read": ["system.Everyone"]},
        {"read": ["somebody"]},
        {"write": [bob, group]},
        {"read": [bob]},
    ]
    for number, permissions in enumerate(grants):
        data = {"n": number % 2, "title": f"Record {number}"}
        owner.put(f"{uri}/records/r{number}", data, permissions=permissions)
    owner.delete(f"{uri}/records/r5")
    # What looks like something of this list.
    owner.put(f"{uri}x/records/r1", permissions={"read": [bob]})
    owner.put(f"{uri}x")
    owner.put(f"{uri}x/records/r1", permissions={"read": [bob]})
    return uri


QUERIES = [
    "",
    "?_limit=1",
    "?_sort=-n&_limit=2",
    "?_sort=title",
    "?n=0",
    "?n=5",
    "?gt_n=0",
    "?id=r1",
    "?in_id=r0,r1,r2",
    "?_since=0",
    "?_since=0&_limit=2",
    "?deleted=true",
    "?_fields=title",
    "?_before=1",
    "?unknown_n=1",
    "?_token=x",
    "?_sort=",
    "?like_title=record*",
    "?has_n=true&not_n=1",
]


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("user", [BOB, EVE, None])
def test_records_that_were_shared(
    owner: Client, plain: Client, collection: str, query: str, user: str | None
) -> None:
    path = f"{collection}/records{query}"
    expected = walk(plain.as_user(user), path)
    assert walk(owner.as_user(user), path) == expected
    heads = [shown(each.as_user(user).call("HEAD", path)) for each in (owner, plain)]
    assert heads[0] == heads[1]
    if user == BOB and query == "":
        assert [obj["id"] for obj in expected[0][2]["data"]] == ["r4", "r2", "r0"]
        assert heads[0][1]["Total-Objects"] == "3"


@pytest.mark.parametrize("query", ["", "?_limit=1", "?_sort=id", "?_since=0"])
@pytest.mark.parametrize("kind", ["buckets", "collections", "groups"])
def test_other_lists_of_what_was_shared(
    owner: Client, plain: Client, kind: str, query: str
) -> None:
    bob = owner.as_user(BOB).principal
    uri = f"/buckets/{new_id()}"
    owner.put(uri)
    for number, permissions in enumerate([{"read": [bob]}, {"record:create": [bob]}, {}]):
        allowed = permissions if kind == "collections" else {"read": permissions.get("read", [])}
        if kind == "buckets":
            owner.put(f"{uri}{number}", permissions=allowed)
        else:
            owner.put(f"{uri}/{kind}/k{number}", {"members": []}, permissions=allowed)
    path = f"/buckets{query}" if kind == "buckets" else f"{uri}/{kind}{query}"

    assert walk(owner.as_user(BOB), path) == walk(plain.as_user(BOB), path)
    heads = [shown(each.as_user(BOB).call("HEAD", path)) for each in (owner, plain)]
    assert heads[0] == heads[1]


def test_conditions_hold_for_what_was_shared(owner: Client, collection: str) -> None:
    bob, path = owner.as_user(BOB), f"{collection}/records"
    etag = bob.get(path).headers["ETag"]
    assert bob.get(path, {"If-None-Match": etag}).status == 304
    assert bob.get(path, {"If-Match": '"1"'}).status == 412
    assert bob.get(path, {"If-Match": etag}).status == 200


def test_deleting_a_list_deletes_what_may_be_written(owner: Client) -> None:
    uri = owner.new_collection()
    bob = owner.as_user(BOB)
    for name, permission in (("a", "write"), ("b", "read")):
        owner.put(f"{uri}/records/{name}", permissions={permission: [bob.principal]})
    assert [obj["id"] for obj in bob.delete(f"{uri}/records").data] == ["a"]
    assert [obj["id"] for obj in bob.get(f"{uri}/records").data] == ["b"]


def test_who_may_only_add_sees_an_empty_list(owner: Client) -> None:
    uri = owner.new_collection()
    owner.put(f"{uri}/records/a")
    bob = owner.as_user(BOB)
    owner.patch(uri, permissions={"record:create": [bob.principal]})
    assert bob.get(f"{uri}/records").data == []
    assert bob.head(f"{uri}/records").headers["Total-Objects"] == "0"


def test_what_was_shared_takes_two_round_trips(new_database: Callable[[], str]) -> None:
    with running_proxy(new_database()) as proxy:
        app = postgresql_app(proxy.url)
        owner = Client(app)
        bob = owner.as_user(BOB)
        uri = owner.new_collection()
        owner.put(f"{uri}/records/a", {"n": 1}, permissions={"read": [bob.principal]})
        for path in (f"{uri}/records", f"{uri}/records?n=1&_sort=n", "/buckets", f"{uri}s"):
            for method in ("GET", "HEAD"):
                for _ in range(WARM_UP_REQUESTS):
                    bob.call(method, path)
                proxy.forget()
                bob.call(method, path)
                assert proxy.round_trips <= ROUND_TRIPS, (method, path, proxy.queries)
        app.registry.storage.client.engine.dispose()


def walk(client: Client, path: str) -> list[tuple[int, dict[str, Any], Any]]:
    """Every page from this one on."""
    pages = []
    while path:
        answer = client.call("GET", path)
        pages.append((*shown(answer), answer.json))
        following = urlsplit(answer.headers.get("Next-Page", ""))
        path = f"{following.path.removeprefix('/v1')}?{following.query}" if following.path else ""
    return pages


def shown(answer: Answer) -> tuple[int, dict[str, Any]]:
    """What an answer says that both ways must say alike."""
    names = ("ETag", "Last-Modified", "Total-Objects", "Content-Type")
    return answer.status, {name: answer.headers.get(name) for name in names}
