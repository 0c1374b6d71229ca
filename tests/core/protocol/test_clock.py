import time

from kinto.core.protocol.clock import msec_time


def test_time_is_in_whole_milliseconds():
    before = time.time_ns() // 1_000_000

    now = msec_time()

    assert isinstance(now, int)
    assert before <= now <= time.time_ns() // 1_000_000
