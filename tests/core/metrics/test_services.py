"""Timers, labels, several services at once, as a plugin uses them."""

import threading
import time
from functools import partial
from typing import Any

import pytest

from kinto.core.metrics import (
    BoundedLabels,
    CombinedMetricsService,
    NoOpMetricsService,
    Timer,
    mark_as_timer,
    watch_execution_time,
)
from kinto.core.metrics.labels import pairs_of
from tests.support.plugins import MetricsService


class Kept:
    """Where timers put their seconds."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.timer = Timer(self.seconds.append)


def test_a_timer_measures_blocks_and_calls_in_seconds() -> None:
    kept = Kept()
    with kept.timer:
        time.sleep(0.01)
    assert kept.timer(partial(int, "12"))() == 12

    block, call = kept.seconds
    assert 0.01 <= block < 5
    assert 0 <= call < block


def test_a_timer_measures_what_fails() -> None:
    kept = Kept()

    with pytest.raises(KeyError), kept.timer:
        raise KeyError
    with pytest.raises(ValueError, match="invalid literal"):
        kept.timer(int)("x")

    assert len(kept.seconds) == 2


def test_a_timed_function_keeps_its_name() -> None:
    def named() -> None:
        """Documented."""

    timed = Kept().timer(named)

    assert (timed.__name__, timed.__doc__) == ("named", "Documented.")


def test_a_decorated_function_is_timed_in_several_threads_at_once() -> None:
    kept = Kept()
    timed = kept.timer(time.sleep)
    threads = [threading.Thread(target=timed, args=(0.01,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(kept.seconds) == 8
    assert min(kept.seconds) >= 0.01


def test_marks_do_not_change_what_a_function_does() -> None:
    class Callable:
        def __call__(self, number: int) -> int:
            return number + 1

    for timed in (lambda number: number + 1, Callable(), partial(int.__add__, 1)):
        marked: Any = mark_as_timer(timed)
        assert marked(1) == 2
        assert marked.is_timer


def test_methods_can_be_left_alone() -> None:
    class Thing:
        def timed(self) -> int:
            return 1

        def left(self) -> int:
            return 2

    service, thing = MetricsService(), Thing()
    watch_execution_time(service, thing, prefix="p", without={"left"})

    assert (thing.timed(), thing.left()) == (1, 2)
    assert [key for key, *_ in service.timed] == ["p.thing.seconds"]


def test_a_service_that_does_nothing_leaves_methods_as_they_are() -> None:
    class Thing:
        def method(self) -> None: ...

    thing = Thing()
    watch_execution_time(NoOpMetricsService(), thing)

    assert vars(thing) == {}


def test_labels_take_so_many_values_and_then_other() -> None:
    labels = BoundedLabels(2)

    seen = [labels.bound("id", value) for value in ("a", "b", "", "c", "a", "b", "d")]

    assert seen == ["a", "b", "", "other", "a", "b", "other"]
    assert labels.bound("another", "c") == "c"


@pytest.mark.parametrize(
    ("text", "pairs"),
    [("species.boletus", [("species", "boletus")]), ("boletus", [("group", "boletus")])],
)
def test_a_text_stands_for_pairs_with_a_warning(text: str, pairs: Any) -> None:
    with pytest.warns(DeprecationWarning, match="`unique` parameter"):
        assert pairs_of(text) == pairs


def test_pairs_are_taken_as_they_are() -> None:
    assert pairs_of([("auth", "x"), ("number", 1)]) == [("auth", "x"), ("number", "1")]


def test_several_services_are_told_the_same() -> None:
    first, second = MetricsService(), MetricsService()
    both = CombinedMetricsService(first, second)

    with both.timer("block"):
        pass
    assert both.timer("call")(lambda: 1)() == 1
    both.count("counted")
    both.observe("observed", 1)

    assert first.timed == second.timed == [("block",), ("call",)]
    assert first.counted == second.counted == ["counted"]


def test_several_services_time_blocks_within_blocks_and_failures() -> None:
    first, second = MetricsService(), MetricsService()
    timer = CombinedMetricsService(first, second).timer("block")

    with pytest.raises(KeyError), timer, timer:
        raise KeyError

    assert first.timed == second.timed == [("block",), ("block",)]
