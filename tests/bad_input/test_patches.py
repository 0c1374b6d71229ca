"""Patches of any shape are applied or refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bad_input.strategies import many, nasty_texts, nasty_values
from tests.bad_input.world import COLLECTION, GROUP, RECORD, World


JSON_PATCH = {"Content-Type": "application/json-patch+json"}
MERGE_PATCH = {"Content-Type": "application/merge-patch+json"}
OPERATIONS = ("test", "add", "remove", "replace", "move", "copy")
POINTERS = (
    "",
    "/",
    "/data",
    "/data/",
    "/data/n",
    "/data/list",
    "/data/list/0",
    "/data/list/-",
    "/data/list/01",
    "/data/list/-1",
    "/data/list/99999999999999999999",
    "/data/list/a",
    "/data/o",
    "/data/o/p/q",
    "/data/id",
    "/data/last_modified",
    "/data/members",
    "/data/members/0",
    "/data/schema",
    "/data/~",
    "/data/~2",
    "/permissions",
    "/permissions/",
    "/permissions/read",
    "/permissions/read/me",
    "/permissions/write",
    "/permissions/write/-",
    "/permissions/nope/me",
    "/permissions/read/a/b",
    "/foo",
    "data",
)
pointers = st.sampled_from(POINTERS) | nasty_texts().map(lambda text: f"/data/{text}")
operations = st.fixed_dictionaries(
    {"op": st.sampled_from(OPERATIONS), "path": pointers},
    optional={"value": nasty_values(), "from": pointers},
)
targets = st.sampled_from([RECORD, COLLECTION, GROUP])


@many
@given(target=targets, patch=st.lists(operations, max_size=4))
def test_any_operations(world: World, target: str, patch: object) -> None:
    world.check("PATCH", target, patch, JSON_PATCH)


@many
@given(operation=operations)
def test_any_operation(world: World, operation: object) -> None:
    world.check("PATCH", RECORD, [operation], JSON_PATCH)


@pytest.mark.parametrize("content_type", [JSON_PATCH, MERGE_PATCH], ids=["json", "merge"])
@given(target=targets, patch=nasty_values())
@many
def test_any_patch(world: World, content_type: dict[str, str], target: str, patch: object) -> None:
    world.check("PATCH", target, patch, content_type)
    world.check("PATCH", target, [patch], content_type)
    world.check("PATCH", target, {"data": patch}, content_type)
    world.check("PATCH", target, {"permissions": patch}, content_type)


def nested(depth: int, *, key: str = "a") -> str:
    return '{"data":' + f'{{"{key}":' * depth + "1" + "}" * depth + "}"


@pytest.mark.parametrize("depth", [50, 100, 400, 900, 1_500, 10_000])
def test_deep_merge_patches(world: World, depth: int) -> None:
    world.check("PATCH", RECORD, nested(depth), MERGE_PATCH)
    world.check("PATCH", RECORD, nested(depth), MERGE_PATCH)


@pytest.mark.parametrize("depth", [50, 900, 10_000])
def test_deep_pointers(world: World, depth: int) -> None:
    pointer = "/data" + "/a" * depth
    world.check("PATCH", RECORD, nested(min(depth, 400)), MERGE_PATCH)
    for name in OPERATIONS:
        operation = {"op": name, "path": pointer, "from": pointer, "value": 1}
        world.check("PATCH", RECORD, [operation], JSON_PATCH)


def test_copies_that_double_each_time_do_not_fill_the_memory(world: World) -> None:
    patch = [{"op": "add", "path": "/data/a", "value": {"x": "y"}}]
    patch += [{"op": "copy", "from": "/data/a", "path": f"/data/a/b{n}"} for n in range(60)]

    assert world.check("PATCH", RECORD, patch, JSON_PATCH).status == 400


def test_an_object_moved_into_itself_is_400(world: World) -> None:
    patch = [{"op": "move", "from": "/data/o", "path": "/data/o/p"}]

    assert world.check("PATCH", RECORD, patch, JSON_PATCH).status == 400


def test_thousands_of_operations(world: World) -> None:
    patch = [{"op": "add", "path": "/data/list/0", "value": n} for n in range(3_000)]

    world.check("PATCH", RECORD, patch, JSON_PATCH)


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "remove", "path": "/data"},
        {"op": "replace", "path": "/data", "value": 1},
        {"op": "replace", "path": "/data", "value": []},
        {"op": "replace", "path": "/data", "value": None},
        {"op": "remove", "path": "/permissions"},
        {"op": "replace", "path": "/permissions", "value": []},
        {"op": "replace", "path": "/permissions", "value": "x"},
        {"op": "replace", "path": "/permissions/read", "value": 1},
        {"op": "add", "path": "/permissions/read", "value": [1]},
        {"op": "add", "path": "/permissions/read", "value": {"a": {"b": 1}}},
        {"op": "add", "path": "/data/n", "value": "\0"},
        {"op": "add", "path": "/permissions/read/\0"},
        {"op": "add", "path": "/permissions/read/\ud800"},
        {"op": "copy", "from": "/permissions", "path": "/data/n"},
        {"op": "move", "from": "/data", "path": "/permissions"},
        {"op": "move", "from": "/permissions", "path": "/data"},
    ],
    ids=str,
)
def test_operations_that_retype_what_is_ours(world: World, operation: object) -> None:
    for target in (RECORD, COLLECTION, GROUP):
        world.check("PATCH", target, [operation], JSON_PATCH)
