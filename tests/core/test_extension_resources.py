"""Resources of applications other than Kinto, built on the core alone."""

import warnings
from typing import Any

import pytest
import webtest
from pyramid.config import Configurator
from pyramid.exceptions import ConfigurationError

import kinto.core
from kinto.core import resource
from kinto.core.authorization import RouteFactory
from kinto.core.resource.schema import URL, ResourceSchema, TimeStamp
from kinto.core.storage.exceptions import BackendError, ObjectNotFoundError
from kinto.core.testing import DummyRequest, get_user_headers
from tests.support import mushrooms
from tests.support.extensions import warns_once


SETTINGS = {
    "storage_backend": "kinto.core.storage.memory",
    "cache_backend": "kinto.core.cache.memory",
    "permission_backend": "kinto.core.permission.memory",
    "multiauth.policies": "basicauth",
    "id_generator": "kinto.views.RelaxedUUID",
    "mushroom_create_principals": "system.Authenticated",
    "toadstool_create_principals": "system.Authenticated",
    "spore_create_principals": "system.Authenticated",
    "moss_create_principals": "system.Authenticated",
    "moss_write_principals": "system.Authenticated",
    "moss_read_principals": "system.Everyone",
}
ALICE = get_user_headers("alice")


def make_config(**settings: Any) -> Configurator:
    config = Configurator(settings={**SETTINGS, **settings})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kinto.core.initialize(config, version="0.1.0", settings_prefix="myapp")
    config.registry.calls = []
    return config


def make_client(**settings: Any) -> webtest.TestApp:
    config = make_config(**settings)
    config.scan("tests.support.mushrooms")
    client = webtest.TestApp(config.make_wsgi_app(), extra_environ={})
    client.authorization = ("Basic", ("alice", "secret"))
    client.registry = config.registry
    return client


@pytest.fixture
def client() -> webtest.TestApp:
    return make_client()


# -- registration -----------------------------------------------------------------------


def test_default_paths_and_names_of_the_services(client):
    services = {s.name: s for s in client.registry.cornice_services.values()}
    assert services["mushroom-plural"].path == "/mushrooms"
    assert services["mushroom-object"].path == "/mushrooms/{id}"
    assert services["toadstool-plural"].path == "/toadstools"
    assert services["spore-plural"].path == "/forests/{forest_id}/spores"
    assert "spore-object" not in services
    plural = services["mushroom-plural"]
    assert plural.type == "plural"
    assert services["mushroom-object"].type == "object"
    assert plural.resource is mushrooms.Mushroom
    assert isinstance(plural.viewset, resource.ViewSet)
    assert (plural.plural_path, plural.object_path) == ("/mushrooms", "/mushrooms/{id}")


def test_the_version_gives_the_prefix(client):
    assert client.get("/v0/").json["http_api_version"] == "0.1"
    assert client.get("/mushrooms", status=307).headers["Location"].endswith("/v0/mushrooms")


def test_methods_that_were_not_asked_for_are_405(client):
    client.post_json("/v0/forests/a/spores", {}, status=201)
    client.delete("/v0/forests/a/spores", status=405)


def test_without_storage_the_scan_is_refused():
    config = make_config(storage_backend="")
    with pytest.raises(ConfigurationError):
        config.scan("tests.support.mushrooms")


@pytest.mark.parametrize(
    ("settings", "method", "path"),
    [
        ({"plural_mushroom_get_enabled": "false"}, "GET", "/v0/mushrooms"),
        ({"object_mushroom_put_enabled": False}, "PUT", "/v0/mushrooms/a"),
        ({"readonly": "true"}, "POST", "/v0/mushrooms"),
    ],
)
def test_settings_disable_endpoints(settings, method, path):
    client = make_client(**settings)
    client.request(path, method=method, status=405)


def test_viewset_attributes_can_be_given():
    class Factory(RouteFactory):
        pass

    viewset = resource.ViewSet(
        factory=Factory, plural_methods=("GET",), service_name="{resource_name}"
    )
    assert viewset.factory is Factory
    viewset.update(object_methods=())
    assert viewset.object_methods == ()
    assert viewset.get_name(mushrooms.Mushroom) == "mushroom"
    assert viewset.get_service_name("plural", mushrooms.Mushroom) == "mushroom"
    assert viewset.get_view("plural", "get") == "plural_get"
    assert viewset.get_view("object", "PATCH") == "patch"
    arguments = viewset.get_view_arguments("object", mushrooms.Mushroom, "patch")
    assert arguments["permission"] == "dynamic"
    assert "application/json-patch+json" in arguments["content_type"]
    assert viewset.get_service_arguments()["factory"] is Factory
    assert resource.ViewSet(name="x").get_name(mushrooms.Mushroom) == "x"


def test_arguments_of_the_view_go_from_the_general_to_the_particular():
    viewset = resource.ViewSet(
        default_arguments={"permission": "a", "tags": ["a"]},
        default_plural_arguments={"permission": "b"},
        default_get_arguments={"permission": "c"},
        plural_get_arguments={"permission": "d"},
    )

    def permission(endpoint_type: str, method: str) -> str:
        arguments = viewset.get_view_arguments(endpoint_type, mushrooms.Mushroom, method)
        assert arguments["tags"] == ["a"]
        return arguments["permission"]

    assert permission("plural", "GET") == "d"
    assert permission("object", "get") == "c"
    assert permission("plural", "delete") == "b"
    assert permission("object", "delete") == "a"


# -- schemas ----------------------------------------------------------------------------


def test_options_have_defaults():
    assert ResourceSchema.get_option("preserve_unknown") is True
    assert mushrooms.MushroomSchema.get_option("preserve_unknown") is True
    assert mushrooms.ToadstoolSchema.get_option("readonly_fields") == ()
    assert mushrooms.MushroomSchema.is_readonly("species")
    assert not mushrooms.MushroomSchema.is_readonly("name")


def test_required_attributes_make_data_mandatory(client):
    body = client.post_json("/v0/mushrooms", {}, status=400).json
    assert body["message"] == "data in body: Required"
    body = client.post_json("/v0/mushrooms", {"data": {}}, status=400).json
    assert body["message"] == "data.name in body: Required"
    client.put_json("/v0/mushrooms/a", {}, status=400)


def test_defaults_are_stored_and_unknown_fields_kept(client):
    body = client.post_json("/v0/mushrooms", {"data": {"name": "a", "more": [1]}}).json
    assert body["data"]["edible"] is False
    assert body["data"]["more"] == [1]


def test_defaults_are_not_stored_without_data(client):
    assert set(client.put_json("/v0/toadstools/a", {}).json["data"]) == {"id", "last_modified"}


def test_closed_schemas_drop_unknown_attributes_and_refuse_them_elsewhere(client):
    posted = {"id": "b", "last_modified": 5, "x": 1}
    body = client.post_json("/v0/toadstools", {"data": posted}).json
    assert body["data"] == {"id": "b", "last_modified": 5}
    body = client.put_json("/v0/toadstools/a", {"data": {"name": "n", "x": 1}}).json
    assert set(body["data"]) == {"id", "last_modified", "name"}
    body = client.patch_json("/v0/toadstools/a", {"data": {"x": 1}}).json
    assert set(body["data"]) == {"id", "last_modified", "name"}
    for query in ("x=1", "_sort=x", "_fields=x"):
        client.get(f"/v0/toadstools?{query}", status=400)
    for name in ("name", "id", "last_modified", "deleted"):
        client.get(f"/v0/toadstools?_sort={name}", status=200)


def test_readonly_fields(client):
    client.put_json("/v0/mushrooms/a", {"data": {"name": "a", "species": "boletus"}})
    path = "/v0/mushrooms/a"
    refused = client.patch_json(path, {"data": {"species": "amanita"}}, status=400)
    assert "Cannot modify species" in refused.json["message"]
    client.patch_json(path, {"data": {"species": "boletus", "name": "b"}}, status=200)
    client.put_json(path, {"data": {"name": "a", "species": "amanita"}}, status=200)


def test_permissions_are_those_of_the_kind(client):
    client.put_json("/v0/toadstools/a", {"permissions": {"eat": ["bob"]}})
    client.put_json("/v0/mushrooms/a", {"permissions": {"eat": ["bob"]}}, status=400)
    body = client.post_json("/v0/mosses", {}).json
    assert "permissions" not in body
    client.get("/v0/mosses/" + body["data"]["id"], status=200)


def test_objects_of_different_parents_are_apart(client):
    client.put_json("/v0/toadstools/a", {}, headers={"X-Forest": "black"})
    assert client.registry.storage.get("toadstool", "black", "a")
    with pytest.raises(ObjectNotFoundError):
        client.registry.storage.get("toadstool", "", "a")


@pytest.mark.parametrize(("node", "name"), [(TimeStamp, "TimeStamp"), (URL, "URL")])
def test_old_names_of_nodes_warn(node, name):
    expected = (
        f"`kinto.core.resource.schema.{name}` is deprecated, "
        f"use `kinto.core.schema.{name}` instead."
    )
    with warns_once(expected):
        node()


# -- hooks ------------------------------------------------------------------------------


def test_hooks_run_in_order(client):
    calls = client.registry.calls
    created = client.put_json("/v0/mushrooms/a", {"data": {"name": "a"}}).json
    assert created["extra"] == 1
    assert created["data"]["seen"] is True
    assert calls == [("process", None), ("postprocess", "create", None)]
    calls.clear()
    client.patch_json("/v0/mushrooms/a", {"data": {"name": "b"}})
    assert calls == [("process", "a"), ("postprocess", "update", "a")]
    calls.clear()
    client.get("/v0/mushrooms/a")
    client.delete("/v0/mushrooms/a")
    assert calls == [("postprocess", "read", None), ("postprocess", "delete", "b")]
    client.put_json("/v0/mushrooms/a", {"data": {"name": "poison"}}, status=400)


def test_methods_call_their_helpers(client, monkeypatch):
    called: list[str] = []

    def spy(name: str) -> None:
        original = getattr(resource.Resource, name)

        def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
            called.append(name)
            return original(self, *args, **kwargs)

        monkeypatch.setattr(mushrooms.Mushroom, name, wrapper, raising=False)

    client.put_json("/v0/mushrooms/a", {"data": {"name": "a"}})
    helpers = {
        "_extract_limit",
        "_extract_filters",
        "_extract_sorting",
        "_extract_partial_fields",
        "_add_timestamp_header",
        "_add_cache_header",
        "_raise_304_if_not_modified",
        "_raise_412_if_modified",
        "_raise_400_if_invalid_id",
        "_get_object_or_404",
        "is_known_field",
        "apply_changes",
        "get_parent_id",
    }
    for name in helpers:
        spy(name)
    client.get("/v0/mushrooms?name=a")
    client.get("/v0/mushrooms/a")
    client.patch_json("/v0/mushrooms/a", {"data": {"name": "b"}})
    assert set(called) == helpers


def test_what_a_validator_changes_counts(client):
    for name in ("a", "b"):
        client.put_json(f"/v0/mosses/{name}", {})
    assert len(client.get("/v0/mosses").json["data"]) == 2
    assert len(client.get("/v0/mosses?short=1").json["data"]) == 1


# -- names of older versions ------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "arguments"),
    [
        ("process_record()", "process_object()", ({"id": "a"},)),
        ("collection_get()", "plural_get()", ()),
        ("collection_post()", "plural_post()", ()),
        ("collection_delete()", "plural_delete()", ()),
    ],
)
def test_old_methods_of_resources_warn(old, new, arguments, monkeypatch):
    found = resource.Resource(DummyRequest())
    monkeypatch.setattr(resource.Resource, new[:-2], lambda self, *args: "result")
    with warns_once(f"`{old}` is deprecated, use `{new}` instead."):
        assert getattr(found, old[:-2])(*arguments) == "result"


def test_the_old_name_of_the_id_warns():
    request = DummyRequest()
    request.matchdict = {"id": "a"}
    with warns_once("`record_id` is deprecated, use `object_id` instead."):
        assert resource.Resource(request).record_id == "a"


@pytest.mark.parametrize(
    ("make", "old", "new"),
    [
        (lambda: resource.ShareableResource(DummyRequest()), "ShareableResource", "Resource"),
        (lambda: resource.ShareableModel(None, None), "ShareableModel", "Model"),
        (lambda: resource.ShareableViewSet(), "ShareableViewSet", "ViewSet"),
    ],
)
def test_old_names_of_classes_warn(make, old, new):
    with warns_once(f"`{old}` is deprecated, use `{new}` instead."):
        make()


@pytest.mark.parametrize(
    "old",
    [
        "get_record",
        "get_records",
        "create_record",
        "update_record",
        "delete_record",
        "delete_records",
    ],
)
def test_old_methods_of_models_warn(old, monkeypatch):
    new = old.replace("record", "object")
    monkeypatch.setattr(resource.Model, new, lambda self, *args: args)
    model = resource.Model(None, None)
    with warns_once(f"`{old}()` is deprecated, use `{new}()` instead."):
        assert getattr(model, old)(1, 2) == (1, 2)


def test_the_old_name_of_the_resource_name_warns():
    model = resource.Model(None, None, resource_name="thing")
    with pytest.warns(
        DeprecationWarning, match="`collection_id` is deprecated, use `resource_name`"
    ):
        assert model.collection_id == "thing"


# -- models -----------------------------------------------------------------------------


def test_models_work_on_their_own(client):
    model = resource.Model(
        storage=client.registry.storage,
        permission=client.registry.permission,
        id_generator=lambda: "generated",
        resource_name="thing",
        parent_id="/parent",
        current_principal="bob",
    )
    model.get_permission_object_id = lambda object_id: f"/things/{object_id}"
    created = model.create_object({"n": 1, "__permissions__": {"read": {"x"}}})
    assert created["id"] == "generated"
    assert created["__permissions__"] == {"read": {"x"}, "write": {"bob"}}
    assert model.get_object("generated") == created
    assert model.count_objects() == len(model.get_objects()) == 1
    assert model.timestamp() == created["last_modified"]
    assert model.timestamp("/other") > 0
    updated = model.update_object({"id": "generated", "n": 2})
    assert updated["n"] == 2
    assert updated["__permissions__"] == {"read": {"x"}, "write": {"bob"}}
    deleted = model.delete_object(updated)
    assert deleted["deleted"] is True
    assert client.registry.permission.get_object_permissions("/things/generated") == {}
    assert model.delete_objects() == []
    fields = (model.id_field, model.modified_field, model.deleted_field, model.permissions_field)
    assert fields == ("id", "last_modified", "deleted", "__permissions__")


def test_models_say_nothing_of_permissions_where_there_are_none(client):
    model = resource.Model(client.registry.storage, None, resource_name="thing")
    assert "__permissions__" not in model.create_object({"n": 1})


def test_a_model_set_beforehand_is_kept():
    class Mine(resource.Resource):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            self.model = "mine"
            super().__init__(*args, **kwargs)

    assert Mine(DummyRequest()).model == "mine"


# -- the core policy --------------------------------------------------------------------


def test_unknown_objects_are_403_for_those_who_may_not_read(client):
    bob = get_user_headers("bob")
    client.authorization = None
    client.put_json("/v0/mushrooms/a", {"data": {"name": "a"}}, headers=ALICE)
    client.get("/v0/mushrooms/a", headers=bob, status=403)
    client.get("/v0/mushrooms/unknown", headers=ALICE, status=403)
    client.get("/v0/mushrooms/a", status=401)
    client.patch_json("/v0/mushrooms/a", {"data": {}}, headers=bob, status=403)


def test_lists_of_shared_objects(client):
    client.authorization = None
    bob = get_user_headers("bob")
    for name in "ab":
        client.put_json(f"/v0/toadstools/{name}", {}, headers=ALICE)
    bob_id = client.get("/v0/", headers=bob).json["user"]["id"]
    permission = client.registry.permission
    # Who may create sees the list, empty.
    client.registry.settings["toadstool_create_principals"] = ""
    client.get("/v0/toadstools", headers=bob, status=403)
    permission.add_principal_to_ace("", "toadstool:create", bob_id)
    assert client.get("/v0/toadstools", headers=bob).json["data"] == []
    permission.add_principal_to_ace("/toadstools/b", "read", bob_id)
    listed = client.get("/v0/toadstools", headers=bob).json["data"]
    assert [obj["id"] for obj in listed] == ["b"]
    assert client.delete("/v0/toadstools", headers=bob).json["data"] == []
    permission.add_principal_to_ace("/toadstools", "write", bob_id)
    assert len(client.get("/v0/toadstools", headers=bob).json["data"]) == 2
    client.put_json("/v0/toadstools/c", {}, headers=bob, status=403)
    permission.add_principal_to_ace("/toadstools", "toadstool:create", bob_id)
    client.put_json("/v0/toadstools/c", {}, headers=bob, status=201)
    assert len(client.delete("/v0/toadstools", headers=bob).json["data"]) == 3


def test_a_failing_backend_is_503(client, monkeypatch):
    def fail(*args: Any, **kwargs: Any) -> Any:
        raise BackendError(original=ValueError("broken"))

    monkeypatch.setattr(client.registry.storage, "list_all", fail)
    response = client.get("/v0/mosses", status=503)
    assert response.headers["Retry-After"] == "30"
