"""Batches of any shape are executed or refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bad_input.strategies import many, nasty_scalars, nasty_texts, nasty_values
from tests.bad_input.world import RECORD, RECORDS, World


METHODS = ["GET", "HEAD", "DELETE", "TRACE", "POST", "PUT", "PATCH", "OPTIONS", "get"]
PATHS = [
    "/",
    "/batch",
    "/v1/batch",
    "/batch/",
    "/v1/v1/batch",
    "//batch",
    "/é",
    "/buckets/é",
    "/%zz",
    "/%",
    "/%00",
    "/\0",
    "/\ud800",
    "/buckets?_sort=é",
    "/buckets?é=%FF",
    "/buckets?\0=1",
    "/buckets#x",
    "/v2/buckets",
    "/buckets/../buckets",
    "/\r\nX-Y: z",
    "http://evil.example/",
    "//evil.example/buckets",
    "/buckets/" + "a" * 5_000,
    RECORD,
    RECORDS,
]
paths = st.sampled_from(PATHS) | nasty_texts().map(lambda text: f"/{text}")
items = st.fixed_dictionaries(
    {},
    optional={
        "method": st.sampled_from(METHODS),
        "path": paths,
        "headers": st.dictionaries(nasty_texts(), nasty_texts(), max_size=2),
        "body": st.dictionaries(nasty_texts(), nasty_values(), max_size=2)
        | st.fixed_dictionaries({"data": nasty_values()}),
    },
)
headers = st.dictionaries(
    st.sampled_from(["Authorization", "If-Match", "Content-Type", "Host", "Content-Length", "é"]),
    nasty_texts(),
)


@many
@given(requests=st.lists(items, max_size=3), defaults=st.none() | items | nasty_values())
def test_any_items(world: World, requests: object, defaults: object) -> None:
    body = {"requests": requests}
    if defaults is not None:
        body["defaults"] = defaults
    check(world, body)


@many
@given(path=paths, method=st.sampled_from(METHODS), given_headers=headers)
def test_any_path_and_headers(
    world: World, path: str, method: str, given_headers: dict[str, str]
) -> None:
    check(world, {"requests": [{"method": method, "path": path, "headers": given_headers}]})


@many
@given(body=nasty_values(), item=nasty_values(), scalar=nasty_scalars())
def test_any_shape(world: World, body: object, item: object, scalar: object) -> None:
    for payload in (
        body,
        {"requests": body},
        {"requests": [item]},
        {"requests": [], "defaults": item},
        {"requests": [{"path": "/", "headers": {"Accept": scalar}}]},
        {"requests": [{"path": scalar}]},
        {"requests": [{"path": "/", "method": scalar}]},
        {"requests": [{"path": "/", "body": item}]},
    ):
        check(world, payload)


def check(world: World, body: object) -> None:
    """Neither the batch nor one of its items fails."""
    answer = world.check("POST", "/batch", body)
    if answer.status == 200:
        assert all(item["status"] < 500 for item in answer.json["responses"])


@pytest.mark.parametrize(
    "body", [[-1], ["null"], [], None, "a", 1, [[]], {"requests": {}}], ids=str
)
def test_a_list_where_an_object_is_due_is_400(world: World, body: object) -> None:
    assert world.check("POST", "/batch", b"null" if body is None else body).status == 400


@pytest.mark.parametrize("path", PATHS, ids=ascii)
def test_famous_paths(world: World, path: str) -> None:
    for method in ("GET", "PUT"):
        check(world, {"requests": [{"method": method, "path": path}]})


@pytest.mark.parametrize("count", [26, 30_000])
def test_too_many_items_are_refused_at_once(world: World, count: int) -> None:
    answer = world.check("POST", "/batch", {"requests": [{"path": "/"}] * count})

    assert answer.status == 400
    assert answer.json["message"] == "Number of requests is limited to 25"


def test_defaults_as_deep_as_they_come(world: World) -> None:
    deep = '{"a":' * 10_000 + "1" + "}" * 10_000
    body = f'{{"defaults":{{"path":"/","body":{deep}}},"requests":[{{"body":{deep}}}]}}'

    assert world.check("POST", "/batch", body).status == 400
