"""Checks of cache servers: whether they give back what was set."""

import importlib
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any

from pyramid.config import Configurator

from kinto.cli.doctor.findings import Check, Context, Finding, Problem, ok, warning
from kinto.cli.errors import describe
from kinto.core.cache import CacheBase
from kinto.core.settings import mask_url, parse_words


_MEMCACHED, _REDIS = "kinto.core.cache.memcached", "kinto.core.cache.redis"
_KEY = "__doctor__"
_TTL_SECONDS = 10
_SLOW_SECONDS = 0.02
# The first one connects.
_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class CachePlace:
    """A cache server.

    :param settings: by which the backend uses this one alone.
    """

    title: str
    module: str
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CacheAnswer:
    """What it answered.

    :param seconds: for setting, getting and removing a value.
    """

    title: str
    seconds: float


def find_caches(written: Mapping[str, Any]) -> Iterator[CachePlace]:
    """Each server of a cache that is in servers of its own kind."""
    module = str(written.get("cache_backend") or "")
    if module == _MEMCACHED:
        # As the backend has it: earlier versions of `kinto init` wrote the other setting.
        hosts = written.get("cache_hosts") or written.get("cache_url") or "127.0.0.1:11211"
        for host in parse_words(hosts):
            yield CachePlace(f"memcached {host}", module, {**written, "cache_hosts": host})
    elif module == _REDIS:
        url = str(written.get("cache_url") or "redis://localhost:6379/0")
        yield CachePlace(mask_url(url), module, {**written, "cache_url": url})


def try_cache(place: CachePlace) -> CacheAnswer | Problem:
    """Set a value of our own, get it, remove it."""
    fix = f"start the server, or mend kinto.cache_{'hosts' if 'mem' in place.title else 'url'}"
    try:
        module = importlib.import_module(place.module)
        config = Configurator(settings=dict(place.settings))
        cache: CacheBase = module.load_from_config(config)
        seconds = min(_try_once(cache) for _ in range(_ROUNDS))
    except _ForgetfulError:
        return Problem(f"{place.title} does not give back what was set", fix)
    except Exception as error:  # noqa: BLE001  # the client library's: told to the operator
        return Problem(f"{place.title}: {describe(error)}", fix)
    return CacheAnswer(place.title, seconds)


class _ForgetfulError(Exception):
    """A cache does not give back what was set."""


def _try_once(cache: CacheBase) -> float:
    """How many seconds it takes to set a value, to get it, to remove it.

    :raises _ForgetfulError: it is another one that is got.
    """
    value = secrets.token_hex(8)
    start = monotonic()
    cache.set(_KEY, value, _TTL_SECONDS)
    found = cache.get(_KEY)
    cache.delete(_KEY)
    if found != value:
        raise _ForgetfulError
    return monotonic() - start


def judge_cache(answer: CacheAnswer, context: Context) -> Finding:
    """Does it work, and fast?"""
    found = f"{answer.title}: set, get, delete in {answer.seconds * 1000:.1f} ms"
    if answer.seconds > _SLOW_SECONDS:
        return warning(found, "a cache server nearby")
    return ok(found)


CHECKS = (
    Check(
        "cache.works",
        "memcached, Redis give back what is set.",
        "answer",
        judge_cache,
        tells_problem=True,
    ),
)
