"""Endpoints of buckets, collections, groups, records."""

import secrets
import string

from pyramid.request import Request

from kinto.core.errors import ERRORS, not_found
from kinto.core.storage import generators
from kinto.core.storage.exceptions import ObjectNotFoundError
from kinto.core.types import KintoObject


_ALPHANUMERIC = string.ascii_letters + string.digits
_NAME_LENGTH = 8


class NameGenerator(generators.Generator):
    """Short ids, fit for URLs, of buckets, collections and groups."""

    def __call__(self) -> str:
        """Eight characters, of which the first is a letter or a digit."""
        others = [secrets.choice(_ALPHANUMERIC + "-_") for _ in range(_NAME_LENGTH - 1)]
        return secrets.choice(_ALPHANUMERIC) + "".join(others)


class RelaxedUUID(generators.UUID4):
    """Makes UUIDs, accepts any well-formed id."""

    regexp = generators.Generator.regexp


def object_exists_or_404(
    request: Request, resource_name: str, object_id: str, parent_id: str = ""
) -> KintoObject:
    """The stored object.

    :raises HTTPNotFound: with errno 111, as for a parent that is missing.
    """
    try:
        found: KintoObject = request.registry.storage.get(
            resource_name=resource_name, parent_id=parent_id, object_id=object_id
        )
    except ObjectNotFoundError:
        raise not_found(resource_name, object_id, errno=ERRORS.MISSING_RESOURCE)
    return found


def raise_404_if_invalid_id(request: Request, resource_name: str, object_id: str) -> None:
    """Refuse an id that no object of the kind can have.

    :raises HTTPNotFound: with errno 111.
    """
    generators_by_name = request.registry.id_generators
    generator = generators_by_name.get(resource_name) or generators_by_name[""]
    if not generator.match(object_id):
        raise not_found(resource_name, object_id, errno=ERRORS.MISSING_RESOURCE)
