"""The objects of a list and its timestamp come from one snapshot."""

import threading
from functools import partial

from tests.support.api import Answer, Client, simultaneously


def test_a_list_holds_exactly_what_is_as_old_as_its_etag(any_client: Client) -> None:
    uri = f"{any_client.new_collection()}/records"
    stop = threading.Event()
    snapshots: list[Answer] = []

    def read_until_stopped() -> None:
        while not stop.is_set():
            snapshots.append(any_client.get(uri))

    def write(name: int) -> None:
        for number in range(15):
            assert any_client.put(f"{uri}/{name}-{number}", {}).status == 201

    reader = threading.Thread(target=read_until_stopped)
    reader.start()
    simultaneously([partial(write, name) for name in range(4)])
    stop.set()
    reader.join()

    stored = any_client.get(uri)
    assert stored.timestamp == max(obj["last_modified"] for obj in stored.data)
    for snapshot in snapshots:
        expected = {obj["id"] for obj in stored.data if obj["last_modified"] <= snapshot.timestamp}
        assert {obj["id"] for obj in snapshot.data} == expected


def test_each_answer_to_a_write_has_the_timestamp_of_its_object(any_client: Client) -> None:
    uri = f"{any_client.new_collection()}/records"

    def write(number: int) -> list[Answer]:
        return [any_client.put(f"{uri}/{number}", {"n": n}) for n in range(5)]

    for answers in simultaneously([partial(write, number) for number in range(6)]):
        timestamps = [answer.timestamp for answer in answers]
        assert timestamps == [answer.data["last_modified"] for answer in answers]
        assert timestamps == sorted(set(timestamps))
