"""The list of the objects on which a user has permissions."""

import base64
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import webtest

from kinto.core.testing import get_user_headers
from tests.support.services import postgresql_settings


ENABLED = {"kinto.experimental_permissions_endpoint": True}
ALICE = get_user_headers("alice")
BOB = get_user_headers("bob")
ALL_OF_BUCKET = ["collection:create", "group:create", "read", "read:attributes", "write"]


@pytest.fixture
def app(make_app: Callable[..., webtest.TestApp]) -> webtest.TestApp:
    return make_app(ENABLED)


@pytest.fixture
def tree(app: webtest.TestApp) -> webtest.TestApp:
    """A bucket, a group, a collection, a record, all of Alice's."""
    fill(app)
    return app


def fill(app: webtest.TestApp) -> None:
    app.put_json("/v1/buckets/b", {}, headers=ALICE)
    app.put_json("/v1/buckets/b/groups/x", {}, headers=ALICE)
    app.put_json("/v1/buckets/b/collections/x", {}, headers=ALICE)
    app.put_json("/v1/buckets/b/collections/x/records/x", {}, headers=ALICE)


def entries(app: webtest.TestApp, query: str = "", headers: dict[str, str] = ALICE) -> Any:
    return app.get(f"/v1/permissions{query}", headers=headers).json["data"]


def uris(app: webtest.TestApp, query: str = "", headers: dict[str, str] = ALICE) -> list[str]:
    return [entry["uri"] for entry in entries(app, query, headers)]


def by_uri(app: webtest.TestApp, headers: dict[str, str] = ALICE) -> dict[str, list[str]]:
    return {entry["uri"]: entry["permissions"] for entry in entries(app, headers=headers)}


def test_it_is_404_unless_the_setting_enables_it(make_app):
    app = make_app()
    app.get("/v1/permissions", headers=ALICE, status=404)
    assert "permissions_endpoint" not in app.get("/v1/").json["capabilities"]


def test_the_capability_is_announced(app):
    assert app.get("/v1/").json["capabilities"]["permissions_endpoint"]["url"]


def test_entries_have_the_ids_of_the_url_and_implied_permissions(tree):
    assert entries(tree) == [
        {
            "uri": "/buckets/b/groups/x",
            "resource_name": "group",
            "permissions": ["read", "write"],
            "id": "x",
            "bucket_id": "b",
            "group_id": "x",
        },
        {
            "uri": "/buckets/b/collections/x/records/x",
            "resource_name": "record",
            "permissions": ["read", "write"],
            "id": "x",
            "bucket_id": "b",
            "collection_id": "x",
            "record_id": "x",
        },
        {
            "uri": "/buckets/b/collections/x",
            "resource_name": "collection",
            "permissions": ["read", "read:attributes", "record:create", "write"],
            "id": "x",
            "bucket_id": "b",
            "collection_id": "x",
        },
        {
            "uri": "/buckets/b",
            "resource_name": "bucket",
            "permissions": ALL_OF_BUCKET,
            "id": "b",
            "bucket_id": "b",
        },
        {"uri": "/", "resource_name": "root", "permissions": ["bucket:create"]},
    ]


def test_anonymous_clients_see_what_is_for_everyone(tree):
    assert entries(tree, headers={}) == []
    shared = {"permissions": {"read": ["system.Everyone"]}}
    tree.patch_json("/v1/buckets/b", shared, headers=ALICE)
    assert by_uri(tree, headers={}) == {"/buckets/b": ["read", "read:attributes"]}


def test_a_setting_says_who_may_ask(make_app):
    app = make_app({**ENABLED, "kinto.permissions_read_principals": "system.Authenticated"})
    app.get("/v1/permissions", status=401)
    app.get("/v1/permissions", headers=ALICE, status=200)


def test_what_comes_from_above_is_not_listed(tree):
    bob = tree.get("/v1/", headers=BOB).json["user"]["id"]
    tree.patch_json("/v1/buckets/b", {"permissions": {"write": [bob]}}, headers=ALICE)
    assert uris(tree, headers=BOB) == ["/buckets/b", "/"]


def test_groups_count(tree):
    bob = tree.get("/v1/", headers=BOB).json["user"]["id"]
    tree.patch_json("/v1/buckets/b/groups/x", {"data": {"members": [bob]}}, headers=ALICE)
    readers = {"permissions": {"read": ["/buckets/b/groups/x"]}}
    tree.patch_json("/v1/buckets/b/collections/x", readers, headers=ALICE)
    assert by_uri(tree, headers=BOB)["/buckets/b/collections/x"] == ["read", "read:attributes"]


def test_permission_to_create_shows_the_attributes_only(tree):
    creators = {"permissions": {"record:create": ["system.Authenticated"]}}
    tree.patch_json("/v1/buckets/b/collections/x", creators, headers=ALICE)
    found = by_uri(tree, headers=BOB)["/buckets/b/collections/x"]
    assert found == ["read:attributes", "record:create"]


def test_deleted_objects_disappear(tree):
    tree.delete("/v1/buckets/b/collections/x", headers=ALICE)
    assert uris(tree) == ["/buckets/b/groups/x", "/buckets/b", "/"]


def test_entries_of_other_kinds_are_left_out(tree):
    permission = tree.registry.permission
    for uri in ("/buckets/b/history/1", "/accounts/a", "/x/y", "buckets", "/buckets/b/groups", ""):
        permission.add_principal_to_ace(uri, "read", "system.Authenticated")
    assert uris(tree, headers=BOB) == ["/"]


def test_without_explicit_permissions_new_objects_are_not_listed(make_app):
    app = make_app({**ENABLED, "kinto.explicit_permissions": False})
    app.put_json("/v1/buckets/b", {}, headers=ALICE)
    assert uris(app) == ["/"]


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("bucket_read", {"/buckets/b": ["read", "read:attributes"]}),
        ("bucket_write", {"/buckets/b": ALL_OF_BUCKET}),
        ("group_create", {"/buckets/b": ["group:create", "read:attributes"]}),
        ("group_write", {"/buckets/b/groups/x": ["read", "write"]}),
        ("record_create", {"/buckets/b/collections/x": ["read:attributes", "record:create"]}),
        ("record_read", {"/buckets/b/collections/x/records/x": ["read"]}),
        ("bucket_create", {"/": ["bucket:create"]}),
        ("mail_some", {}),
        ("history_read", {}),
    ],
)
def test_settings_list_every_object_of_their_kind(make_app, setting, expected):
    settings = {"kinto.bucket_create_principals": "system.Authenticated"}
    app = make_app({**ENABLED, **settings})
    fill(app)
    app.registry.settings["bucket_create_principals"] = ""
    app.registry.settings[f"{setting}_principals"] = "system.Everyone"
    assert by_uri(app, headers=BOB) == expected


def test_settings_are_merged_with_stored_permissions(make_app):
    app = make_app({**ENABLED, "kinto.record_create_principals": "system.Everyone"})
    fill(app)
    shared = {"permissions": {"read": ["system.Everyone"]}}
    app.patch_json("/v1/buckets/b/collections/x", shared, headers=ALICE)
    assert by_uri(app, headers={})["/buckets/b/collections/x"] == [
        "read",
        "read:attributes",
        "record:create",
    ]


def test_more_objects_than_one_fetch_gives_are_listed(make_app):
    app = make_app(
        {
            **ENABLED,
            "kinto.storage_max_fetch_size": 2,
            "kinto.bucket_read_principals": "system.Everyone",
        }
    )
    for n in range(5):
        app.put_json(f"/v1/buckets/b{n}", {}, headers=ALICE)
    assert app.head("/v1/permissions").headers["Total-Objects"] == "5"


def test_head_counts(tree):
    response = tree.head("/v1/permissions?resource_name=group", headers=ALICE)
    assert response.headers["Total-Objects"] == "1"
    assert tree.head("/v1/permissions", headers=ALICE).headers["Total-Objects"] == "5"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_other_methods_are_405(app, method):
    app.request("/v1/permissions", method=method, headers=ALICE, status=405)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?id=b", ["/buckets/b"]),
        ("?uri=/buckets/b", ["/buckets/b"]),
        ("?in_resource_name=bucket,group", ["/buckets/b/groups/x", "/buckets/b"]),
        ("?exclude_resource_name=record,root,bucket,group", ["/buckets/b/collections/x"]),
        ("?record_id=x", ["/buckets/b/collections/x/records/x"]),
        ("?deleted=true", []),
        ("?_sort=uri&_limit=2", ["/", "/buckets/b"]),
    ],
)
def test_filters_and_sort(tree, query, expected):
    assert uris(tree, query) == expected


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("?movie=1", "Unknown filter field 'movie'"),
        ("?permissions=read", "Unknown filter field 'permissions'"),
        ("?account_id=a", "Unknown filter field 'account_id'"),
        ("?_sort=permissions", "querystring: Unknown sort field 'permissions'"),
        ("?_fields=movie", "Invalid _fields parameter in body: Fields movie do not exist"),
        ("?_limit=a", '_limit in querystring: "a" is not a number'),
    ],
)
def test_unknown_fields_are_400(tree, query, message):
    response = tree.get(f"/v1/permissions{query}", headers=ALICE, status=400)
    assert response.json["message"] == message


def test_fields_keep_the_id(tree):
    assert entries(tree, "?_fields=uri&uri=/buckets/b") == [{"uri": "/buckets/b", "id": "b"}]


@pytest.mark.parametrize("sort", ["", "&_sort=id", "&_sort=-bucket_id,id", "&_sort=last_modified"])
@pytest.mark.parametrize("limit", [1, 2, 4])
def test_pages_hold_every_entry_exactly_once(tree, sort, limit):
    seen: list[str] = []
    url = f"/v1/permissions?_limit={limit}{sort}"
    while url:
        response = tree.get(url, headers=ALICE)
        assert len(response.json["data"]) <= limit
        seen += [entry["uri"] for entry in response.json["data"]]
        url = response.headers.get("Next-Page")
    assert seen == uris(tree, f"?{sort.lstrip('&')}")
    assert len(seen) == 5


def test_the_token_of_an_older_server_is_understood(tree):
    document = {"last_object": {"uri": "/buckets/b/groups/x"}, "offset": 1, "nonce": "a"}
    token = base64.b64encode(json.dumps(document).encode()).decode()
    response = tree.get("/v1/permissions", {"_limit": 2, "_token": token}, headers=ALICE)
    assert response.json["data"][0]["uri"] == "/buckets/b/collections/x/records/x"
    offset = parse_qs(urlsplit(response.headers["Next-Page"]).query)["_token"][0]
    assert json.loads(base64.b64decode(offset))["offset"] == 3


@pytest.mark.parametrize(
    "token",
    [
        "abc",
        base64.b64encode(b"[]").decode(),
        base64.b64encode(b'{"last_object": {}, "offset": 1, "nonce": ""}').decode(),
        base64.b64encode(b'{"last_object": {"uri": 1}, "offset": 1, "nonce": ""}').decode(),
        base64.b64encode(b'{"last_object": {"uri": ["/"]}, "offset": 1, "nonce": ""}').decode(),
        base64.b64encode(b'{"last_object": {"uri": "/"}, "offset": -1, "nonce": ""}').decode(),
    ],
)
def test_tampered_tokens_are_400(tree, token):
    response = tree.get("/v1/permissions", {"_token": token}, headers=ALICE, status=400)
    assert response.json["message"] == "querystring: _token has invalid content"


def test_no_etag_hides_a_change(tree):
    response = tree.get("/v1/permissions", headers=ALICE)
    assert not {"ETag", "Last-Modified"} & set(response.headers)
    tree.get("/v1/permissions", headers={**ALICE, "If-None-Match": '"1"'}, status=200)
    tree.get("/v1/permissions", headers={**ALICE, "If-None-Match": "*"}, status=412)
    tree.get("/v1/permissions", headers={**ALICE, "If-Match": '"1"'}, status=412)
    tree.get("/v1/permissions", headers={**ALICE, "If-Match": "*"}, status=200)
    tree.get("/v1/permissions", headers={**ALICE, "If-None-Match": "abc"}, status=400)


def test_postgresql_lists_the_same(make_app, new_database, tree):
    settings = {**ENABLED, **postgresql_settings(new_database())}
    app = make_app({**settings, "kinto.record_read_principals": "system.Everyone"})
    app.registry.storage.initialize_schema()
    app.registry.permission.initialize_schema()
    app.registry.cache.initialize_schema()
    fill(app)
    assert entries(app) == entries(tree)
    assert uris(app, headers=BOB) == ["/buckets/b/collections/x/records/x", "/"]
