"""What requests can be given besides their body: parameters of paths, queries, headers.

Source: "OpenAPI" of the HTTP API, section 15.
"""

import re
from typing import Any

from kinto.core.openapi.colander_schema import JSONSchema, Node, json_schema
from kinto.core.schema import MAX_QUERY_INTEGER


# A parameter, as the document has it.
Parameter = dict[str, Any]

ETAG_PATTERN = r'^"([0-9]+?)"$|\*'
# A name in the pattern of a route, maybe with the expression that it has to match.
_PLACEHOLDER = re.compile(r"\{(?P<name>\w+)(?::(?P<expression>(?:[^{}]|\{[^{}]*\})*))?\}")
_DIGITS = re.compile(r"\\d\+|\[0-9\]\+")
_IN = {"querystring": "query", "header": "header", "headers": "header", "path": "path"}


def _integer(name: str) -> Parameter:
    bounds = {"minimum": 0, "maximum": MAX_QUERY_INTEGER}
    return {"name": name, "in": "query", "required": False, "type": "integer", **bounds}


def _text(name: str) -> Parameter:
    return {"name": name, "in": "query", "required": False, "type": "string"}


def _texts(name: str) -> Parameter:
    items = {"type": "string"}
    return {"name": name, "in": "query", "required": False, "type": "array", "items": items}


def _header(name: str, **constraints: Any) -> Parameter:
    return {"name": name, "in": "header", "required": False, "type": "string", **constraints}


PRECONDITIONS = (
    _header("If-Match", pattern=ETAG_PATTERN),
    _header("If-None-Match", pattern=ETAG_PATTERN),
)
RESPONSE_BEHAVIOR = _header("Response-Behavior", enum=["full", "light", "diff"])
FIELDS = _texts("_fields")
LIST_QUERY = (
    _integer("_limit"),
    _texts("_sort"),
    _text("_token"),
    _integer("_since"),
    _integer("_to"),
    _integer("_before"),
    _text("id"),
    _integer("last_modified"),
)


def plain_path(pattern: str) -> str:
    """The pattern of a route without the expressions that its names have to match."""
    return _PLACEHOLDER.sub(r"{\g<name>}", pattern)


def path_parameters(pattern: str) -> list[Parameter]:
    """The names in the pattern of a route; whole numbers where only digits match."""
    return [
        {"name": found["name"], "in": "path", "required": True, "type": _type_of(found)}
        for found in _PLACEHOLDER.finditer(pattern)
    ]


def _type_of(placeholder: re.Match[str]) -> str:
    return "integer" if _DIGITS.fullmatch(placeholder["expression"] or "") else "string"


def body_parameter(title: str, schema: JSONSchema) -> Parameter:
    """The body of a request."""
    schema = {**schema, "title": title}
    return {"name": title, "in": "body", "required": True, "schema": schema}


def parameters_of_schema(node: Node) -> list[Parameter]:
    """Parameters of a plain service, from the schema that validates its requests."""
    found = []
    for location in node.children:
        if location.name in _IN:
            found += [_parameter(child, _IN[location.name]) for child in location.children]
        elif location.name == "body":
            found.append(body_parameter(type(location).__name__, json_schema(location)))
    return found


def _parameter(node: Node, location: str) -> Parameter:
    # Outside of bodies there are no schemas, but their keywords, among those of the parameter.
    schema = json_schema(node)
    schema.pop("title", None)
    schema.setdefault("type", "string")
    required = bool(node.required) or location == "path"
    return {"name": node.name, "in": location, "required": required, **schema}
