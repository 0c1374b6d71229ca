"""The limit as a Pyramid application: routes, views, responses, no tween, renderer or policy."""

from typing import Any

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response

from benchmarks import limit_operations as operations


def _respond(answer: operations.Answer) -> Response:
    status, _headers, body = answer
    headers = operations.as_headers(answer)
    if status == 304:
        return Response(status=304, headerlist=headers)
    return Response(status=status, headerlist=headers, body=body)


def _user(request: Request) -> str | None:
    return operations.find_user(request.headers.get("Authorization"))


def hello(request: Request) -> Response:
    """GET /"""
    return _respond(operations.hello(_user(request)))


def batch(request: Request) -> Response:
    """POST /batch"""
    return _respond(operations.batch(_user(request), request.body))


def record(request: Request) -> Response:
    """Of one record."""
    match = request.matchdict
    where = (_user(request), match["bucket"], match["collection"], match["id"])
    if request.method in ("GET", "HEAD"):
        etag = request.headers.get("If-None-Match")
        return _respond(operations.get_record(*where, etag))
    if request.method == "DELETE":
        return _respond(operations.delete_record(*where))
    return _respond(operations.write_record(*where, request.body, method=request.method))


def records(request: Request) -> Response:
    """Of a list of records."""
    where = (_user(request), request.matchdict["bucket"], request.matchdict["collection"])
    if request.method == "POST":
        return _respond(operations.post_record(*where, request.body))
    etag = request.headers.get("If-None-Match")
    return _respond(operations.list_records(*where, request.query_string, etag))


def container(request: Request) -> Response:
    """PUT of a bucket, a group, a collection."""
    uri = "/" + "/".join(request.matchdict["rest"])
    return _respond(operations.put_container(_user(request), uri, request.body))


def main() -> Any:
    """The WSGI application."""
    config = Configurator()
    collection = "/v1/buckets/{bucket}/collections/{collection}"
    for name, pattern, view in (
        ("hello", "/v1/", hello),
        ("batch", "/v1/batch", batch),
        ("records", f"{collection}/records", records),
        ("record", f"{collection}/records/{{id}}", record),
        ("container", "/v1/*rest", container),
    ):
        config.add_route(name, pattern)
        config.add_view(view, route_name=name)
    return config.make_wsgi_app()


application = main()
