"""PUT of objects of one list, about which nobody is asked but the rules of the protocol.

Where no subscriber is told of what is written, no schema checks it, and no plugin has a say, an
item of a batch takes no request and no resource: its object is judged by the functions that
judge any other one, and stored as it was sent.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from pyramid.request import Request

from kinto.core.events import ACTIONS, PERMISSIONS_FIELD, is_listened_to
from kinto.core.exceptions import InvalidParameters
from kinto.core.protocol import json_codec
from kinto.core.protocol.etag import timestamp_headers
from kinto.core.protocol.ids import find_id_mismatch
from kinto.core.protocol.permissions import PermissionChange, changed_permissions
from kinto.core.protocol.preconditions import Outcome, evaluate, parse_preconditions
from kinto.core.resource.model import Model
from kinto.core.resource.resource import Resource
from kinto.core.resource.schema import find_errors
from kinto.core.resource.writing import is_kept, shown_permissions
from kinto.core.storage.protocols import ContextQuery, PlannedPuts
from kinto.core.types import BoundPermission, KintoObject, Permissions, Timestamp


# What else might be done about a PUT.
_hooks = attrgetter(
    "__init__",
    "put",
    "postprocess",
    "default_model",
    "_find_current",
    "_create",
    "_update",
    "_add_timestamp_header",
    "_raise_400_if_invalid_id",
    "_raise_400_if_id_mismatch",
    "_raise_412_if_modified",
)
_ID, _MODIFIED = Model.id_field, Model.modified_field
# Permissions that change, and those that the answer shows.
_Judged = tuple[Permissions, dict[str, list[str]]]
# Not stored with the attributes of an object.
_OWN_FIELDS = frozenset({_ID, _MODIFIED, PERMISSIONS_FIELD})


def is_nobody_asked(resource_class: Any, request: Request) -> bool:
    """Whether a PUT of such an object is nobody's business but the protocol's."""
    name, registry = request.current_resource_name, request.registry
    return (
        _hooks(resource_class) == _hooks(Resource)
        and is_kept(resource_class.process_object, request)
        and not resource_class.child_resource_names
        and not is_listened_to(registry, name, ACTIONS.CREATE)
        and not is_listened_to(registry, name, ACTIONS.UPDATE)
    )


@dataclass(frozen=True, slots=True)
class Sufficient:
    """Permissions of which one is enough.

    :param creating: to create an object of a list.
    :param replacing: to replace, change or delete any of its objects.
    """

    creating: frozenset[BoundPermission]
    replacing: frozenset[BoundPermission]

    def allow(self, granted: frozenset[tuple[str, str]], uri: str, *, is_new: bool) -> bool:
        """Whether a write is certainly permitted; otherwise it has to be found out."""
        if is_new:
            return not granted.isdisjoint(self.creating)
        own = BoundPermission(uri, "write")
        return own in granted or not granted.isdisjoint(self.replacing)


@dataclass(frozen=True, slots=True)
class ListFacts:
    """What is the same for all objects of a list, and for who writes them.

    :param query: about the list.
    :param uri: to which an id is added, as to ``path``.
    :param schema: of bodies.
    :param conditions: headers that count for each item which has none of its own.
    :param headers: of any answer.
    """

    query: ContextQuery
    uri: str
    path: str
    schema: Any
    sufficient: Sufficient
    conditions: Mapping[str, str]
    headers: Mapping[str, str]


class PlainPuts:
    """Puts objects one after the other.

    :param resource: of any object of the list.
    """

    def __init__(self, facts: ListFacts, resource: Any, puts: PlannedPuts) -> None:
        self._facts = facts
        self._puts = puts
        model = resource.model
        self._permission = model.permission
        self._author = model.current_principal if model.explicit_perm else None
        self._is_valid_id = resource.id_generator.match
        # Of a new object that asks for none.
        self._usual_permissions = self._find_permissions({}, None)
        self._replaced: dict[str, Permissions] = {}

    def put(
        self, object_id: str, body: Any, conditions: Mapping[str, str]
    ) -> dict[str, Any] | None:
        """The answer to an item; ``None``, before anything is done, if anything is in doubt."""
        facts = self._facts
        uri = facts.uri + object_id
        found = self._puts.find(object_id, uri)
        if not body or found is None:
            return None
        if not _are_met({**facts.conditions, **conditions}, found.timestamp):
            return None
        is_new = found.timestamp is None
        if not facts.sufficient.allow(found.granted, uri, is_new=is_new):
            return None
        value, errors = find_errors(facts.schema, body)
        data = None if errors else value.get("data")
        if data is None or not self._is_acceptable(data, object_id):
            return None
        new = {name: value for name, value in data.items() if name not in _OWN_FIELDS}
        # It was JSON, in which a batch has nothing that cannot be stored.
        timestamp = self._puts.put(found, json_codec.dumps(new))
        changed, shown = self._judge_permissions(found.permissions, value.get("permissions"))
        if changed:
            self._replaced[uri] = changed
        stored = {**new, _ID: object_id, _MODIFIED: timestamp}
        content = {"permissions": shown, "data": stored}
        return self._answer(object_id, 201 if is_new else 200, content)

    def finish(self) -> None:
        """Have all of it be written."""
        self._puts.send()
        self._permission.replace_objects_permissions(self._replaced)

    def _is_acceptable(self, data: KintoObject, object_id: str) -> bool:
        """Whether an object may be stored; a timestamp that a client chose cannot be foreseen."""
        return (
            _MODIFIED not in data
            and self._is_valid_id(object_id)
            and find_id_mismatch(data, object_id, id_field=_ID) is None
        )

    def _judge_permissions(self, known: Permissions, requested: Any) -> _Judged:
        if not known and not requested:
            return self._usual_permissions
        return self._find_permissions(known, requested)

    def _find_permissions(self, known: Permissions, requested: Any) -> _Judged:
        final = changed_permissions(
            PermissionChange.REPLACE,
            current=known,
            requested=requested,
            current_principal=self._author,
        )
        changed = {name: held for name, held in final.items() if held != known.get(name, set())}
        return changed, shown_permissions(final)

    def _answer(self, object_id: str, status: int, content: dict[str, Any]) -> dict[str, Any]:
        encoded = json_codec.dumps_bytes(content)
        timestamp: int = content["data"][_MODIFIED]
        return {
            "path": self._facts.path + object_id,
            "status": status,
            "headers": {
                **self._facts.headers,
                **timestamp_headers(timestamp),
                "Content-Length": str(len(encoded)),
            },
            "body": json_codec.raw_json(encoded),
        }


def _are_met(conditions: Mapping[str, str], timestamp: int | None) -> bool:
    """Whether the preconditions of a PUT are right, and met.

    :param timestamp: of the object that is replaced.
    """
    if not conditions:
        return True
    try:
        parsed = parse_preconditions(conditions.get("IF_MATCH"), conditions.get("IF_NONE_MATCH"))
    except InvalidParameters:
        return False
    exists = timestamp is not None
    current = None if timestamp is None else Timestamp(timestamp)
    return evaluate(parsed, current=current, exists=exists, is_safe=False) is Outcome.PROCEED
