"""Paths of any content lead somewhere or nowhere."""

from urllib.parse import quote, quote_from_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bad_input.strategies import many, nasty_texts
from tests.bad_input.world import BUCKET, COLLECTION, RECORDS, World


METHODS = st.sampled_from(["GET", "HEAD", "PUT", "PATCH", "POST", "OPTIONS", "DELETE"])
PREFIXES = st.sampled_from(["", "/buckets", BUCKET, f"{BUCKET}/collections", COLLECTION, RECORDS])


@many
@given(method=METHODS, prefix=PREFIXES, parts=st.lists(nasty_texts(), min_size=1, max_size=3))
def test_any_path(world: World, method: str, prefix: str, parts: list[str]) -> None:
    encoded = (quote_from_bytes(part.encode("utf-8", "surrogatepass"), safe="") for part in parts)

    world.check(method, "/".join([prefix, *encoded]), {"data": {}})


@many
@given(path=st.binary(max_size=20).map(lambda raw: raw.decode("latin-1")))
def test_any_bytes(world: World, path: str) -> None:
    for prefix in ("/", "/v1/", "/v1/buckets/"):
        world.check("GET", "/", environ={"PATH_INFO": prefix + path})


@pytest.mark.parametrize(
    "name",
    ["\0", "a\0b", "*", "wor*", "é", " ", "a'b", "..", "%zz", "\ud800", "a" * 5_000],
    ids=ascii,
)
@pytest.mark.parametrize(
    "path",
    [
        "/buckets/{}",
        "/buckets/{}/collections",
        "/buckets/{}/groups/g",
        f"{BUCKET}/collections/{{}}",
        f"{BUCKET}/collections/{{}}/records",
        f"{BUCKET}/collections/{{}}/records/a",
        f"{RECORDS}/{{}}",
    ],
)
def test_any_id(world: World, path: str, name: str) -> None:
    url = path.format(quote(name.encode("utf-8", "surrogatepass"), safe=""))
    for method in ("GET", "PUT", "PATCH", "DELETE", "POST"):
        answer = world.check(method, url, {"data": {}})
        if len(name) < 10:
            assert answer.status in (400, 401, 403, 404, 405)


@pytest.mark.parametrize("path", ["/%82%AC", "/v1/%82%AC", "/v1/buckets/%FF"])
def test_undecodable_paths_are_400(world: World, path: str) -> None:
    raw = bytes.fromhex(path.rpartition("/")[2].replace("%", "")).decode("latin-1")
    environ = {"PATH_INFO": f"{path.rpartition('/')[0]}/{raw}"}

    answer = world.check("GET", "/", environ=environ)

    assert answer.status == 400
    assert answer.json["message"] == "Invalid URL path."
