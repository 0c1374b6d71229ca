"""Gathering facts side by side, each within its time."""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from time import monotonic
from typing import Any

from kinto.cli.doctor.findings import Problem


Task = Callable[[], Any]  # gives whatever the checks judge


def gather(tasks: Mapping[str, Task], *, seconds: float) -> dict[str, Any]:
    """What each task gives; a :class:`Problem` for one that takes longer, or fails.

    The threads of those that hang end with the process.
    """
    futures = {name: _started(name, task) for name, task in tasks.items()}
    deadline = monotonic() + seconds
    wait(futures.values(), max(0.0, deadline - monotonic()))
    return {name: _result(future, seconds=seconds) for name, future in futures.items()}


def _started(name: str, task: Task) -> Future[Any]:
    future: Future[Any] = Future()
    threading.Thread(target=_run, args=(future, task), name=f"doctor-{name}", daemon=True).start()
    return future


def _run(future: Future[Any], task: Task) -> None:
    try:
        result = task()
    except BaseException as error:  # noqa: BLE001  # the boundary of a thread: told by the check
        future.set_exception(error)
    else:
        future.set_result(result)


def _result(future: Future[Any], *, seconds: float) -> Any:
    if not future.done():
        return Problem(f"no answer within {seconds:g} s")
    if (error := future.exception()) is not None:
        return Problem(f"{type(error).__name__}: {error}")
    return future.result()
