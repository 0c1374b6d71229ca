"""Batch: several requests in one, in one transaction.

Source: "Batch" of the HTTP API, section 10.
"""

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Annotated, Any, Literal

import colander
import msgspec
import transaction
from pyramid.httpexceptions import HTTPException
from pyramid.request import Request, apply_request_extensions
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED

from kinto.core.exceptions import JSONError
from kinto.core.headers import add_backoff, add_common_headers
from kinto.core.prepared_requests import prepare_request
from kinto.core.protocol.dicts import copy_json, merge_dicts
from kinto.core.protocol.ids import find_list
from kinto.core.protocol.storable import may_hold_nul
from kinto.core.protocol.urls import UndecodableURL, is_plain_path, quote_path
from kinto.core.registry import settings_of
from kinto.core.request_context import BATCH_CONTEXTS, ResourceContext
from kinto.core.request_log import logging_subrequests
from kinto.core.resource.alike import AlikeItem, FirstItem, Kind, find_place
from kinto.core.resource.schema import find_errors
from kinto.core.resource.validation import storable_errors
from kinto.core.service import Service
from kinto.core.storage.exceptions import BackendError, IntegrityError
from kinto.core.stored_context import can_plan, lock_lists
from kinto.core.subrequests import (
    SubrequestBuilder,
    build_raw_response,
    follow_subrequest,
    last_followed,
)
from kinto.core.tweens import SAFE_METHODS, forget_answer
from kinto.core.views.errors import render_exception


_METHODS = ("GET", "HEAD", "DELETE", "TRACE", "POST", "PUT", "PATCH")
_WRITES = frozenset({"DELETE", "POST", "PUT", "PATCH"})
_QUEUE = "resource_events"

_Execute = Callable[[Request, Request], dict[str, Any]]

batch = Service(name="batch", path="/batch", description="Batch operations", tags=["Batch"])


def _validate_headers(node: colander.SchemaNode, value: dict[str, Any]) -> None:
    if not all(isinstance(text, str) for text in value.values()):
        raise colander.Invalid(node, f"{value} contains non string value")


class HeadersSchema(colander.MappingSchema):  # type: ignore[misc]  # colander ships no types
    """Headers by name."""

    validator = staticmethod(_validate_headers)

    @staticmethod
    def schema_type() -> Any:
        """Any header."""
        return colander.Mapping(unknown="preserve")


def _request_node(*, is_path_required: bool = True) -> colander.SchemaNode:
    missing = colander.required if is_path_required else colander.drop
    return colander.SchemaNode(
        colander.Mapping(unknown="raise"),
        colander.SchemaNode(
            colander.String(),
            name="method",
            validator=colander.OneOf(_METHODS),
            missing=colander.drop,
        ),
        colander.SchemaNode(
            colander.String(), name="path", validator=colander.Regex("^/"), missing=missing
        ),
        HeadersSchema(name="headers", missing=colander.drop),
        colander.SchemaNode(
            colander.Mapping(unknown="preserve"), name="body", missing=colander.drop
        ),
    )


def _payload_node() -> colander.SchemaNode:
    defaults = _request_node(is_path_required=False)
    defaults.name, defaults.missing = "defaults", colander.drop
    return colander.SchemaNode(
        colander.Mapping(unknown="raise"),
        defaults,
        colander.SchemaNode(colander.Sequence(), _request_node(), name="requests"),
        name="",
    )


_PAYLOAD = _payload_node()


class _PlainDefaults(msgspec.Struct, forbid_unknown_fields=True):
    """What the schema takes as it is, in the terms of a library that looks at it at once."""

    path: Annotated[str, msgspec.Meta(pattern="^/")] = "/"
    method: Literal[_METHODS] = "GET"  # type: ignore[valid-type]  # known only when it is run
    headers: dict[str, str] = {}
    body: dict[str, Any] = {}


class _PlainItem(_PlainDefaults, forbid_unknown_fields=True, kw_only=True):
    path: Annotated[str, msgspec.Meta(pattern="^/")]


class _PlainBatch(msgspec.Struct, forbid_unknown_fields=True):
    requests: list[_PlainItem]
    defaults: _PlainDefaults | msgspec.UnsetType = msgspec.UNSET


class BatchPayloadSchema(colander.MappingSchema):  # type: ignore[misc]  # colander ships no types
    """Body of a batch, for the OpenAPI document."""

    requests = _PAYLOAD["requests"]
    defaults = _PAYLOAD["defaults"]


def validate_batch(request: Request, **kwargs: Any) -> None:
    """Cornice validator: the whole batch is checked before anything is executed."""
    try:
        body = request.json_body if request.body_bytes else {}
    except JSONError as error:
        request.errors.add("body", "", f"Invalid JSON: {error}")
        request.errors.add("body", "", "Required")
        return
    if not isinstance(body, dict | list):
        request.errors.add("body", "", "Should be a JSON object or an array")
        request.errors.add("body", "", "Required")
        return
    if _is_too_long(request, body):
        return
    _complete(body)
    value: Any = body
    errors: list[Any] = []
    if not _is_plain(body):
        value, errors = find_errors(_PAYLOAD, body)
    if not errors and may_hold_nul(request.body_bytes):
        errors = storable_errors(value)
    for found in errors:
        request.errors.add(found.location, found.name, found.description)
    if request.errors:
        return
    request.validated["body"] = value
    _refuse_bad_paths(request, value["requests"])


def _complete(body: Any) -> None:
    """Fill the requests in with the defaults, where both have the right shape."""
    defaults = body.get("defaults") if isinstance(body, dict) else None
    requests = body.get("requests") if isinstance(body, dict) else None
    if not isinstance(defaults, dict) or not isinstance(requests, list):
        return
    for item in requests:
        if isinstance(item, dict):
            merge_dicts(item, copy_json(defaults))


def _is_plain(body: Any) -> bool:
    """Whether the schema would leave the body as it is, which is nearly always so."""
    try:
        msgspec.convert(body, _PlainBatch)
    except msgspec.ValidationError:
        return False
    return True


def _is_too_long(request: Request, body: Any) -> bool:
    """The cheapest check comes first: items beyond the limit are not even looked at."""
    requests = body.get("requests") if isinstance(body, dict) else None
    limit = settings_of(request).batch.max_requests
    if not limit or not isinstance(requests, list) or len(requests) <= limit:
        return False
    request.errors.add("body", "requests", f"Number of requests is limited to {limit}")
    return True


def _refuse_bad_paths(request: Request, requests: list[dict[str, Any]]) -> None:
    paths = [item["path"] for item in requests]
    if _are_harmless("".join(paths)):
        return
    batch_path = re.compile(rf"(/{request.registry.route_prefix})?/batch/*")
    for index, path in enumerate(paths):
        if batch_path.fullmatch(path.partition("?")[0]):
            description = "Recursive call on /batch endpoint is forbidden."
            request.errors.add("body", "requests", description)
        try:
            quote_path(path)
        except UndecodableURL as error:
            request.errors.add("body", f"requests.{index}.path", str(error))


def _are_harmless(paths: str) -> bool:
    """Whether none of the paths, joined, has anything to be looked at."""
    return "/batch" not in paths and is_plain_path(paths) is not None


@batch.post(
    permission=NO_PERMISSION_REQUIRED,
    validators=(validate_batch,),
    content_type=("application/json",),
    schema=BatchPayloadSchema(),
    operation_id="batch",
)
def post_batch(request: Request) -> dict[str, Any]:
    """Execute each request in turn; each sees what the former ones did."""
    items = request.validated["body"]["requests"]
    request.log_context(batch_size=len(items))
    builder = SubrequestBuilder(request)
    execute = logging_subrequests(_execute)
    is_plain = execute is _execute
    entries = [_Entry(item) for item in items]
    _prepare(request, entries, builder, may_be_alike=is_plain)
    return {"responses": _answer_all(request, entries, builder, execute)}


@dataclass(slots=True)
class _Entry:
    """An item of a batch on its way.

    :param subrequest: ``None`` as long as none had to be made.
    :param first: others may be like it.
    :param alike: it is like a former one.
    """

    item: dict[str, Any]
    subrequest: Request | None = None
    first: FirstItem | None = None
    alike: AlikeItem | None = None


def _answer_all(
    request: Request, entries: list[_Entry], builder: SubrequestBuilder, execute: _Execute
) -> list[dict[str, Any]]:
    answers: list[dict[str, Any]] = []
    alikes = [entry.alike for entry in entries]
    while len(answers) < len(entries):
        alike = alikes[len(answers)]
        if alike is not None:
            plain = alike.first.answer_plain(islice(alikes, len(answers), None))
            answers += plain
            if plain:
                continue
        answers.append(_answer(request, entries[len(answers)], builder, execute))
    return answers


def _answer(
    request: Request, entry: _Entry, builder: SubrequestBuilder, execute: _Execute
) -> dict[str, Any]:
    if entry.alike is not None:
        answer = entry.alike.first.answer(entry.alike)
        if answer is not None:
            return answer
    subrequest = entry.subrequest
    if subrequest is None:
        subrequest = builder.build_from_json(entry.item)
        prepare_request(subrequest)
    answer = execute(request, subrequest)
    if entry.first is not None:
        entry.first.learn(answer)
    return answer


def _prepare(
    request: Request, entries: list[_Entry], builder: SubrequestBuilder, *, may_be_alike: bool
) -> None:
    """Have what the items need to know be read at once, under the locks of lists they write to.

    After a collision with another writer they are executed one by one.
    """
    registry = request.registry
    is_planned = (
        len(entries) > 1 and not request.environ.get("retry.attempt") and can_plan(registry)
    )
    contexts: list[ResourceContext | FirstItem] = []
    if is_planned:
        contexts = _look_at(entries, builder, may_be_alike=may_be_alike)
    first = next((each for each in contexts if isinstance(each, ResourceContext)), None)
    if first is not None and len(contexts) > 1:
        request.bound_data[BATCH_CONTEXTS] = contexts
        _read_ahead(first)
    else:
        _lock_written_lists(request, [entry.item for entry in entries])


def _look_at(
    entries: list[_Entry], builder: SubrequestBuilder, *, may_be_alike: bool
) -> list[ResourceContext | FirstItem]:
    """What the items are about, as far as it may be read ahead."""
    contexts: list[ResourceContext | FirstItem] = []
    firsts: dict[Kind | None, FirstItem | None] = {}
    for entry in entries:
        place = find_place(entry.item) if may_be_alike else None
        kind, object_id = place or (None, "")
        first = firsts.get(kind)
        if first is not None:
            entry.alike = AlikeItem(first, entry.item, object_id)
            first.object_ids.append(object_id)
            continue
        subrequest = entry.subrequest = builder.build_from_json(entry.item)
        context = prepare_request(subrequest)
        if context is not None and _can_read_ahead(context):
            contexts.append(context)
            if kind is not None and kind not in firsts:
                entry.first = firsts[kind] = FirstItem.of(context)
    return contexts + [each for each in firsts.values() if each is not None and each.object_ids]


def _can_read_ahead(context: ResourceContext) -> bool:
    """Whether an item is about an object, or writes: pages of lists are read one by one."""
    method = context.request.method
    return method in _WRITES or (method in SAFE_METHODS and context.object_id is not None)


def _read_ahead(context: ResourceContext) -> None:
    """Have the first item ask before there is a savepoint: to go back to one loses the locks."""
    apply_request_extensions(context.request)
    # A policy that refuses the user does so again, as the answer to the item.
    with suppress(HTTPException):
        context.read_ahead()


def _lock_written_lists(request: Request, items: list[dict[str, Any]]) -> None:
    """Batches that write to the same lists in different orders must not wait for each other.

    A single list is locked by its first write: later, hence not as long.
    """
    prefix = f"/{request.registry.route_prefix}"
    written = {
        find_list(item["path"].removeprefix(prefix))
        for item in items
        if item.get("method") in _WRITES
    }
    keys = [key for key in written if key is not None]
    if len(keys) > 1:
        lock_lists(request.registry.storage, keys, known_only=True)


def _execute(request: Request, subrequest: Request) -> dict[str, Any]:
    queue = request.bound_data.get(_QUEUE)
    marked = queue.mark() if queue is not None else None
    savepoint = transaction.savepoint(optimistic=True)
    try:
        response, subrequest = follow_subrequest(request, subrequest, use_tweens=False)
    except IntegrityError as error:
        response = _undo(request, savepoint, marked, last_followed(subrequest), error)
    except BackendError:
        raise
    except HTTPException as error:
        response = _undo(request, savepoint, marked, last_followed(subrequest), error)
    else:
        add_common_headers(subrequest, response)
    executed = last_followed(subrequest)
    item = build_raw_response(response, executed)
    forget_answer(executed)
    return item


def _undo(
    request: Request, savepoint: Any, marked: Any, subrequest: Request, error: Exception
) -> Response:
    """A refused item leaves the others as they are."""
    savepoint.rollback()
    if marked is None:
        request.bound_data.pop(_QUEUE, None)
    else:
        request.bound_data[_QUEUE] = marked
    response = render_exception(subrequest, error)
    add_backoff(response, settings_of(request).backoff)
    return response
