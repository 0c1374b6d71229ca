"""That the drills notice what they look for."""

from dataclasses import replace

import pytest

from drills.__main__ import as_table
from drills.exchanges import NOTHING, Exchange, Outcome, Reply
from drills.faults import Calm
from drills.journal import Count, Journal
from drills.judging import Demands, Findings, Result, judge
from drills.load import Load
from drills.watching import Follower


DONE = Reply(200, {}, {"responses": []})
REFUSED = Reply(503, {"Retry-After": "3"}, None)
ABSENT = Reply(404, {}, None)
A, B = "/buckets/d/collections/a/records", "/buckets/d/collections/b/records"
CALM = Calm(started=10, ended=13)


def make_load(*outcomes: tuple[float, float, Outcome]) -> Load:
    """Of one writer, with exchanges that started and ended so, in a calm from 10 to 13."""
    load = Load("http://nowhere/v1", bucket="/buckets/d", writers=1)
    actors = (*load.writers, *load.followers)
    for actor in actors:
        actor.send.exchanges.append(Exchange("x", 10, 10.01, Outcome.ANSWERED))
    load.writers[0].send.exchanges += [
        Exchange("w0", started, ended, outcome, "what was wrong")
        for started, ended, outcome in outcomes
    ]
    return load


def judged(
    load: Load, *, demands: Demands | None = None, broken_at: float = 9, **found: object
) -> Result:
    findings = Findings(stored={}, held_seconds=0.1, connections=3, idle_in_transaction=0)
    return judge(
        "stop",
        load,
        replace(findings, **found),
        demands=demands or Demands(),
        calms=[CALM],
        broken_at=[broken_at],
    )


# What may be stored.


def test_acknowledged_write_must_be_stored() -> None:
    journal = Journal()
    journal.note("k", 1, DONE)

    assert journal.find_lost({"k": 1}) == []
    assert journal.find_lost({}) == ["k: None instead of 1"]


@pytest.mark.parametrize("unknown", [REFUSED, NOTHING])
def test_write_without_an_answer_may_be_stored_or_not(unknown: Reply) -> None:
    journal = Journal()
    journal.note("k", 1, DONE)
    journal.note("k", 2, unknown)
    journal.note("gone", 3, DONE)
    journal.note("gone", None, unknown)

    assert journal.find_lost({"k": 1, "gone": 3}) == journal.find_lost({"k": 2}) == []
    assert journal.find_lost({"k": 3}) == ["k: 3 instead of 1 or 2"]


def test_earlier_write_must_not_come_back() -> None:
    journal = Journal()
    journal.note("k", 1, NOTHING)
    journal.note("k", 2, DONE)

    assert journal.find_lost({"k": 1}) == ["k: 1 instead of 2"]


def test_answer_that_denies_an_acknowledged_write_is_a_loss() -> None:
    journal = Journal()
    journal.note("k", 1, DONE)
    journal.note("k", 2, ABSENT)

    assert journal.find_lost({}) == ["k: 404 instead of 1"]


def test_batch_that_is_stored_in_part_is_torn() -> None:
    journal = Journal()
    journal.batches.append((f"{A}/made", f"{B}/made"))
    journal.note_batch({f"{A}/made": 1, f"{B}/made": 1}, NOTHING)

    assert journal.find_torn({}) == []
    assert journal.find_torn({f"{A}/made": 1, f"{B}/made": 1}) == []
    assert len(journal.find_torn({f"{A}/made": 1})) == 1


def test_batch_that_was_acknowledged_must_be_stored() -> None:
    journal = Journal()
    journal.note_batch({f"{A}/made": 1}, DONE)

    assert len(journal.find_lost({})) == 1


def test_increments_are_counted_between_those_answered_and_those_sent() -> None:
    load = make_load()
    count = Count()
    for reply in (DONE, DONE, REFUSED, Reply(412, {}, None)):
        count.note(reply)
    load.writers[0].counts[f"{A}/counter"] = count
    for follower in load.followers:
        follower.copy[f"{A}/counter"] = 3

    lost = [judged(load, stored={f"{A}/counter": value}).lost for value in (1, 2, 3, 4)]

    assert lost == [1, 0, 0, 1]


def test_follower_must_have_what_is_stored() -> None:
    follower = Follower("http://nowhere/v1", "/buckets/d/collections/a", name="f")
    follower.copy = {f"{A}/same": 1, f"{A}/old": 1, f"{A}/deleted": 1}

    assert follower.find_missed({f"{A}/same": 1, f"{A}/old": 2, f"{A}/new": 1}) == [
        f"{A}/deleted: 1 instead of None",
        f"{A}/new: None instead of 1",
        f"{A}/old: 1 instead of 2",
    ]


# What was answered, and how soon.


def test_drill_without_trouble_passes() -> None:
    assert judged(make_load()).failures == []


@pytest.mark.parametrize(
    ("exchange", "demands", "expected"),
    [
        ((8, 8.1, Outcome.WRONG), Demands(), "wrong answer to w0: what was wrong"),
        ((8.9, 9.1, Outcome.BROKEN), Demands(), "broken connection of w0: what was wrong"),
        ((7, 8, Outcome.BROKEN), Demands(may_break=True), "broken connection of w0: what"),
        ((8, 8.1, Outcome.UNAVAILABLE), Demands(may_refuse=False), "503 to w0"),
        ((1, 7, Outcome.UNAVAILABLE), Demands(), "the slowest answer took 6.00 s"),
        ((10, 11.5, Outcome.UNAVAILABLE), Demands(), "the recovery took 3.00 s"),
    ],
    ids=["wrong", "broken", "broken-without-cause", "refused", "slow", "not-recovered"],
)
def test_answer_that_should_not_have_been_is_a_failure(
    exchange: tuple[float, float, Outcome], demands: Demands, expected: str
) -> None:
    failures = judged(make_load(exchange), demands=demands).failures

    assert len(failures) == 1
    assert failures[0].startswith(expected)


@pytest.mark.parametrize(
    ("exchange", "demands"),
    [
        ((8.9, 9.1, Outcome.BROKEN), Demands(may_break=True)),
        ((8, 8.1, Outcome.UNAVAILABLE), Demands()),
        ((1, 7, Outcome.UNAVAILABLE), Demands(answer_seconds=8)),
    ],
    ids=["broken-by-a-kill", "refused", "slow"],
)
def test_answer_that_may_be_is_none(
    exchange: tuple[float, float, Outcome], demands: Demands
) -> None:
    assert judged(make_load(exchange), demands=demands).failures == []


def test_recovery_lasts_until_the_first_answer_after_the_last_failure() -> None:
    load = make_load((10.1, 10.2, Outcome.UNAVAILABLE), (10.3, 10.4, Outcome.ANSWERED))

    assert judged(load).recovery_seconds == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({"held_seconds": 6.0}, "the longest use of a thread took 6.00 s"),
        ({"connections": 101}, "101 connections to the database"),
        ({"idle_in_transaction": 2}, "2 connections are left in a transaction"),
    ],
    ids=["held", "connections", "idle"],
)
def test_state_of_the_server_is_judged(found: dict[str, float], expected: str) -> None:
    failures = judged(make_load(), **found).failures

    assert len(failures) == 1
    assert failures[0].startswith(expected)


def test_load_balancer_must_be_answered_at_once() -> None:
    load = make_load()
    load.balancer.exchanges.append(Exchange("lb", 8, 8.6, Outcome.ANSWERED))

    assert judged(load, demands=Demands(balancer_seconds=None)).failures == []
    assert len(judged(load).failures) == 1


def test_table_has_a_line_for_each_drill() -> None:
    lines = as_table([judged(make_load()), judged(make_load(), held_seconds=9.0)]).splitlines()

    assert [line.split()[-1] for line in lines[2:]] == ["passed", "failed"]
    assert all(line.startswith("stop ") for line in lines[2:])
