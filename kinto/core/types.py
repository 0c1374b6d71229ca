"""Types shared by every layer."""

from typing import Any, NamedTuple, NewType

from pyramid.config import Configurator as PyramidConfigurator
from pyramid.registry import Registry as PyramidRegistry
from pyramid.request import Request as PyramidRequest


# JSON is dynamically typed: values are whatever `json.loads` gives.
JSONValue = Any
KintoObject = dict[str, Any]
Timestamp = NewType("Timestamp", int)
Principal = str
# Permission name -> principals that hold it, for one object.
Permissions = dict[str, set[Principal]]


class ListKey(NamedTuple):
    """A set of sibling objects, with one current timestamp."""

    resource_name: str
    parent_id: str


class ObjectKey(NamedTuple):
    """Where one object is stored."""

    resource_name: str
    parent_id: str
    object_id: str


class BoundPermission(NamedTuple):
    """A permission on one object, given by its URI (no version prefix)."""

    object_uri: str
    permission: str


class ObjectEntries(NamedTuple):
    """Access control entries of one object, given by its URI (no version prefix)."""

    object_uri: str
    permissions: Permissions


class Registry(PyramidRegistry):  # type: ignore[misc]  # Pyramid ships no types
    """A Pyramid registry with the backends and settings of this application."""


class Request(PyramidRequest):  # type: ignore[misc]  # Pyramid ships no types
    """A Pyramid request with the properties that this application adds."""


class Configurator(PyramidConfigurator):  # type: ignore[misc]  # Pyramid ships no types
    """A Pyramid configurator with the directives that this application adds."""
