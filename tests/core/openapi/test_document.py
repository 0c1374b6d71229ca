"""The OpenAPI document, and whether the server does what it says."""

import contextlib
import json
import re
from collections.abc import Iterator
from typing import Any

import colander
import jsonschema
import pytest
import webtest
from cornice.validators import colander_validator
from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.testing import DummyRequest

from kinto import main
from kinto.core.openapi import OpenAPI
from kinto.core.resource import Resource, ResourceSchema, ViewSet
from kinto.core.resource.registration import make_service
from kinto.core.service import Service
from kinto.core.views.openapi import openapi_view
from tests.support.services import MEMORY_SETTINGS


HEADERS = {"Authorization": "Basic bWF0OjE=", "Content-Type": "application/json"}
BUCKET = "/buckets/b"
COLLECTION = f"{BUCKET}/collections/c"


@pytest.fixture(scope="module")
def application() -> webtest.TestApp:
    return webtest.TestApp(main({}, **MEMORY_SETTINGS))


@pytest.fixture
def app(application: webtest.TestApp) -> webtest.TestApp:
    """The application, with one object of each kind."""
    registry = application.app.registry
    registry.storage.flush()
    registry.permission.flush()
    for uri in (BUCKET, COLLECTION, f"{BUCKET}/groups/g", f"{COLLECTION}/records/r"):
        application.put(f"/v1{uri}", headers=HEADERS)
    return application


@pytest.fixture(scope="module")
def document(application: webtest.TestApp) -> dict[str, Any]:
    return document_of(application)


def document_of(application: webtest.TestApp) -> dict[str, Any]:
    # The view keeps its first answer: here there are several applications.
    with contextlib.suppress(AttributeError):
        del openapi_view.__json__
    described: dict[str, Any] = application.get("/v1/__api__").json
    with contextlib.suppress(AttributeError):
        del openapi_view.__json__
    return described


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method != "parameters":
                yield path, method, operation


def find_operation(document: dict[str, Any], method: str, uri: str) -> dict[str, Any]:
    path = uri.partition("?")[0]
    for template, item in document["paths"].items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path) and method in item:
            found: dict[str, Any] = item[method]
            return found
    raise LookupError(f"{method} {path} is not described")


def body_validator(operation: dict[str, Any]) -> jsonschema.Draft4Validator:
    (body,) = (each for each in operation["parameters"] if each["in"] == "body")
    return jsonschema.Draft4Validator(body["schema"])


def test_it_is_valid_swagger(document: dict[str, Any]) -> None:
    validator = pytest.importorskip("swagger_spec_validator.validator20")

    validator.validate_spec(document)


def test_top_level(document: dict[str, Any]) -> None:
    assert document["swagger"] == "2.0"
    assert document["info"] == {"title": "kinto", "version": "1.23"}
    assert document["basePath"] == "/v1"
    assert document["schemes"] == ["http"]
    assert document["securityDefinitions"]["basicauth"] == {"type": "basic"}
    tags = {tag["name"] for tag in document["tags"]}
    assert {"Utilities", "Batch", "Buckets", "Groups", "Collections", "Records"} <= tags


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/", {"get": "server_info"}),
        ("/__api__", {"get": "get_openapi_spec"}),
        ("/__heartbeat__", {"get": "__heartbeat__"}),
        ("/__lbheartbeat__", {"get": "__lbheartbeat__"}),
        ("/__version__", {"get": "__version__"}),
        ("/contribute.json", {"get": "contribute"}),
        ("/batch", {"post": "batch"}),
        (
            "/buckets",
            {"get": "get_buckets", "post": "create_bucket", "delete": "delete_buckets"},
        ),
        (
            "/buckets/{bucket_id}/collections/{collection_id}/records/{id}",
            {
                "get": "get_record",
                "put": "update_record",
                "patch": "patch_record",
                "delete": "delete_record",
            },
        ),
    ],
)
def test_operations_of_each_path(
    document: dict[str, Any], path: str, expected: dict[str, str]
) -> None:
    item = document["paths"][path]

    assert {m: item[m]["operationId"] for m in item if m != "parameters"} == expected


def test_names_of_operations_are_unique(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, _, operation in operations(document)]

    assert len(names) == len(set(names))


def test_path_parameters_stand_at_the_path(document: dict[str, Any]) -> None:
    parameters = document["paths"]["/buckets/{bucket_id}/groups/{id}"]["parameters"]

    assert parameters == [
        {"name": name, "in": "path", "required": True, "type": "string"}
        for name in ("bucket_id", "id")
    ]


@pytest.mark.parametrize(
    ("method", "uri", "statuses"),
    [
        ("get", "/buckets", "200 304 400 401 403 406 412 default"),
        ("post", "/buckets", "200 201 400 401 403 406 412 415 default"),
        ("delete", "/buckets", "200 400 401 403 406 412 default"),
        ("get", BUCKET, "200 304 400 401 403 404 406 412 default"),
        ("put", BUCKET, "200 201 400 401 403 406 412 415 default"),
        ("patch", BUCKET, "200 400 401 403 404 406 412 415 default"),
        ("delete", BUCKET, "200 400 401 403 404 406 412 default"),
        ("post", "/batch", "200 400 default"),
        ("get", "/__heartbeat__", "200 503"),
        ("get", "/", "200"),
    ],
)
def test_statuses_of_each_operation(
    document: dict[str, Any], method: str, uri: str, statuses: str
) -> None:
    responses = find_operation(document, method, uri)["responses"]

    assert sorted(responses) == statuses.split()


@pytest.mark.parametrize(
    ("method", "uri", "names"),
    [
        (
            "get",
            "/buckets",
            "_limit _sort _token _since _to _before id last_modified _fields"
            " If-Match If-None-Match",
        ),
        ("post", "/buckets", "ObjectSchema If-Match If-None-Match"),
        ("get", BUCKET, "_fields If-Match If-None-Match"),
        ("patch", BUCKET, "If-Match If-None-Match Response-Behavior ObjectSchema"),
        ("delete", BUCKET, "If-Match If-None-Match"),
        ("post", "/batch", "BatchPayloadSchema"),
    ],
)
def test_parameters_of_each_operation(
    document: dict[str, Any], method: str, uri: str, names: str
) -> None:
    parameters = find_operation(document, method, uri)["parameters"]

    assert [each["name"] for each in parameters] == names.split()


def test_content_types(document: dict[str, Any]) -> None:
    patch = find_operation(document, "patch", BUCKET)

    assert patch["consumes"] == ["application/json", "application/merge-patch+json"]
    assert find_operation(document, "post", "/batch")["consumes"] == ["application/json"]
    assert all(each["produces"] == ["application/json"] for _, _, each in operations(document))


def test_security_of_public_and_other_operations(document: dict[str, Any]) -> None:
    assert find_operation(document, "post", "/batch")["security"] == []
    assert find_operation(document, "get", "/")["security"] == []
    assert {"basicauth": []} in find_operation(document, "get", BUCKET)["security"]


STALE = {"If-Match": '"12"'}
REQUESTS = [
    ("get", "/", None, {}, 200),
    ("get", "/__heartbeat__", None, {}, 200),
    ("get", "/__lbheartbeat__", None, {}, 200),
    ("get", "/buckets", None, {}, 200),
    ("get", "/buckets?_limit=1&_fields=id", None, {}, 200),
    ("get", "/buckets?_since=abc", None, {}, 400),
    ("get", "/buckets", None, {"Authorization": ""}, 401),
    ("get", "/buckets", None, {"Accept": "text/xml"}, 406),
    ("get", "/buckets", None, STALE, 412),
    ("post", "/buckets", {"data": {"a": 1}}, {}, 201),
    ("post", "/buckets", {"data": {"id": "b"}}, {}, 200),
    ("post", "/buckets", {"data": 3}, {}, 400),
    ("post", "/buckets", {}, {"Content-Type": "text/plain"}, 415),
    ("get", BUCKET, None, {}, 200),
    ("get", BUCKET, None, {"Authorization": "Basic Ym9iOjE="}, 403),
    ("get", f"{BUCKET}/groups/none", None, {}, 404),
    ("put", f"{BUCKET}/groups/g", {"data": {"members": ["basicauth:x"]}}, {}, 200),
    ("put", f"{BUCKET}/groups/g2", {"data": {"members": []}}, {}, 201),
    ("put", f"{BUCKET}/groups/g", {"permissions": {"read": ["x"]}}, STALE, 412),
    ("get", f"{BUCKET}/groups", None, {}, 200),
    ("patch", COLLECTION, {"data": {"cache_expires": 3}}, {}, 200),
    ("patch", COLLECTION, {"data": {"x": 3}}, {"Response-Behavior": "diff"}, 200),
    ("patch", f"{BUCKET}/collections/none", {"data": {}}, {}, 404),
    ("get", COLLECTION, None, {}, 200),
    ("post", f"{COLLECTION}/records", {"data": {"id": "x"}}, {}, 201),
    ("get", f"{COLLECTION}/records", None, {}, 200),
    ("delete", f"{COLLECTION}/records/r", None, {}, 200),
    ("delete", f"{COLLECTION}/records/none", None, {}, 404),
    ("delete", f"{COLLECTION}/records", None, {}, 200),
    ("get", f"{COLLECTION}/records?_since=0", None, {}, 200),
    ("post", "/batch", {"requests": [{"path": "/v1/"}, {"path": "/nowhere"}]}, {}, 200),
    ("post", "/batch", {"requests": 3}, {}, 400),
]


@pytest.mark.parametrize(("method", "uri", "body", "headers", "status"), REQUESTS)
def test_answers_are_as_described(
    app: webtest.TestApp,
    document: dict[str, Any],
    *,
    method: str,
    uri: str,
    body: Any,
    headers: dict[str, str],
    status: int,
) -> None:
    operation = find_operation(document, method, uri)

    answer = app.request(
        f"/v1{uri}",
        method=method.upper(),
        body=b"" if body is None else json.dumps(body).encode(),
        headers={**HEADERS, **headers},
        expect_errors=True,
    )

    assert answer.status_code == status
    described = operation["responses"][str(status)]
    jsonschema.Draft4Validator(described["schema"]).validate(answer.json)
    for name, schema in described.get("headers", {}).items():
        jsonschema.Draft4Validator(schema).validate(answer.headers[name])


def test_answer_without_body_is_as_described(
    app: webtest.TestApp, document: dict[str, Any]
) -> None:
    etag = app.get(f"/v1{BUCKET}", headers=HEADERS).headers["ETag"]

    answer = app.get(f"/v1{BUCKET}", headers={**HEADERS, "If-None-Match": etag})

    described = find_operation(document, "get", BUCKET)["responses"]["304"]
    assert answer.status_code == 304
    assert "schema" not in described
    assert set(described["headers"]) == {"Etag", "Last-Modified"}
    assert all(name in answer.headers for name in described["headers"])


@pytest.mark.parametrize(
    ("method", "uri", "body"),
    [
        ("post", "/buckets", {"data": 3}),
        ("post", "/buckets", []),
        ("post", "/buckets", {"unknown": 1}),
        ("post", "/buckets", {"permissions": {"unknown": []}}),
        ("post", "/buckets", {"permissions": {"read": "book"}}),
        ("put", BUCKET, {"data": {"record:schema": 3}}),
        ("put", f"{BUCKET}/groups/g", {"data": {"members": "abc"}}),
        ("put", f"{BUCKET}/groups/g", {"data": {"members": [1]}}),
        ("put", COLLECTION, {"data": {"schema": "abc"}}),
        ("put", COLLECTION, {"data": {"cache_expires": "abc"}}),
        ("patch", COLLECTION, {"data": []}),
        ("patch", COLLECTION, {"permissions": {"read": [3]}}),
        ("post", "/batch", {"requests": 3}),
        ("post", "/batch", {"requests": [{}]}),
        ("post", "/batch", {"requests": [{"path": "x"}]}),
        ("post", "/batch", {"requests": [{"path": "/", "method": "PING"}]}),
        ("post", "/batch", {}),
    ],
)
def test_what_the_server_refuses_the_schema_refuses(
    app: webtest.TestApp, document: dict[str, Any], method: str, uri: str, body: Any
) -> None:
    validator = body_validator(find_operation(document, method, uri))

    app.request(
        f"/v1{uri}",
        method=method.upper(),
        body=json.dumps(body).encode(),
        headers=HEADERS,
        status=400,
    )

    assert not validator.is_valid(body)


def describe(*services: Any) -> dict[str, Any]:
    request = DummyRequest(scheme="https", host="example.org")
    request.registry.settings = {"project_name": "demo", "http_api_version": "3.2"}
    request.registry.route_prefix = "v3"
    return OpenAPI(services, request).generate()


class MushroomSchema(ResourceSchema):
    name = colander.SchemaNode(colander.String())


class Mushroom(Resource):
    schema = MushroomSchema
    permissions = ("read",)


def _mushrooms(**attributes: Any) -> list[Any]:
    viewset = ViewSet(**attributes)
    return [make_service(kind, Mushroom, viewset, {}) for kind in ("plural", "object")]


def test_resource_of_a_plugin() -> None:
    document = describe(*_mushrooms())

    assert document["info"] == {"title": "demo", "version": "3.2"}
    assert document["host"] == "example.org"
    assert document["schemes"] == ["https"]
    assert document["basePath"] == "/v3"
    assert document["tags"] == [{"name": "Mushrooms"}]
    assert [operation["operationId"] for _, _, operation in operations(document)] == [
        "get_mushrooms",
        "create_mushroom",
        "delete_mushrooms",
        "get_mushroom",
        "update_mushroom",
        "patch_mushroom",
        "delete_mushroom",
    ]


def test_required_attributes_are_not_required_of_patches_and_answers() -> None:
    document = describe(*_mushrooms())
    put = find_operation(document, "put", "/mushrooms/x")
    patch = find_operation(document, "patch", "/mushrooms/x")

    assert not body_validator(put).is_valid({})
    assert not body_validator(put).is_valid({"data": {}})
    assert body_validator(put).is_valid({"data": {"name": "x", "more": 1}})
    assert body_validator(patch).is_valid({"data": {}})
    for status in ("200", "201"):
        answer = jsonschema.Draft4Validator(put["responses"][status]["schema"])
        assert answer.is_valid({"data": {"id": "x"}})


def test_entries_of_read_only_kinds_have_what_is_required() -> None:
    (plural, _) = _mushrooms(plural_methods=("GET", "DELETE"), object_methods=("GET",))
    document = describe(plural)

    answer = document["paths"]["/mushrooms"]["get"]["responses"]["200"]["schema"]

    assert answer["properties"]["data"]["items"]["required"] == ["name"]


def test_names_can_be_given() -> None:
    (plural, _) = _mushrooms(
        plural_methods=("GET",),
        plural_get_arguments={"operation_id": "get_history", "tags": ["History"]},
    )

    operation = describe(plural)["paths"]["/mushrooms"]["get"]

    assert operation["operationId"] == "get_history"
    assert operation["tags"] == ["History"]


class _Query(colander.MappingSchema):  # type: ignore[misc]  # colander ships no types
    page = colander.SchemaNode(colander.Int(), missing=colander.drop)


class _ThingSchema(colander.MappingSchema):  # type: ignore[misc]  # colander ships no types
    querystring = _Query()


class _Answer(colander.MappingSchema):  # type: ignore[misc]  # colander ships no types
    description = "Things."

    @colander.instantiate()
    class body(colander.MappingSchema):  # type: ignore[misc]  # noqa: N801
        count = colander.SchemaNode(colander.Int())


def test_service_of_a_plugin() -> None:
    service = Service(name="thing", path=r"/things/{kind:[a-z]{2,3}}@{timestamp:\d+}")
    service.add_view(
        "get",
        lambda request: {},
        permission=NO_PERMISSION_REQUIRED,
        schema=_ThingSchema(),
        validators=(colander_validator,),
        response_schemas={"200": _Answer()},
    )
    service.add_view("post", lambda request: {}, permission="things")

    item = describe(service)["paths"]["/things/{kind}@{timestamp}"]

    assert [(each["name"], each["type"]) for each in item["parameters"]] == [
        ("kind", "string"),
        ("timestamp", "integer"),
    ]
    assert item["get"]["operationId"] == "get_thing"
    assert item["get"]["tags"] == ["Thing"]
    assert item["get"]["security"] == []
    assert item["get"]["parameters"] == [
        {"name": "page", "in": "query", "required": False, "type": "integer"}
    ]
    assert item["get"]["responses"]["200"]["description"] == "Things."
    assert item["get"]["responses"]["200"]["schema"]["required"] == ["count"]
    assert item["post"]["operationId"] == "create_thing"
    assert set(item["post"]["responses"]) == {"default"}


def test_methods_of_authentication_that_plugins_declare(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(OpenAPI, "security_definitions", {})
    definition = {
        "type": "oauth2",
        "authorizationUrl": "https://oauth.example.org",
        "flow": "implicit",
        "scopes": {"profile": "Read the profile"},
    }
    OpenAPI.expose_authentication_method("fxa", definition)
    OpenAPI.expose_authentication_method("basicauth", {"type": "basic"})

    document = describe(*_mushrooms())

    assert document["securityDefinitions"] == {"fxa": definition, "basicauth": {"type": "basic"}}
    security = document["paths"]["/mushrooms"]["get"]["security"]
    assert security == [{"fxa": ["profile"]}, {"basicauth": []}]


def test_basic_authentication_is_named_only_where_it_is_on() -> None:
    settings = {**MEMORY_SETTINGS, "multiauth.policies": "other", "multiauth.policy.other.use": (
        "kinto.core.authentication.BasicAuthAuthenticationPolicy"
    )}  # fmt: skip
    other = webtest.TestApp(main({}, **settings))

    assert "basicauth" not in document_of(other)["securityDefinitions"]
