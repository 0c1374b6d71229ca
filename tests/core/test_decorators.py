"""Decorators for backends, views, plugins."""

import functools
import threading
import time
from unittest import mock

import pytest

from kinto.core.decorators import cache_forever, deprecate_kwargs, safe_wraps, synchronized


class Backend:
    running = 0

    @deprecate_kwargs({"old": "new", "older": "other"})
    def method(self, new: int, other: int = 0) -> tuple[int, int]:
        return new, other

    @synchronized
    def outer(self) -> int:
        self.running += 1
        time.sleep(0.001)
        assert self.running == 1
        self.running -= 1
        return self.inner()

    @synchronized
    def inner(self) -> int:
        return 42


def test_former_names_of_arguments_work_with_a_warning() -> None:
    with mock.patch("warnings.warn") as warn:
        assert Backend().method(older=2, old=1) == (1, 2)  # type: ignore[call-arg]
    assert warn.call_args_list == [
        mock.call(
            "Backend.method parameter 'old' is deprecated, use 'new' instead", DeprecationWarning
        ),
        mock.call(
            "Backend.method parameter 'older' is deprecated, use 'other' instead",
            DeprecationWarning,
        ),
    ]


def test_new_names_of_arguments_do_not_warn() -> None:
    with mock.patch("warnings.warn") as warn:
        assert Backend().method(1, other=2) == (1, 2)
    assert not warn.called
    assert Backend.method.__qualname__ == "Backend.method"


def test_synchronized_methods_run_one_at_a_time() -> None:
    backend = Backend()
    threads = [threading.Thread(target=backend.outer) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert backend.outer() == 42
    assert backend.running == 0


def test_synchronized_methods_use_the_lock_of_the_instance() -> None:
    backend = Backend()
    backend._lock = mock.MagicMock()  # type: ignore[attr-defined]
    assert backend.inner() == 42
    assert backend._lock.__enter__.called  # type: ignore[attr-defined]


def test_views_are_answered_from_the_first_time() -> None:
    view = mock.MagicMock(side_effect=[{"n": 1}, {"n": 2}], __name__="view")
    cached = cache_forever(view)
    assert cached("request") == cached("other") == {"n": 1}
    assert cached.__json__ == {"n": 1}  # type: ignore[attr-defined]
    del cached.__json__  # type: ignore[attr-defined]
    assert cached("request") == {"n": 2}


def test_wrapping_of_callables_without_a_name() -> None:
    def function() -> None:
        """Documented."""

    partial = functools.partial(functools.partial(function))

    @safe_wraps(partial)
    def wrapper() -> None: ...

    assert wrapper.__name__ == "function"
    assert wrapper.__doc__ == "Documented."

    @safe_wraps(object())
    def other() -> None: ...

    assert other.__name__ == "other"


@pytest.mark.parametrize("instances", [2])
def test_each_instance_has_its_own_lock(instances: int) -> None:
    backends = [Backend() for _ in range(instances)]
    locks = {id(backend.inner() and backend.__dict__["_lock"]) for backend in backends}
    assert len(locks) == instances
