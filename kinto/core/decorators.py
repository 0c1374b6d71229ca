"""Decorators for backends, views, plugins."""

import functools
import threading
import warnings
from collections.abc import Callable, Mapping
from typing import Any, Concatenate, ParamSpec, TypeVar


P = ParamSpec("P")
T = TypeVar("T")


def safe_wraps(
    wrapped: Any, *args: Any, **kwargs: Any
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """:func:`functools.wraps`, for callables without a name too (partials, mocks)."""
    while isinstance(wrapped, functools.partial):
        wrapped = wrapped.func
    return functools.wraps(wrapped, *args, **kwargs)


def deprecate_kwargs(deprecated: Mapping[str, str]) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Accept keyword arguments under their former names, with a warning.

    :param deprecated: old name -> new name.
    """

    def decorate(func: Callable[P, T]) -> Callable[P, T]:
        @safe_wraps(func)
        def wrapper(*args: P.args, **kwargs: P.kwargs) -> T:
            for old, new in deprecated.items():
                if old in kwargs:
                    message = f"parameter '{old}' is deprecated, use '{new}' instead"
                    warnings.warn(f"{func.__qualname__} {message}", DeprecationWarning)  # noqa: B028 # suites compare the arguments
                    kwargs[new] = kwargs.pop(old)
            return func(*args, **kwargs)

        return wrapper

    return decorate


def synchronized(method: Callable[Concatenate[Any, P], T]) -> Callable[Concatenate[Any, P], T]:
    """Run a method under a lock of its instance, which the same thread may take again."""
    guard = threading.Lock()

    @safe_wraps(method)
    def wrapper(self: Any, *args: P.args, **kwargs: P.kwargs) -> T:
        lock = getattr(self, "_lock", None)
        if lock is None:
            with guard:
                lock = self.__dict__.setdefault("_lock", threading.RLock())
        with lock:
            return method(self, *args, **kwargs)

    return wrapper


def cache_forever(view: Callable[Concatenate[Any, P], T]) -> Callable[Concatenate[Any, P], T]:
    """Answer with what a view gave the first time.

    The answer is kept in ``__json__`` of the decorated view; deleting that attribute makes
    the next call compute it anew.
    """

    @safe_wraps(view)
    def wrapper(request: Any, *args: P.args, **kwargs: P.kwargs) -> T:
        if not hasattr(wrapper, "__json__"):
            wrapper.__json__ = view(request, *args, **kwargs)  # type: ignore[attr-defined]
        return wrapper.__json__  # type: ignore[attr-defined,no-any-return]

    return wrapper
