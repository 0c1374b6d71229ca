"""The operations of a service: one for each method that it has."""

from collections.abc import Iterator
from typing import Any

from pyramid.security import NO_PERMISSION_REQUIRED

from kinto.core.openapi.colander_schema import JSONSchema, Node, json_schema
from kinto.core.openapi.parameters import (
    FIELDS,
    LIST_QUERY,
    PRECONDITIONS,
    RESPONSE_BEHAVIOR,
    Parameter,
    body_parameter,
    parameters_of_schema,
)
from kinto.core.openapi.responses import (
    ANY_OBJECT,
    Responses,
    object_responses,
    plural_responses,
    service_responses,
)


# Any, throughout: cornice ships no types, and arguments of views are whatever plugins give.
Service = Any
Arguments = dict[str, Any]
Operation = dict[str, Any]

_VERBS = {"get": "get", "post": "create", "put": "update", "patch": "patch", "delete": "delete"}
_JSON = "application/json"
_LOCATIONS = {"body", "querystring", "path", "header", "headers", "cookies"}
# Its documents are arrays: OpenAPI 2.0 has one schema for all content types of a body.
_JSON_PATCH = "application/json-patch+json"


def operations(service: Service) -> Iterator[tuple[str, Operation]]:
    """Methods of a service, in lower case, with their descriptions.

    Whether credentials are needed is told by ``security``: none are if it is there, and empty.
    """
    for method, _, arguments in service.definitions:
        method = method.lower()
        if method not in _VERBS:
            continue
        if hasattr(service, "viewset"):
            yield method, _resource_operation(service, method, arguments)
        else:
            yield method, _service_operation(service, method, arguments)


def _resource_operation(service: Service, method: str, arguments: Arguments) -> Operation:
    name = service.viewset.get_name(service.resource)
    is_plural = service.type == "plural"
    is_of_many = is_plural and method != "post"
    operation_id = f"{_VERBS[method]}_{name}{'s' if is_of_many else ''}"
    parameters, responses = _resource_description(service, method)
    return _operation(
        arguments,
        operation_id=arguments.get("operation_id", operation_id),
        tags=arguments.get("tags") or getattr(service, "tags", None) or [f"{name.capitalize()}s"],
        parameters=parameters,
        responses=responses,
    )


def _resource_description(service: Service, method: str) -> tuple[list[Parameter], Responses]:
    body = _body_schema(service, method)
    answer = _answer_schema(service, method)
    preconditions = list(PRECONDITIONS)
    if service.type == "plural":
        responses = plural_responses(method, answer)
        if method == "post":
            return [body_parameter("ObjectSchema", body), *preconditions], responses
        fields = [FIELDS] if method == "get" else []
        return [*LIST_QUERY, *fields, *preconditions], responses
    responses = object_responses(method, answer)
    if method == "get":
        return [FIELDS, *preconditions], responses
    if method == "put":
        return [body_parameter("ObjectSchema", body), *preconditions], responses
    if method == "patch":
        behavior = RESPONSE_BEHAVIOR
        return [*preconditions, behavior, body_parameter("ObjectSchema", body)], responses
    return preconditions, responses


def _body_schema(service: Service, method: str) -> JSONSchema:
    """What a body can hold. The attributes of a PATCH are checked once it is merged."""
    schema = json_schema(service.viewset.get_object_schema(service.resource, method))
    if method == "patch":
        schema.pop("required", None)
        schema["properties"]["data"] = _any_data(schema)
    if permissions := schema["properties"].get("permissions"):
        # The node refuses unknown names by itself.
        permissions["additionalProperties"] = False
    return schema


def _answer_schema(service: Service, method: str) -> JSONSchema:
    """The object of an answer: partial with ``_fields``, and never with its secrets.

    Kinds that clients cannot write have every attribute that their schema requires.
    """
    node = service.viewset.get_object_schema(service.resource, method)
    is_writable = bool({"POST", "PUT"} & _methods(service.viewset))
    schema = json_schema(node, with_required=not is_writable, refuses_unknown=False)
    schema["title"] = "ObjectSchema"
    schema.pop("required", None)
    if method in ("patch", "delete"):
        schema["properties"]["data"] = _any_data(schema)
    return schema


def _methods(viewset: Any) -> set[str]:
    methods = {*viewset.plural_methods}
    if viewset.object_path is not None:
        methods |= {*viewset.object_methods}
    return {method.upper() for method in methods}


def _any_data(schema: JSONSchema) -> JSONSchema:
    return {**ANY_OBJECT, "title": schema["properties"]["data"].get("title", "Data")}


def _service_operation(service: Service, method: str, arguments: Arguments) -> Operation:
    operation_id = arguments.get("operation_id", f"{_VERBS[method]}_{service.name}")
    return _operation(
        arguments,
        operation_id=operation_id,
        tags=arguments.get("tags")
        or getattr(service, "tags", None)
        or [service.name.capitalize()],
        parameters=_service_parameters(arguments.get("schema")),
        responses=service_responses(operation_id, arguments.get("response_schemas")),
    )


def _service_parameters(schema: Node) -> list[Parameter]:
    if schema is None:
        return []
    node = schema() if isinstance(schema, type) else schema
    if {child.name for child in node.children} <= _LOCATIONS:
        return parameters_of_schema(node)
    return [body_parameter(type(node).__name__, json_schema(node))]


def _operation(
    arguments: Arguments,
    *,
    operation_id: str,
    tags: list[str],
    parameters: list[Parameter],
    responses: Responses,
) -> Operation:
    operation: Operation = {
        "operationId": operation_id,
        "tags": list(tags),
        "produces": [_JSON],
        "responses": responses,
    }
    if any(parameter["in"] == "body" for parameter in parameters):
        operation["consumes"] = _content_types(arguments)
    if parameters:
        operation["parameters"] = parameters
    security = arguments.get("api_security")
    if security is None and arguments.get("permission") in (None, NO_PERMISSION_REQUIRED):
        security = []
    if security is not None:
        operation["security"] = security
    return operation


def _content_types(arguments: Arguments) -> list[str]:
    given = arguments.get("content_type") or ()
    types = [given] if isinstance(given, str) else list(given)
    return [each for each in types if each != _JSON_PATCH] or [_JSON]
