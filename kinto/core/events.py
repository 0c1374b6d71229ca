"""Events sent to subscribers when objects are read or changed.

They are queued while a request is executed, merged, and delivered at its end: before the
commit (``ResourceRead``, ``ResourceChanged``), then after it (``After…``).
Source: "Events" of the extension API.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import Enum
from typing import Any, ClassVar

import structlog
import transaction
from pyramid.config import Configurator
from pyramid.registry import Registry
from pyramid.request import Request
from pyramid.response import Response
from pyramid.tweens import EXCVIEW, MAIN
from zope.interface import implementedBy

from kinto.core.deprecation import deprecated_name
from kinto.core.registry import ask_once
from kinto.core.types import KintoObject


log = structlog.get_logger(__name__)

PERMISSIONS_FIELD = "__permissions__"
_QUEUE = "resource_events"


class ACTIONS(Enum):
    """What happened to the objects of an event."""

    CREATE = "create"
    DELETE = "delete"
    READ = "read"
    UPDATE = "update"

    # There is one of each, so identity tells them apart: sets and dictionaries of them are asked
    # several times in a request, and `Enum` would take two calls for it.
    __hash__ = object.__hash__

    @staticmethod
    def from_string_list(elements: "Iterable[ACTIONS | str]") -> "tuple[ACTIONS, ...]":
        """Members for texts or members.

        :raises ValueError: a text is no action.
        """
        return tuple(ACTIONS(element) for element in elements)


class _ResourceEvent:
    """An event about objects of one list.

    :param payload: ``timestamp``, ``action``, ``uri``, ``user_id``, ``resource_name`` and the
        ids of the URL.
    """

    _objects: ClassVar[str]

    def __init__(self, payload: dict[str, Any] | None, request: Request | None) -> None:
        self.payload = payload
        self.request = request

    def __repr__(self) -> str:
        payload = self.payload or {}
        return f"<{type(self).__name__} action={payload.get('action')} uri={payload.get('uri')}>"


class _ReadEvent(_ResourceEvent):
    _objects = "read_objects"

    def __init__(
        self,
        payload: dict[str, Any] | None,
        read_objects: list[KintoObject],
        request: Request | None,
    ) -> None:
        super().__init__(payload, request)
        self.read_objects = read_objects

    @property
    def read_records(self) -> list[KintoObject]:
        deprecated_name("read_records", "read_objects")
        return self.read_objects


class _ChangeEvent(_ResourceEvent):
    _objects = "impacted_objects"

    def __init__(
        self,
        payload: dict[str, Any] | None,
        impacted_objects: list[dict[str, KintoObject]],
        request: Request | None,
    ) -> None:
        super().__init__(payload, request)
        self.impacted_objects = impacted_objects

    @property
    def impacted_records(self) -> list[dict[str, KintoObject]]:
        deprecated_name("impacted_records", "impacted_objects")
        return self.impacted_objects


class ResourceRead(_ReadEvent):
    """Objects are being read; sent before the answer."""


class ResourceChanged(_ChangeEvent):
    """Objects are being changed; sent inside the transaction."""


class AfterResourceRead(_ReadEvent):
    """Objects were read; sent after a successful commit."""


class AfterResourceChanged(_ChangeEvent):
    """Objects were changed; sent after a successful commit."""


_AFTER: dict[type[_ResourceEvent], type[_ResourceEvent]] = {
    ResourceRead: AfterResourceRead,
    ResourceChanged: AfterResourceChanged,
}
# What Zope looks subscribers up by.
_REQUIRED = {cls: (implementedBy(cls),) for pair in _AFTER.items() for cls in pair}
_EventKey = tuple[Any, ...]


class EventQueue:
    """Events of a request with its sub-requests, merged by resource, parent and action."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[_EventKey, _ResourceEvent] = OrderedDict()
        self._delivered: list[tuple[_EventKey, _ResourceEvent]] = []
        self._level = 1

    def add(self, key: _EventKey, event: _ResourceEvent) -> None:
        """Queue ``event``, or append its objects to the one of the same key that waits."""
        _merge(self._waiting, (self._level, *key), event)

    def deliver(self) -> Iterator[_ResourceEvent]:
        """Each waiting event in turn, those queued meanwhile (of the second level) included."""
        self._level = 2
        while self._waiting:
            key, event = self._waiting.popitem(last=False)
            self._delivered.append((key[1:], event))
            yield event

    def delivered(self) -> Iterator[_ResourceEvent]:
        """The events for after the commit, now merged across levels."""
        merged: OrderedDict[_EventKey, _ResourceEvent] = OrderedDict()
        for key, event in self._delivered:
            objects = list(getattr(event, event._objects))
            after = _AFTER[type(event)](event.payload, objects, event.request)  # type: ignore[call-arg]
            _merge(merged, key, after)
        yield from merged.values()

    def mark(self) -> "EventQueue":
        """A copy to return to, should what comes next be undone."""
        copy = EventQueue()
        copy._level = self._level
        copy._delivered = list(self._delivered)
        for key, event in self._waiting.items():
            objects = list(getattr(event, event._objects))
            copy._waiting[key] = type(event)(event.payload, objects, event.request)  # type: ignore[call-arg]
        return copy


def _merge(
    events: "OrderedDict[_EventKey, _ResourceEvent]", key: _EventKey, event: _ResourceEvent
) -> None:
    known = events.get(key)
    if known is None:
        events[key] = event
    else:
        getattr(known, known._objects).extend(getattr(event, event._objects))


def event_queue(request: Request) -> EventQueue:
    """The queue that a request shares with its sub-requests."""
    bound_data = request.bound_data
    queue: EventQueue | None = bound_data.get(_QUEUE)
    if queue is None:
        queue = bound_data[_QUEUE] = EventQueue()
    return queue


def get_resource_events(request: Request, after_commit: bool = False) -> Iterator[_ResourceEvent]:
    """Events to deliver now: before the commit, or after it."""
    queue: EventQueue | None = request.bound_data.get(_QUEUE)
    if queue is None:
        return iter(())
    return queue.delivered() if after_commit else queue.deliver()


def notify_resource_event(
    request: Request,
    parent_id: str,
    timestamp: int,
    data: KintoObject | list[KintoObject],
    action: ACTIONS,
    old: KintoObject | list[KintoObject] | None = None,
    resource_name: str | None = None,
    resource_data: Mapping[str, str] | None = None,
) -> None:
    """Queue an event about objects that were read or changed.

    :param data: the object, or (for READ and DELETE) a list of them.
    :param old: what the object was before; a parallel list when ``data`` is one.
    """
    name = resource_name or request.current_resource_name
    if not is_listened_to(request.registry, name, action):
        return
    payload = _payload(request, name, timestamp, action, resource_data)
    key = (name, parent_id, action)
    if action == ACTIONS.READ:
        objects = data if isinstance(data, list) else [data]
        event_queue(request).add(key, ResourceRead(payload, [_bare(o) for o in objects], request))
    else:
        impacted = _impacted(data, action, old)
        event_queue(request).add(key, ResourceChanged(payload, impacted, request))


def _payload(
    request: Request,
    resource_name: str,
    timestamp: int,
    action: ACTIONS,
    resource_data: Mapping[str, str] | None,
) -> dict[str, Any]:
    ids = dict(request.matchdict if resource_data is None else resource_data)
    if "id" in ids:
        ids[f"{resource_name}_id"] = ids.pop("id")
    path = request.path
    prefix = f"/{request.registry.route_prefix}/"
    return {
        "timestamp": timestamp,
        "action": action.value,
        "uri": path[len(prefix) - 1 :] if path.startswith(prefix) else path,
        "user_id": request.prefixed_userid,
        "resource_name": resource_name,
        **ids,
    }


def _impacted(
    data: KintoObject | list[KintoObject],
    action: ACTIONS,
    old: KintoObject | list[KintoObject] | None,
) -> list[dict[str, KintoObject]]:
    news = data if isinstance(data, list) else [data]
    if action == ACTIONS.CREATE:
        return [{"new": _bare(new)} for new in news]
    olds = _as_list(old)
    if action == ACTIONS.DELETE and len(news) > 1:
        by_id = {former["id"]: former for former in olds}
        return [{"new": _bare(new), "old": _bare(by_id[new["id"]])} for new in news]
    return [
        {"new": _bare(new), "old": _bare(former)} for new, former in zip(news, olds, strict=True)
    ]


def _as_list(old: KintoObject | list[KintoObject] | None) -> list[KintoObject]:
    if old is None:
        return []
    return old if isinstance(old, list) else [old]


def _bare(obj: KintoObject) -> KintoObject:
    return {key: value for key, value in obj.items() if key != PERMISSIONS_FIELD}


class _PayloadPredicate:
    """Subscriber predicate: one key of the payload is among the wanted values."""

    payload_key: ClassVar[str]
    label: ClassVar[str]

    def __init__(self, values: Sequence[Any], config: Configurator) -> None:
        self.values = frozenset(self.convert(values))

    def convert(self, values: Sequence[Any]) -> Iterable[str]:
        return values

    def text(self) -> str:
        return f"{self.label} = {sorted(self.values)}"

    phash = text

    def __call__(self, event: Any) -> bool:
        value = (event.payload or {}).get(self.payload_key)
        return not value or not self.values or value in self.values


class ForActions(_PayloadPredicate):
    """``for_actions=(ACTIONS.CREATE, "update")``."""

    payload_key = "action"
    label = "for_actions"

    def convert(self, values: Sequence[Any]) -> Iterable[str]:
        return [action.value for action in ACTIONS.from_string_list(values)]


class ForResources(_PayloadPredicate):
    """``for_resources=("record",)``."""

    payload_key = "resource_name"
    label = "for_resources"


class ResourceSubscribers:
    """Who listens to which events of an application: those of nobody are not even made."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        # (event class, resource name, action) -> (subscribers, whether one may take the event).
        self._known: dict[tuple[Any, ...], tuple[Any, bool]] = {}

    def want(self, resource_name: str, action: ACTIONS) -> bool:
        """Whether an event of this kind may have a subscriber, before or after the commit."""
        before = ResourceRead if action is ACTIONS.READ else ResourceChanged
        return self._want(before, resource_name, action) or self._want(
            _AFTER[before], resource_name, action
        )

    def _want(self, event_class: type, resource_name: str, action: ACTIONS) -> bool:
        # Zope gives the same sequence until subscribers are added or removed.
        found = self._registry.adapters.subscriptions(_REQUIRED[event_class], None)
        if not found:
            return False
        key = (event_class, resource_name, action)
        known = self._known.get(key)
        if known is None or known[0] is not found:
            payload = {"resource_name": resource_name, "action": action.value}
            event = event_class(payload, [], None)
            known = self._known[key] = (found, any(self._may_take(s, event) for s in found))
        return known[1]

    def _may_take(self, subscriber: Any, event: Any) -> bool:
        for item in self._registry.introspector.get_category("subscribers", ()):
            entry = item["introspectable"]
            if entry.get("derived_subscriber") is subscriber:
                ours = [p for p in entry["predicates"] if isinstance(p, _PayloadPredicate)]
                return all(predicate(event) for predicate in ours)
        return True


def is_listened_to(registry: Any, resource_name: str, *actions: ACTIONS) -> bool:
    """Whether an event has to be made for one of the actions.

    Always, where tests put something of theirs in place.
    """
    attributes = registry.__dict__
    subscribers = attributes.get("resource_subscribers")
    if not isinstance(subscribers, ResourceSubscribers) or "notify" in attributes:
        return True
    want = subscribers.want
    return ask_once(
        registry, (resource_name, actions), lambda: any(want(resource_name, a) for a in actions)
    )


def setup_transaction_hook(config: Configurator) -> None:
    """Deliver the events of each request: before its commit, then after it."""
    config.add_tween("kinto.core.events.event_tween_factory", under=EXCVIEW, over=MAIN)


def event_tween_factory(
    handler: Callable[[Request], Response], registry: Registry
) -> Callable[[Request], Response]:
    """Deliver what was queued, inside the transaction, once the view has returned."""

    def event_tween(request: Request) -> Response:
        response = handler(request)
        queue = request.bound_data.get(_QUEUE)
        if queue is not None:
            for event in request.get_resource_events():
                request.registry.notify(event)
            transaction.get().addAfterCommitHook(_deliver_after_commit, args=(request,))
        return response

    return event_tween


def _deliver_after_commit(success: bool, request: Request) -> None:
    if not success:
        return
    for event in request.get_resource_events(after_commit=True):
        try:
            request.registry.notify(event)
        except Exception:  # a subscriber must not spoil an answer that is committed
            log.error("Unable to notify", exc_info=True)
