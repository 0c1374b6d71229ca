"""The mapper finds the routes that Pyramid's own finds."""

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyramid.exceptions import URLDecodeError
from pyramid.urldispatch import RoutesMapper

from kinto.core.route_mapper import SegmentRoutesMapper, find_depth


PATTERNS = (
    "v1/",
    "v1/buckets",
    "v1/buckets/{id}",
    "v1/buckets/{bucket_id}/groups/{id}",
    "/v1/files/{name:.*}",
    "v1/admin/*rest",
    "v1/{one}-{two}",
    "v1/buckets/{bucket_id}/collections/{collection_id}/records/{id}",
)


def fill(mapper: Any) -> Any:
    for number, pattern in enumerate(PATTERNS):
        mapper.connect(f"route-{number}", pattern)
    return mapper


def request_for(path: str) -> Any:
    environ = {"PATH_INFO": path.encode().decode("latin-1")}
    return SimpleNamespace(environ=environ, path_info=path)


OURS, PYRAMIDS = fill(SegmentRoutesMapper()), fill(RoutesMapper())
segments = st.sampled_from(
    ["v1", "buckets", "groups", "collections", "records", "files", "admin", "a-b", "é", ""]
)


@given(st.lists(segments, max_size=9))
def test_the_same_routes_are_found(names: list[str]) -> None:
    request = request_for("/" + "/".join(names))

    found, expected = OURS(request), PYRAMIDS(request)

    assert getattr(found["route"], "name", None) == getattr(expected["route"], "name", None)
    assert found["match"] == expected["match"]


@pytest.mark.parametrize(
    ("pattern", "depth"),
    [
        ("v1/buckets/{id}", 3),
        ("/v1/buckets/{id}", 3),
        ("v1/", 2),
        ("v1/*rest", None),
        ("v1/{name:.*}", None),
        ("v1/{one}-{two}", 2),
    ],
)
def test_depth_of_patterns(pattern: str, depth: int | None) -> None:
    assert find_depth(pattern) == depth


def test_routes_added_later_are_found() -> None:
    mapper = fill(SegmentRoutesMapper())
    assert mapper(request_for("/v1/later"))["route"] is None
    mapper.connect("later", "v1/later")
    assert mapper(request_for("/v1/later"))["route"].name == "later"


def test_paths_that_are_no_utf_8_are_refused() -> None:
    with pytest.raises(URLDecodeError):
        OURS(SimpleNamespace(environ={"PATH_INFO": "/v1/\xff"}))
