"""Services, route factories and requests as plugins use them."""

from collections.abc import Callable
from typing import Any

import colander
import pytest
from pyramid import httpexceptions
from pyramid.events import NewRequest
from pyramid.interfaces import IAuthorizationPolicy, ISecurityPolicy
from pyramid.security import NO_PERMISSION_REQUIRED

from kinto.authorization import RouteFactory
from kinto.core import Service, cornice
from kinto.core.cornice.errors import Errors
from kinto.core.cornice.validators import colander_body_validator, colander_validator
from kinto.core.errors import ERRORS, http_error, raise_invalid
from kinto.core.events import ResourceChanged, ResourceRead
from kinto.core.testing import get_user_headers
from kinto.core.utils import (
    build_request,
    build_response,
    follow_subrequest,
    instance_uri,
    view_lookup,
)
from kinto.views import object_exists_or_404, raise_404_if_invalid_id
from kinto.views.records import Record
from tests.support.extensions import ALICE, BUCKET, COLLECTION, RECORDS, Extended


BOB = get_user_headers("bob")


class QuerySchema(colander.MappingSchema):
    size = colander.SchemaNode(colander.Int(), missing=1)


class BodySchema(colander.MappingSchema):
    name = colander.SchemaNode(colander.String())


class RequestSchema(colander.MappingSchema):
    querystring = QuerySchema()
    body = BodySchema()


@pytest.fixture
def app() -> Extended:
    extended = Extended()
    extended.make_collection()
    return extended


Serve = Callable[..., Any]


@pytest.fixture
def serve(app: Extended) -> Serve:
    """Adds a service at ``/probe`` with one view: ``serve(view, permission=…)``."""

    def add(
        view: Any, *, method: str = "get", service: dict[str, Any] | None = None, **kw: Any
    ) -> Service:
        kw.setdefault("permission", NO_PERMISSION_REQUIRED)
        options = {"name": "probe", "path": "/probe", "description": "Probe", **(service or {})}
        probe = Service(**options)
        probe.add_view(method, view, **kw)
        app.config.add_cornice_service(probe)
        app.config.commit()
        return probe

    return add


@pytest.fixture
def probe(app: Extended, serve: Serve) -> Callable[..., Any]:
    """Runs a function within a request of Alice's, and gives what it returns."""
    functions: list[Any] = []
    results: list[Any] = []

    def view(request: Any) -> dict[str, Any]:
        results.append(functions[-1](request))
        return {}

    serve(view)

    def run(function: Any, headers: dict[str, str] = ALICE) -> Any:
        functions.append(function)
        app.client.get("/v1/probe", headers=headers)
        return results.pop()

    return run


# -- services ---------------------------------------------------------------------------


def test_the_service_class():
    assert issubclass(Service, cornice.Service)
    assert Service.default_cors_headers == (
        "Backoff",
        "Retry-After",
        "Alert",
        "Content-Length",
        "Content-Type",
    )


def test_class_attributes_come_from_the_settings():
    Extended({"kinto.cors_origins": "http://a http://b", "kinto.cors_max_age_seconds": 7})
    assert Service.cors_origins == ("http://a", "http://b")
    assert Service.cors_max_age == 7
    assert isinstance(Service.renderer, str)
    Extended({"kinto.cors_max_age_seconds": ""})
    assert Service.cors_origins == ("*",)
    assert Service.cors_max_age is None


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete", "head", "options"])
def test_decorators_of_each_method(app, method):
    service = Service(name="thing", path="/thing", description="A thing")

    @getattr(service, method)(permission=NO_PERMISSION_REQUIRED)
    def view(request: Any) -> dict[str, Any]:
        return {"method": request.method}

    app.config.add_cornice_service(service)
    app.config.commit()
    response = app.client.request("/v1/thing", method=method.upper(), status=200)
    if method != "head":
        assert response.json == {"method": method.upper()}
    other = "PUT" if method == "post" else "POST"
    app.client.request("/v1/thing", method=other, status=405)


def test_schemas_are_validated(app, serve):
    serve(
        lambda request: request.validated,
        method="post",
        schema=RequestSchema(),
        validators=(colander_validator,),
    )
    path = "/v1/probe?size=3"
    assert app.call("post", path, {"name": "a"}).json["querystring"] == {"size": 3}
    refused = app.call("post", "/v1/probe?size=x", {}, status=400).json
    assert refused["errno"] == ERRORS.INVALID_PARAMETERS.value
    assert refused["error"] == "Invalid parameters"
    names = [(error["location"], error["name"]) for error in refused["details"]]
    assert names == [("body", "name"), ("querystring", "size")]


def test_validators_fill_their_part(app, serve):
    serve(
        lambda request: {"validated": request.validated},
        method="post",
        schema=BodySchema(),
        validators=(colander_body_validator,),
    )
    response = app.call("post", "/v1/probe", {"name": "a", "other": 1})
    assert response.json == {"validated": {"name": "a"}}


def test_what_a_view_leaves_on_the_response_is_kept(app, serve):
    def view(request: Any) -> None:
        request.response.status = 204
        request.response.headers["X-Mine"] = "1"
        del request.response.headers["Content-Type"]

    serve(view)
    response = app.client.get("/v1/probe", status=204)
    assert response.headers["X-Mine"] == "1"
    assert "Content-Type" not in response.headers


def test_options_of_services_are_accepted(app, serve):
    options = {
        "tags": ["Probes"],
        "cors_headers": ("X-Mine",),
        "renderer": "json",
        "factory": RouteFactory,
        "content_type": ("application/json",),
        "accept": "application/json",
        "response_schemas": {"200": BodySchema(description="Fine")},
        "error_handler": lambda request: http_error(httpexceptions.HTTPGone(), errno=5),
    }

    def refuse(request: Any, **kwargs: Any) -> None:
        request.errors.add("body", "x", "no")

    serve(
        lambda request: {"a": 1},
        service=options,
        operation_id="probe",
        validators=(refuse,),
    )
    assert app.client.get("/v1/probe", status=410).json["errno"] == 5
    assert "/probe" in app.client.get("/v1/__api__").json["paths"]


def test_a_service_without_factory_or_permission_works(app):
    service = Service(name="plain", path="/plain", description="Plain")
    service.add_view("get", lambda request: {"plain": True})
    app.config.add_cornice_service(service)
    app.config.commit()
    assert app.client.get("/v1/plain").json == {"plain": True}


def test_views_of_classes(app):
    class Views:
        def __init__(self, request: Any, context: Any = None) -> None:
            self.request = request

        def answer(self) -> dict[str, Any]:
            return {"id": self.request.matchdict["id"]}

    service = Service(name="views", path="/views/{id}", description="Views")
    service.add_view("get", "answer", klass=Views)
    app.config.add_cornice_service(service)
    app.config.commit()
    assert app.client.get("/v1/views/a").json == {"id": "a"}


def test_private_is_for_authenticated_users(app, serve):
    serve(lambda request: {}, permission="private")
    app.client.get("/v1/probe", status=401)
    app.client.get("/v1/probe", headers=BOB, status=200)


def test_an_unknown_permission_goes_to_the_policy(app, serve):
    class Borrowing(RouteFactory):
        def __init__(self, request: Any) -> None:
            super().__init__(request)
            self.resource_name = "bucket"
            self.permission_object_id = "/buckets/b"

    serve(lambda request: {}, permission="write", service={"factory": Borrowing})
    app.call("get", "/v1/probe", status=200)
    app.client.get("/v1/probe", headers=BOB, status=403)


@pytest.mark.parametrize("error", ["raised", "invalid", "plain", "unexpected"])
def test_errors_of_views(app, serve, error):
    def view(request: Any) -> None:
        if error == "raised":
            raise http_error(httpexceptions.HTTPServiceUnavailable(), errno=42, message="m")
        if error == "invalid":
            raise_invalid(request, location="path", name="id", description="bad")
        if error == "plain":
            raise httpexceptions.HTTPNotFound()
        raise ValueError("oops")

    serve(view)
    response = app.client.get("/v1/probe", status="*")
    expected = {
        "raised": (503, 42, "m"),
        "invalid": (400, 107, "id in path: bad"),
        "plain": (404, 111, "The resource you are looking for could not be found."),
        "unexpected": (
            500,
            999,
            "A programmatic error occurred, developers have been informed.",
        ),
    }[error]
    assert (response.status_code, response.json["errno"], response.json["message"]) == expected


def test_service_names_are_route_names(app, probe):
    assert probe(lambda r: r.route_url("hello")) == "http://localhost/v1/"
    ids = {"bucket_id": "b", "collection_id": "c", "id": "r"}
    assert probe(lambda r: r.route_path("record-object", **ids)) == f"{RECORDS}/r"
    for name in ("batch", "heartbeat", "lbheartbeat", "version", "openapi"):
        assert probe(lambda r, name=name: r.route_path(name)).startswith("/v1/")
    assert probe(lambda r: r.route_path("bucket-plural")) == "/v1/buckets"


# -- route factories --------------------------------------------------------------------


def borrowing(**attributes: Any) -> type:
    class Borrowing(RouteFactory):
        def __init__(self, request: Any) -> None:
            super().__init__(request)
            for name, value in attributes.items():
                setattr(self, name, value)

    return Borrowing


@pytest.mark.parametrize(
    ("attributes", "status"),
    [
        ({"resource_name": "record", "required_permission": "write"}, 200),
        ({"resource_name": "record", "required_permission": "create"}, 200),
        ({"resource_name": "record", "required_permission": "read"}, 200),
    ],
)
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_plugin_borrows_the_permissions_of_an_object(app, serve, attributes, status, method):
    app.call("put", f"{RECORDS}/r", {})
    uri = "/buckets/b/collections/c"
    if attributes["required_permission"] != "create":
        uri += "/records/r"
    factory = borrowing(**attributes, permission_object_id=uri)
    serve(lambda request: {}, method=method, permission="dynamic", service={"factory": factory})
    app.call(method, "/v1/probe", status=status)
    app.client.request("/v1/probe", method=method.upper(), headers=BOB, status=403)
    app.client.request("/v1/probe", method=method.upper(), status=401)


def test_settings_grant_borrowed_permissions(app, serve):
    factory = borrowing(
        resource_name="thing", required_permission="eat", permission_object_id="/x"
    )
    serve(lambda request: {}, permission="dynamic", service={"factory": factory})
    app.client.get("/v1/probe", headers=BOB, status=403)
    app.registry.settings["thing_eat_principals"] = "system.Authenticated"
    app.client.get("/v1/probe", headers=BOB, status=200)


def test_without_a_resource_nothing_is_read(app, probe, monkeypatch):
    def fail(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError

    def build(request: Any) -> Any:
        monkeypatch.setattr(app.registry.storage, "get", fail)
        context = RouteFactory(request)
        return (
            context.resource_name,
            context.on_plural_endpoint,
            context.required_permission,
            context.permission_object_id,
            context.current_object,
            context.shared_ids,
        )

    assert probe(build) == (None, False, None, None, None, None)
    assert RouteFactory.method_permissions["get"] == "read"


def test_the_authorization_policy_is_a_utility(app):
    policy = app.registry.getUtility(IAuthorizationPolicy)
    assert app.registry.getUtility(ISecurityPolicy)
    assert policy.get_bound_permissions("/buckets/b", "group:create") == [
        ("/buckets/b", "write"),
        ("/buckets/b", "group:create"),
    ]
    assert policy.get_bound_permissions("/unknown", "read") == []
    assert policy.permits(None, ["system.Authenticated"], "private")
    assert not policy.permits(None, ["system.Everyone"], "private")


def test_shared_objects(app, probe):
    app.call("put", f"{RECORDS}/r", {"permissions": {"read": ["system.Everyone"]}})
    seen: list[Any] = []

    def note(event: Any) -> None:
        context = event.request.context
        seen.append((context.resource_name, context.on_plural_endpoint, context.shared_ids))

    app.subscribe(note, ResourceRead)
    app.client.get(RECORDS, headers=BOB)
    app.call("get", RECORDS)
    assert seen == [("record", True, ["r"]), ("record", True, None)]


# -- resources used outside their own views ---------------------------------------------


def test_a_record_is_read_and_written_from_another_view(app, serve):
    events: list[Any] = []
    app.subscribe(events.append, ResourceChanged)

    class Attachment(RouteFactory):
        def __init__(self, request: Any) -> None:
            request.current_resource_name = "record"
            super().__init__(request)
            self.resource_name = "record"
            self.permission_object_id = self.get_uri(request)
            resource = Record(request, context=self)
            try:
                existing = resource.model.get_object(request.matchdict["id"])
            except Exception:  # noqa: BLE001
                existing = None
            if existing is None:
                self.permission_object_id = self.get_uri(request).rpartition("/records")[0]
                self.required_permission = "create"
            else:
                self.required_permission = "write"

        @staticmethod
        def get_uri(request: Any) -> str:
            return instance_uri(request, "record", **request.matchdict)

    def view(request: Any) -> Any:
        request.matchdict = dict(request.matchdict)
        request.validated = {
            "header": {},
            "querystring": {},
            "body": {"data": {"file": request.POST["file"]}},
        }
        request.current_resource_name = "record"
        context = request.context
        context.get_permission_object_id = lambda r, object_id=None: Attachment.get_uri(request)
        resource = Record(request, context=context)
        resource.object_id = request.matchdict["id"]
        return resource.put()

    path = "/buckets/{bucket_id}/collections/{collection_id}/records/{id}/file"
    serve(
        view,
        method="post",
        service={"path": path, "factory": Attachment},
        permission="dynamic",
    )
    url = f"{RECORDS}/r/file"
    created = app.client.post(url, {"file": "a"}, headers=ALICE, status=201)
    assert created.json["data"]["file"] == "a"
    assert created.headers["ETag"]
    assert list(created.json["permissions"]) == ["write"]
    app.client.post(url, {"file": "b"}, headers=ALICE, status=200)
    app.client.post(url, {"file": "b"}, headers=BOB, status=403)
    assert app.call("get", f"{RECORDS}/r").json["data"]["file"] == "b"
    actions = [(e.payload["action"], e.payload["uri"]) for e in events]
    uri = "/buckets/b/collections/c/records/r/file"
    assert actions == [("create", uri), ("update", uri)]


def test_get_and_patch_of_a_record_from_another_view(app, serve):
    stored = app.call("put", f"{RECORDS}/r", {"data": {"n": 1}}).json["data"]

    def view(request: Any) -> Any:
        request.matchdict = {"bucket_id": "b", "collection_id": "c", "id": "r"}
        request.current_resource_name = "record"
        context = RouteFactory(request)
        context.resource_name = "record"
        context.get_permission_object_id = lambda r, object_id=None: (
            "/buckets/b/collections/c/records/r"
        )
        request.validated = {"header": {}, "querystring": {}}
        resource = Record(request, context=context)
        resource.object_id = "r"
        read = resource.get()["data"]
        request.validated = {"header": {}, "querystring": {}, "body": {"data": {"m": 2}}}
        patched = resource.patch()["data"]
        resource.object_id = "unknown"
        with pytest.raises(httpexceptions.HTTPNotFound):
            resource.get()
        return {"read": read, "patched": patched}

    serve(view)
    body = app.call("get", "/v1/probe").json
    assert body["read"] == stored
    assert (body["patched"]["n"], body["patched"]["m"]) == (1, 2)
    assert app.call("get", f"{RECORDS}/r").json["data"] == body["patched"]


def test_the_current_object_of_the_context_is_trusted(app, probe):
    def run(request: Any) -> Any:
        request.matchdict = {"bucket_id": "b", "collection_id": "c", "id": "r"}
        request.current_resource_name = "record"
        request.validated = {"header": {}, "querystring": {}}
        context = RouteFactory(request)
        context.current_object = {"id": "r", "last_modified": 5, "__permissions__": {}}
        return Record(request, context=context).get()["data"]

    assert probe(run) == {"id": "r", "last_modified": 5}


# -- requests ---------------------------------------------------------------------------


def test_attributes_of_the_request(app, probe):
    userid = app.call("get", "/v1/").json["user"]["id"]
    bare = userid.partition(":")[2]
    assert probe(lambda r: r.prefixed_userid) == userid
    assert probe(lambda r: r.authenticated_userid) == bare

    def selected(request: Any) -> Any:
        return request.prefixed_userid and (request.selected_userid, request.authn_type)

    assert probe(selected) == (bare, "basicauth")
    principals = probe(lambda r: r.prefixed_principals)
    assert principals[0] == userid
    assert bare not in principals
    assert set(principals) == {userid, "system.Everyone", "system.Authenticated"}
    assert probe(lambda r: r.get_user_info()) == {"id": userid, "principals": principals}
    for name in ("storage", "permission", "cache", "settings", "metrics"):
        assert probe(lambda r, name=name: getattr(r.registry, name)) is not None
    assert probe(lambda r: r.current_service.name) == "probe"


def test_anonymous_requests(probe):
    assert probe(lambda r: r.prefixed_userid, headers={}) is None
    assert probe(lambda r: r.prefixed_principals, headers={}) == ["system.Everyone"]
    assert probe(lambda r: hasattr(r, "authn_type"), headers={}) is False


def test_the_user_follows_what_a_plugin_assigns(probe):
    def run(request: Any) -> Any:
        request.authn_type, request.selected_userid = "plugin", "me"
        return request.prefixed_userid

    assert probe(run) == "plugin:me"
    assert probe(run, headers={}) == "plugin:me"


def test_effective_principals_are_deprecated(probe):
    def run(request: Any) -> Any:
        with pytest.warns(DeprecationWarning, match="`effective_principals` is deprecated"):
            return request.effective_principals == request.prefixed_principals

    assert probe(run)


def test_the_resource_name_is_assignable(probe):
    def run(request: Any) -> Any:
        with pytest.raises(AttributeError):
            request.current_resource_name  # noqa: B018
        request.current_resource_name = "record"
        first = request.current_resource_name
        request.current_resource_name = "bucket"
        return first, request.current_resource_name

    assert probe(run) == ("record", "bucket")


def test_validated_and_errors_are_there_from_the_beginning(app):
    found: list[Any] = []

    def note(event: NewRequest) -> None:
        request = event.request
        found.append((request.validated, isinstance(request.errors, Errors), list(request.errors)))
        found.append(hasattr(request, "parent"))

    app.subscribe(note, NewRequest)
    app.call("get", "/v1/")
    assert found == [({}, True, []), False]


def test_validated_is_there_when_subscribers_run(app):
    found: list[Any] = []
    app.subscribe(lambda e: found.append(e.request.validated), ResourceChanged)
    app.call("put", f"{RECORDS}/r?x=1", {"data": {"n": 1}})
    (validated,) = found
    assert set(validated) == {"path", "querystring", "header", "body"}
    assert validated["body"]["data"] == {"n": 1}
    assert validated["path"] == {"bucket_id": "b", "collection_id": "c", "id": "r"}
    patch = [{"op": "add", "path": "/data/m", "value": 1}]
    headers = {"Content-Type": "application/json-patch+json"}
    app.call("patch", f"{RECORDS}/r", patch, headers=headers)
    assert isinstance(found[1]["body"], list)


def test_bound_data_is_shared_with_sub_requests(app):
    found: list[Any] = []

    def note(event: NewRequest) -> None:
        found.append((event.request.bound_data, getattr(event.request, "parent", None)))

    app.subscribe(note, NewRequest)
    app.batch(("GET", BUCKET, None), ("GET", COLLECTION, None))
    outer, *inner = found
    assert all(data is outer[0] for data, _ in inner)
    assert all(parent.bound_data is outer[0] for _, parent in inner)
    found.clear()
    app.call("get", BUCKET)
    assert found[0][0] is not outer[0]


def test_bound_data_is_assignable(probe):
    def run(request: Any) -> Any:
        request.bound_data = {"mine": 1}
        return request.bound_data

    assert probe(run) == {"mine": 1}


def test_log_context_keeps_what_is_not_none(probe):
    assert probe(lambda r: r.log_context(a=1, b=None)["a"]) == 1
    assert probe(lambda r: "b" in r.log_context(a=1, b=None)) is False


def test_methods_that_plugins_add_are_on_sub_requests(app, probe):
    app.config.add_request_method(lambda request: "added", "get_added")
    app.config.add_request_method(lambda request: {"name": "x"}, "get_user_profile")
    app.config.commit()

    def run(request: Any) -> Any:
        return build_request(request, {"path": "/"}).get_added(), request.get_user_info()[
            "profile"
        ]

    assert probe(run) == ("added", {"name": "x"})


# -- sub-requests -----------------------------------------------------------------------


def test_build_request(probe):
    def run(request: Any) -> Any:
        request.headers["X-Mine"] = "1"
        built = build_request(
            request,
            {
                "path": "/buckets/b",
                "method": "PUT",
                "headers": {"X-More": "2"},
                "body": {"data": {}},
            },
        )
        return (
            built.path,
            built.method,
            built.json_body,
            built.headers["X-Mine"],
            built.headers["X-More"],
            built.headers["Content-Type"].partition(";")[0],
            built.parent is request,
            built.registry is request.registry,
            built.bound_data is request.bound_data,
            built.prefixed_userid == request.prefixed_userid,
        )

    expected = ("/v1/buckets/b", "PUT", {"data": {}}, "1", "2", "application/json")
    assert probe(run) == (*expected, True, True, True, True)
    assert probe(lambda r: build_request(r, {"path": "/v1/buckets"}).path) == "/v1/buckets"
    assert probe(lambda r: build_request(r, {"path": "/"}).method) == "GET"


def test_follow_subrequest_goes_through_redirections(app, probe):
    def run(request: Any) -> Any:
        built = build_request(request, {"path": "/buckets/b/"})
        response, answered = request.follow_subrequest(built, use_tweens=False)
        again, _ = follow_subrequest(request, build_request(request, {"path": "/buckets/b"}))
        assert again.json["data"]["id"] == "b"
        return (
            response.status_code,
            answered.path,
            answered.parent is request,
            answered.bound_data is request.bound_data,
            build_response(response, answered)["path"],
        )

    assert probe(run) == (200, "/v1/buckets/b", True, True, "/v1/buckets/b")


def test_lookup_of_uris(app, probe):
    assert probe(lambda r: view_lookup(r, "/buckets/b/collections/c")) == (
        "collection",
        {"bucket_id": "b", "id": "c"},
    )
    assert (
        probe(lambda r: instance_uri(r, "group", bucket_id="b", id="g")) == "/buckets/b/groups/g"
    )

    def unknown(request: Any) -> str:
        with pytest.raises(ValueError, match="/nowhere"):
            view_lookup(request, "/nowhere")
        return "refused"

    assert probe(unknown) == "refused"


# -- helpers of the views ---------------------------------------------------------------


def test_missing_objects_are_404(app, serve):
    def view(request: Any) -> Any:
        if request.params.get("id") == "b":
            return object_exists_or_404(request, "bucket", "b")
        if request.params.get("id") == "a":
            return object_exists_or_404(request, "bucket", "a", parent_id="")
        raise_404_if_invalid_id(request, "bucket", "b")
        return raise_404_if_invalid_id(request, "bucket", "b!")

    serve(view)
    assert app.client.get("/v1/probe?id=b").json["id"] == "b"
    body = app.client.get("/v1/probe?id=a", status=404).json
    assert body["errno"] == ERRORS.MISSING_RESOURCE.value
    assert body["details"] == {"id": "a", "resource_name": "bucket"}
    body = app.client.get("/v1/probe", status=404).json
    assert body["details"] == {"id": "b!", "resource_name": "bucket"}


def test_a_batch_shows_the_body_that_was_put_in_place_of_another(app):
    def view(request: Any) -> dict[str, Any]:
        def replace_body(request: Any, response: Any) -> None:
            response.body = b"no JSON"

        request.add_response_callback(replace_body)
        return {"json": True}

    service = Service(name="replaced", path="/replaced", description="Replaced")
    service.add_view("get", view, permission=NO_PERMISSION_REQUIRED)
    app.config.add_cornice_service(service)
    app.config.commit()

    answer = app.call("post", "/v1/batch", {"requests": [{"path": "/replaced"}]}).json

    assert answer["responses"][0]["body"] == "no JSON"
