"""The helpers that plugins import from here; each lives in the module named after its subject."""

from importlib import import_module
from typing import Any

from cornice.util import current_service
from pyramid.interfaces import IRoutesMapper
from pyramid.request import Request
from pyramid.response import Response
from pyramid.settings import aslist

from kinto.core.authentication import prefixed_principals, prefixed_userid
from kinto.core.cors import apply_cors
from kinto.core.decorators import safe_wraps
from kinto.core.protocol import json_codec
from kinto.core.protocol.clock import msec_time
from kinto.core.protocol.comparison import COMPARISON
from kinto.core.protocol.crypto import decode64, encode64, hmac_digest, random_bytes_hex
from kinto.core.protocol.dicts import (
    dict_merge,
    dict_subset,
    find_nested_value,
    merge_dicts,
    recursive_update_dict,
)
from kinto.core.protocol.json_patch import apply_json_patch as _apply_json_patch
from kinto.core.protocol.text import native_value
from kinto.core.response import header_names
from kinto.core.routing import (
    instance_uri,
    strip_uri_prefix,
    view_lookup,
    view_lookup_registry,
)
from kinto.core.settings import read_env
from kinto.core.subrequests import build_request, build_response, follow_subrequest
from kinto.core.types import KintoObject, Permissions


# Packages of extras by the names that plugins have for them. They weigh megabytes, and most
# servers use none or one of them: each is imported when it is asked for.
_OPTIONAL_MODULES = {"sqlalchemy": "sqlalchemy", "memcache": "pymemcache", "redis": "redis"}


def __getattr__(name: str) -> Any:  # a module; `None` when it is not installed
    if name not in _OPTIONAL_MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        module: Any = import_module(_OPTIONAL_MODULES[name])
    except ImportError:
        module = None
    globals()[name] = module
    return module


__all__ = [
    "COMPARISON",
    "IRoutesMapper",
    "apply_json_patch",
    "aslist",
    "build_request",
    "build_response",
    "classname",
    "current_resource_name",
    "current_service",
    "decode64",
    "dict_merge",
    "dict_subset",
    "encode64",
    "find_nested_value",
    "follow_subrequest",
    "hmac_digest",
    "instance_uri",
    "json",
    "log_context",
    "merge_dicts",
    "msec_time",
    "native_value",
    "prefixed_principals",
    "prefixed_userid",
    "random_bytes_hex",
    "read_env",
    "reapply_cors",
    "recursive_update_dict",
    "safe_wraps",
    "strip_uri_prefix",
    "strip_whitespace",
    "view_lookup",
    "view_lookup_registry",
]


class json:  # noqa: N801 # name fixed by the extension API
    """JSON as this server reads and writes it."""

    @staticmethod
    def dumps(value: Any, *, bytes_mode: Any = None, sort_keys: bool = False) -> str:
        """The text of a value.

        :raises TypeError: something that JSON does not know, bytes among others.
        """
        json_codec.dumps_storable(value)
        return json_codec.dumps(value, sort_keys=sort_keys)

    @staticmethod
    def loads(text: str | bytes) -> Any:
        """The value of a text."""
        return json_codec.loads(text)


def classname(obj: object) -> str:
    """Name of the class of an object, in lower case."""
    return type(obj).__name__.lower()


def strip_whitespace(value: str) -> str:
    """A text without blanks around it."""
    return value.strip()


def current_resource_name(request: Request) -> str:
    """Name of the resource of the route."""
    name: str = request.current_resource_name
    return name


def log_context(request: Request, **kwargs: Any) -> dict[str, Any]:
    """Add fields to the summary line of the request; ``None`` values are left out."""
    context: dict[str, Any] = request.log_context(**kwargs)
    return context


def reapply_cors(request: Request, response: Response) -> Response:
    """The response, with the CORS headers that another one in its place would have had."""
    apply_cors(request, response, header_names(response))
    return response


def apply_json_patch(obj: KintoObject, ops: list[dict[str, Any]]) -> dict[str, Any]:
    """Attributes and permissions after a patch, as ``{"data", "permissions"}``.

    :raises ValueError: the patch cannot be applied.
    """
    data = {**obj}
    permissions: Permissions = {k: set(v) for k, v in data.pop("__permissions__", {}).items()}
    new, changed = _apply_json_patch(data, permissions, ops)
    return {"data": new, "permissions": {name: sorted(changed[name]) for name in changed}}
