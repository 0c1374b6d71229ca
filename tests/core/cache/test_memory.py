"""The cache in memory: its limits, its configuration."""

from typing import Any

import pytest
from pyramid import testing

from kinto.core.cache import CacheBase, memory


def size(key: str, value: Any) -> int:
    return 3 * len(key) + len(str(value)) + 48


def test_quota_counts_what_is_stored() -> None:
    cache = memory.Cache(cache_prefix="p_")
    cache.set("a", "value", 10)
    cache.set("b", {"n": 1}, 10)
    assert cache._quota == size("p_a", "value") + size("p_b", {"n": 1})
    cache.set("a", "other value", 10)
    assert cache._quota == size("p_a", "other value") + size("p_b", {"n": 1})
    cache.delete("a")
    cache.delete("unknown")
    assert cache._quota == size("p_b", {"n": 1})
    cache.expire("b", 0)
    cache.get("b")
    assert cache._quota == 0


def test_expired_values_are_removed_everywhere() -> None:
    cache = memory.Cache()
    cache.set("a", 1, 10)
    cache.expire("a", -1)
    assert cache._clean_expired() is None
    assert (cache._store, cache._ttl, cache._created_at) == ({}, {}, {})


def test_the_oldest_values_go_when_the_cache_is_full() -> None:
    one = size("k0", "x")
    cache = memory.Cache(cache_max_size_bytes=10 * one)
    for number in range(10):
        cache.set(f"k{number}", "x", 10)
        cache._created_at[f"k{number}"] = number
    assert len(cache._store) == 10
    cache.set("ka", "x", 10)
    assert set(cache._store) == {f"k{number}" for number in range(3, 10)} | {"ka"}
    assert cache._quota < 10 * one


def test_a_cache_without_room_keeps_the_newest() -> None:
    cache = memory.Cache(cache_max_size_bytes=0)
    for key in ("a", "b"):
        cache.set(key, key, 10)
    assert cache._store == {"b": "b"}


def test_a_cache_without_limit_keeps_everything() -> None:
    cache = memory.Cache(cache_max_size_bytes=None)
    for number in range(100):
        cache.set(str(number), "x" * 10000, 10)
    assert len(cache._store) == 100


@pytest.mark.parametrize(
    ("settings", "prefix", "max_size_bytes"),
    [
        ({}, "", 524288),
        ({"cache_prefix": "p", "cache_max_size_bytes": "10"}, "p", 10),
        ({"cache_max_size_bytes": None}, "", None),
    ],
)
def test_configuration(settings: dict[str, Any], prefix: str, max_size_bytes: int | None) -> None:
    cache = memory.load_from_config(testing.setUp(settings=settings))
    assert (cache.prefix, cache.max_size_bytes) == (prefix, max_size_bytes)


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("initialize_schema", ()),
        ("flush", ()),
        ("ttl", ("k",)),
        ("expire", ("k", 1)),
        ("set", ("k", "v", 1)),
        ("get", ("k",)),
        ("delete", ("k",)),
    ],
)
def test_base_leaves_methods_to_backends(method: str, arguments: tuple[Any, ...]) -> None:
    with pytest.raises(NotImplementedError):
        getattr(CacheBase("ignored", ignored=True), method)(*arguments)
