"""Items of a batch that are like a former one: they do the same to another object of its list.

What they have in common is found out once: the route, the view, who asks, which permissions are
enough, which headers every answer has. Each is then judged and stored by the method of the
resource, with a request of its own. Where anything about an item is in doubt it is executed like
any other one: so is whatever is refused, and whatever was not foreseen.
"""

from __future__ import annotations  # the classes name each other

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from pyramid.httpexceptions import HTTPException
from pyramid.interfaces import IAuthorizationPolicy, ISecurityPolicy
from pyramid.request import Request

from kinto.authorization import AuthorizationPolicy, RouteFactory
from kinto.core.cors import validate_origin
from kinto.core.endpoint import is_answered_here, is_rendering_plain
from kinto.core.prepared_requests import execute_prepared, has_onlookers
from kinto.core.protocol import json_codec
from kinto.core.protocol.urls import is_plain_path
from kinto.core.request_context import Address, ResourceContext
from kinto.core.resource.model import Model
from kinto.core.resource.plain_puts import (
    ListFacts,
    PlainPuts,
    Sufficient,
    is_nobody_asked,
)
from kinto.core.resource.validation import validate_patch_request, validate_resource_request
from kinto.core.response import LightResponse
from kinto.core.security_policy import IDENTITY_ATTRIBUTES, SecurityPolicy
from kinto.core.storage.protocols import ContextQuery
from kinto.core.tweens import forget_answer


_METHODS = frozenset({"PUT", "PATCH", "DELETE"})
# What differs from item to item without making them different.
_CONDITIONS = frozenset({"IF_MATCH", "IF_NONE_MATCH"})
# Of the attributes of a request, those that are the same for all.
_SHARED = (
    *IDENTITY_ATTRIBUTES,
    "bound_data",
    "core_settings",
    "current_resource_name",
    "current_service",
    "matched_route",
    "parent",
    "prefixed_principals",
    "registry",
)


# What items have in common that may be alike: the method, the path of the list, the headers
# without the conditions.
Kind = tuple[str, str, frozenset[tuple[str, str]]]
_VALIDATORS = (validate_resource_request, validate_patch_request)
_NO_HEADERS: frozenset[tuple[str, str]] = frozenset()


def find_place(item: Mapping[str, Any]) -> tuple[Kind, str] | None:
    """Kind of an item that may be like others, with the id of its object."""
    path, method = item["path"], item.get("method")
    if method not in _METHODS or not is_plain_path(path):
        return None
    list_path, _, object_id = path.rpartition("/")
    headers = item.get("headers")
    return (method, list_path, _kept_headers(headers) if headers else _NO_HEADERS), object_id


def _kept_headers(headers: Mapping[str, str]) -> frozenset[tuple[str, str]]:
    return frozenset(
        (variable, value)
        for name, value in headers.items()
        if (variable := _variable(name)) not in _CONDITIONS
    )


def _variable(header: str) -> str:
    return header.upper().replace("-", "_")


@dataclass(slots=True)
class AlikeItem:
    """An item that is like a former one."""

    first: FirstItem
    item: Mapping[str, Any]
    object_id: str


class FirstItem:
    """The item that others are like; it is executed like any other one.

    :param context: of its request.
    :ivar object_ids: what the others are about.
    """

    def __init__(self, context: ResourceContext) -> None:
        self._context = context
        self.writes = context.writes
        self.object_ids: list[str] = []
        self._request: Request = context.request
        self._resource_class = context.service.resource
        # The origin is the same for all.
        _, self._validate = _validators(context)
        self._address = context.address()
        object_id, object_uri = self._address.object_id, self._address.object_uri
        assert object_id is not None
        assert object_uri is not None
        self._list_uri = object_uri.removesuffix(object_id)
        self._path = self._request.environ["PATH_INFO"].removesuffix(object_id)
        self._above = self._address.uris[:-1]
        # Found out when it has been executed.
        self._model: Model | None = None
        self._shared: dict[str, Any] | None = None
        self._headers: dict[str, str] = {}
        self._sufficient = Sufficient(frozenset(), frozenset())
        # Where no requests have to be made for the others.
        self._facts: ListFacts | None = None

    @classmethod
    def of(cls, context: ResourceContext | None) -> FirstItem | None:
        """What further items may be like; ``None`` where each has to be looked at by itself.

        That is so where somebody else has a say: in sub-classes and policies of plugins,
        whose methods may read more of a request; where requests are watched.
        """
        if context is None or not _is_plain(context):
            return None
        address = context.address()
        is_usual = address.object_id and address.object_uri and address.owner
        return cls(context) if is_usual else None

    def query(self, userid: str | None, principals: tuple[str, ...]) -> ContextQuery:
        """What has to be known about the others, as a context tells of its request."""
        others = tuple([(each, self._list_uri + each) for each in self.object_ids])
        return self._context.query(userid, principals)._replace(others=others)

    def address(self, object_id: str) -> Address:
        """That of an object in the list."""
        uri, common = self._list_uri + object_id, self._address
        uris = (*self._above, uri)
        return Address(uris, common.target, object_id, uri, common.owner, common.consulted)

    def learn(self, answer: Mapping[str, Any]) -> None:
        """Remember what is the same for all, when the first one has been executed."""
        if answer["status"] not in (200, 201):
            return
        attributes = self._request.__dict__
        if "prefixed_principals" not in attributes:
            return
        self._shared = {name: attributes[name] for name in _SHARED if name in attributes}
        self._headers = dict(answer["headers"])
        self._sufficient = self._find_sufficient()
        asked = self._context.asked
        is_put = self._request.method == "PUT"
        if is_put and asked is not None and is_nobody_asked(self._resource_class, self._request):
            self._facts = self._find_facts(asked)

    def _find_sufficient(self) -> Sufficient:
        """What it takes: see :meth:`ResourceContext.required_permission`."""
        policy = self._request.registry.queryUtility(IAuthorizationPolicy)
        creation = f"{self._address.target.resource_name}:create"
        parent = self._list_uri.rstrip("/").rpartition("/")[0]
        anything = policy.get_bound_permissions(f"{self._list_uri}any", "write")
        return Sufficient(
            creating=frozenset(policy.get_bound_permissions(parent, creation)),
            replacing=frozenset(pair for pair in anything if pair[0] in self._above),
        )

    def _find_facts(self, asked: ContextQuery) -> ListFacts:
        return ListFacts(
            asked._replace(uris=self._above, object_id=None, object_uri=None, consulted=None),
            uri=self._list_uri,
            path=self._path,
            schema=self._validate.keywords["body_schema"],
            sufficient=self._sufficient,
            conditions=_inherited_conditions(self._request),
            headers=self._headers,
        )

    def answer_plain(self, alikes: Iterable[AlikeItem | None]) -> list[dict[str, Any]]:
        """Execute items up to the first one that takes a request, or is like no item or another.

        :returns: their answers.
        """
        answers: list[dict[str, Any]] = []
        facts, storage = self._facts, self._request.registry.storage
        puts = None if facts is None else storage.plan_puts(facts.query)
        if facts is None or puts is None:
            return answers
        resource = self._resource_class(self._request, context=self._context.root)
        plain = PlainPuts(facts, resource, puts)
        for alike in alikes:
            if alike is None or alike.first is not self:
                break
            answer = plain.put(alike.object_id, alike.item.get("body"), _conditions(alike.item))
            if answer is None:
                break
            answers.append(answer)
        plain.finish()
        return answers

    def answer(self, alike: AlikeItem) -> dict[str, Any] | None:
        """Execute an item; ``None`` when it has to be executed like any other one."""
        if self._shared is None:
            return None
        request = self._make_request(alike)
        root = request.__dict__["context"] = request.__dict__["root"] = RouteFactory(request)
        try:
            return self._execute(request, root)
        except HTTPException:
            # Nothing is written before everything is known to be right.
            return None
        finally:
            forget_answer(request)

    def _model_for(self, resource: Any) -> Model:
        """The objects of the list; nothing about them depends on the item."""
        if self._model is None:
            self._model = resource.model
            self._model.get_permission_object_id = self._list_uri.__add__
        self._model.conditions = {"owner": self._address.owner}
        self._model.known_permissions = None
        return self._model

    def _make_request(self, alike: AlikeItem) -> Request:
        first, item = self._request, alike.item
        environ = {**first.environ, "PATH_INFO": self._path + alike.object_id}
        # Its other headers are those of the first one.
        conditions = {**_inherited_conditions(first), **_conditions(item)}
        for name in _CONDITIONS:
            environ.pop(f"HTTP_{name}", None)
            if name in conditions:
                environ[f"HTTP_{name}"] = conditions[name]
        body = item.get("body")
        payload = json_codec.dumps_bytes(body) if body else b""
        environ["wsgi.input"], environ["CONTENT_LENGTH"] = BytesIO(payload), str(len(payload))
        request = type(first)(environ)
        request.__dict__.update(
            self._shared,
            matchdict={**first.matchdict, "id": alike.object_id},
            json_body=body,
            body_bytes=payload,
            response=LightResponse(),
        )
        return request

    def _execute(self, request: Request, root: RouteFactory) -> dict[str, Any] | None:
        context = root.resource_context
        assert context is not None
        address = self.address(request.matchdict["id"])
        if not context.take_planned(address):
            return None
        stored, is_new = context.stored, context.stored.obj is None
        if is_new and request.method != "PUT":
            return None
        if not self._sufficient.allow(stored.granted, str(address.object_uri), is_new=is_new):
            return None
        self._validate(request)
        if request.__dict__.get("errors") or _has_timestamp(request.validated["body"]):
            return None
        resource = self._resource_class(request, context=root)
        resource.model = self._model_for(resource)
        body = getattr(resource, request.method.lower())()
        content = json_codec.dumps_bytes(body)
        response = request.response
        headers = {**self._headers, **dict(response.headerlist)}
        headers["Content-Type"] = self._headers["Content-Type"]
        headers["Content-Length"] = str(len(content))
        return {
            "path": request.environ["PATH_INFO"],
            "status": response.status_code,
            "headers": headers,
            "body": json_codec.raw_json(content),
        }


def _is_plain(context: ResourceContext) -> bool:
    request, resource_class = context.request, context.service.resource
    registry = request.registry
    security = registry.queryUtility(ISecurityPolicy)
    return (
        # Each class has to say so for itself.
        bool(vars(resource_class).get("has_alike_items"))
        and request.method in _METHODS
        and context.service.type == "object"
        and type(context.root) is RouteFactory
        and type(registry.queryUtility(IAuthorizationPolicy)) is AuthorizationPolicy
        and isinstance(security, SecurityPolicy)
        and security.may_share
        and _are_known(_validators(context))
        # Nobody measures, listens to the router, or renders.
        and registry.execute_prepared is execute_prepared
        and not has_onlookers(registry)
        and is_rendering_plain(registry)
        and is_answered_here(request)
    )


def _validators(context: ResourceContext) -> Sequence[Any]:
    """What looks at such a request before the resource does."""
    for method, _, arguments in context.service.definitions:
        if method == context.request.method:
            found: Sequence[Any] = arguments.get("validators", ())
            return found
    return ()


def _are_known(validators: Sequence[Any]) -> bool:
    if len(validators) != 2 or validators[0] is not validate_origin:
        return False
    return getattr(validators[1], "func", None) in _VALIDATORS


def _inherited_conditions(request: Request) -> dict[str, str]:
    """Those of the batch, which count for each item that has none of its own."""
    environ = request.parent.environ
    return {name: environ[f"HTTP_{name}"] for name in _CONDITIONS if f"HTTP_{name}" in environ}


def _conditions(item: Mapping[str, Any]) -> dict[str, str]:
    """Those of an item."""
    headers = item.get("headers")
    if not headers:
        return {}
    given = {_variable(name): value for name, value in headers.items()}
    return {name: given[name] for name in _CONDITIONS if name in given}


def _has_timestamp(body: Any) -> bool:
    """Whether the client chose the timestamp, which is no matter of planning."""
    return "last_modified" in (body.get("data") or ())
