"""Commit order is timestamp order, so that synchronisation never misses a change."""

import random
import threading
import time
from functools import partial

from tests.support.api import Answer, Client, simultaneously, statuses
from tests.support.proxy import Action, Proxy


WRITERS = 6
WRITES = 8


def slow_down_commits(proxy: Proxy) -> None:
    """Some transactions end long after they wrote."""

    def decide(query: str) -> Action:
        if query.strip().upper().startswith("COMMIT"):
            time.sleep(random.choice((0, 0.001, 0.02, 0.05)))
        return Action.FORWARD

    proxy.decide = decide


def test_polling_since_the_last_etag_misses_nothing_of_slow_transactions(
    proxied: Client, proxy: Proxy
) -> None:
    uri = proxied.new_collection()
    slow_down_commits(proxy)
    stop = threading.Event()
    seen: set[str] = set()
    etag = 0

    def poll() -> None:
        nonlocal etag
        answer = proxied.get(f"{uri}/records", _since=f'"{etag}"')
        seen.update(obj["id"] for obj in answer.data)
        etag = answer.timestamp

    def poll_until_stopped() -> None:
        while not stop.is_set():
            poll()

    def write(name: int) -> list[Answer]:
        return [
            proxied.put(f"{uri}/records/w{name}-{number}", {"n": number})
            if number % 2
            else write_batch(proxied, uri, f"w{name}-{number}")
            for number in range(WRITES)
        ]

    reader = threading.Thread(target=poll_until_stopped)
    reader.start()
    outcomes = simultaneously([partial(write, name) for name in range(WRITERS)])
    stop.set()
    reader.join()
    poll()

    assert {answer.status for answers in outcomes for answer in answers} <= {200, 201}
    stored = proxied.get(f"{uri}/records").data
    assert seen == {obj["id"] for obj in stored}
    assert len(seen) == WRITERS * WRITES // 2 * 4
    assert len({obj["last_modified"] for obj in stored}) == len(stored)


def write_batch(client: Client, uri: str, name: str) -> Answer:
    answer = client.batch(
        *({"method": "PUT", "path": f"{uri}/records/{name}-{part}"} for part in "abc")
    )
    assert [item["status"] for item in answer.json["responses"]] == [201] * 3
    return answer


def test_simultaneous_writers_of_different_ids_never_conflict(any_client: Client) -> None:
    uri = any_client.new_collection()
    barrier = threading.Barrier(12)

    def write(number: int) -> list[Answer]:
        barrier.wait()
        return [any_client.post(f"{uri}/records", {"id": f"{number}-{n}"}) for n in range(4)]

    outcomes = simultaneously([partial(write, number) for number in range(12)])

    answers = [answer for outcome in outcomes for answer in outcome]
    assert {answer.status for answer in answers} == {201}
    assert len({answer.timestamp for answer in answers}) == 48


def test_batches_that_write_to_the_same_lists_in_other_orders_all_succeed(
    client: Client,
) -> None:
    uris = [client.new_collection() for _ in range(4)]

    def write(number: int) -> list[Answer]:
        answers = []
        for _ in range(3):
            shuffled = random.sample(uris, len(uris))
            answers.append(
                client.batch(
                    *(
                        {"method": "PUT", "path": f"{uri}/records/{number}", "body": {"data": {}}}
                        for uri in shuffled
                    )
                )
            )
        return answers

    outcomes = simultaneously([partial(write, number) for number in range(8)])

    answers = [answer for outcome in outcomes for answer in outcome]
    assert statuses(answers) == [200] * 24
    items = [item["status"] for answer in answers for item in answer.json["responses"]]
    assert set(items) <= {200, 201}


def test_a_deadlock_that_nobody_can_foresee_is_tried_again(client: Client) -> None:
    """Groups of different buckets share no list, but the rows of their members."""
    buckets = [client.new_collection().rpartition("/collections")[0] for _ in range(2)]

    def write(number: int) -> Answer:
        users = [f"user{n}" for n in range(10)]
        return client.batch(
            *(
                {
                    "method": "PUT",
                    "path": f"{buckets[number]}/groups/{user}",
                    "body": {"data": {"members": [user]}},
                }
                for user in (users if number else reversed(users))
            )
        )

    for _ in range(2):
        answers = simultaneously([partial(write, number) for number in range(2)])

        assert statuses(answers) == [200, 200]
        items = [item["status"] for answer in answers for item in answer.json["responses"]]
        assert set(items) <= {200, 201}


def test_groups_that_share_members_in_other_orders_are_written_at_once(
    any_client: Client,
) -> None:
    buckets = [any_client.new_collection().rpartition("/collections")[0] for _ in range(4)]
    members = [f"member{n}" for n in range(20)]

    def write(number: int) -> list[Answer]:
        return [
            any_client.put(
                f"{buckets[number]}/groups/g{again}",
                {"members": random.sample(members, len(members))},
            )
            for again in range(5)
        ]

    outcomes = simultaneously([partial(write, number) for number in range(4)])

    assert {answer.status for answers in outcomes for answer in answers} == {201}
