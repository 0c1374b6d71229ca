"""What a failed request takes back, and what not."""

import contextlib
import threading

from kinto.core.storage.undo import AtomicWrites


def test_a_block_that_fails_after_it_waited_takes_back_nothing_of_others() -> None:
    writes = AtomicWrites()
    freed = threading.Condition(writes.lock)
    has_started = threading.Event()
    undone: list[str] = []

    def wait_then_fail() -> None:
        with contextlib.suppress(ZeroDivisionError), writes.write():
            writes.record(lambda: undone.append("ours"))
            has_started.set()
            freed.wait(timeout=10)
            raise ZeroDivisionError

    waiting = threading.Thread(target=wait_then_fail)
    waiting.start()
    has_started.wait(timeout=10)
    with writes.write():
        writes.record(lambda: undone.append("theirs"))
        freed.notify_all()
    waiting.join()

    assert undone == ["ours"]
