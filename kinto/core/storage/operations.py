"""Which plain methods a finer one stands for.

One statement of a finer protocol answers several questions, which other backends answer by one
method each. Operators know the times of these methods: that of the statement is told under the
name of each, so that it means the same whatever the backends are.
"""

from collections.abc import Callable, Sequence
from typing import Any

from kinto.core.storage.protocols import ContextQuery, PageQuery, SharedQuery


# Kinds of backends, with names of their methods.
Operations = frozenset[tuple[str, str]]

_GET = ("storage", "get")
_LIST = ("storage", "list_all")
_COUNT = ("storage", "count_all")
_TIMESTAMP = ("storage", "resource_timestamp")
_DELETE_ALL = ("storage", "delete_all")
_GROUPS = ("permission", "get_user_principals")
_CHECK = ("permission", "check_permission")
_ACES = ("permission", "get_object_permissions")
_SHARED = ("permission", "get_accessible_objects")


def _of_context(
    query: ContextQuery, *, page: PageQuery | None = None, **options: Any
) -> Operations:
    found = {_CHECK}
    if query.userid is not None:
        found.add(_GROUPS)
    if query.object_id is not None:
        found |= {_GET, _ACES}
    else:
        found.add(_TIMESTAMP)
    if query.owner is not None:
        found.add(_GET)
    if page is not None:
        found.add(_COUNT if page.counts else _LIST)
    return frozenset(found)


def _of_plan(queries: Sequence[ContextQuery], **options: Any) -> Operations:
    return frozenset().union(*map(_of_context, queries))


def _of_shared(query: SharedQuery, page: PageQuery) -> Operations:
    return frozenset({_SHARED, _TIMESTAMP, _COUNT if page.counts else _LIST})


def _of_page(*args: Any, **kwargs: Any) -> Operations:
    return frozenset({_LIST, _TIMESTAMP})


def _of_subtree(parent_uri: str) -> Operations:
    return frozenset({_DELETE_ALL})


def _of_granted(*args: Any, **kwargs: Any) -> Operations:
    return frozenset({_CHECK})


# By kind of backend and method; each is called with the arguments of that method.
FINER_METHODS: dict[tuple[str, str], Callable[..., Operations]] = {
    ("storage", "fetch_context"): _of_context,
    ("storage", "fetch_shared"): _of_shared,
    ("storage", "list_page"): _of_page,
    ("storage", "plan_requests"): _of_plan,
    ("storage", "remove_subtree"): _of_subtree,
    ("permission", "get_granted"): _of_granted,
}
# Steps of what is timed itself.
STEPS: dict[str, frozenset[str]] = {
    "storage": frozenset({"find_planned", "plan_put", "plan_puts", "plan_delete"}),
    "permission": frozenset({"replace_objects_permissions"}),
    "cache": frozenset(),
}
