"""A precondition is checked by the write itself, a patch merges under the row's lock."""

import threading
from functools import partial

import pytest

from tests.support.api import Answer, Client, simultaneously, statuses


WRITERS = 16


def all_at_once(send: "partial[Answer] | object", *, count: int = WRITERS) -> list[Answer]:
    """Answers of ``send(number)``, every thread starting at one moment."""
    barrier = threading.Barrier(count)

    def call(number: int) -> Answer:
        barrier.wait()
        answer: Answer = send(number)  # type: ignore[operator]  # any callable
        return answer

    return simultaneously([partial(call, number) for number in range(count)])


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_of_sixteen_if_match_writers_one_wins(any_client: Client, method: str) -> None:
    uri = f"{any_client.new_collection()}/records/a"
    known = any_client.put(uri, {"n": -1}).headers["ETag"]

    answers = all_at_once(
        lambda n: any_client.call(method, uri, {"data": {"n": n}}, {"If-Match": known})
    )

    assert statuses(answers) == [200] + [412] * (WRITERS - 1)
    (winner,) = [answer for answer in answers if answer.status == 200]
    stored = any_client.get(uri).data
    assert stored == winner.data
    for loser in answers:
        if loser.status == 412:
            assert loser.json["details"]["existing"] == stored
            assert loser.headers["ETag"] == winner.headers["ETag"]


def test_of_sixteen_if_match_deletions_one_wins(any_client: Client) -> None:
    uri = f"{any_client.new_collection()}/records/a"
    known = any_client.put(uri, {}).headers["ETag"]

    answers = all_at_once(lambda n: any_client.delete(uri, {"If-Match": known}))

    assert statuses(answers)[0] == 200
    # Whoever comes later finds nothing, or another version than expected.
    assert set(statuses(answers)[1:]) <= {404, 412}


def test_a_counter_incremented_with_if_match_counts_each_success(any_client: Client) -> None:
    uri = f"{any_client.new_collection()}/records/counter"
    any_client.put(uri, {"n": 0})

    def increment(_number: int) -> Answer:
        seen = any_client.get(uri)
        headers = {"If-Match": seen.headers["ETag"]}
        return any_client.put(uri, {"n": seen.data["n"] + 1}, headers)

    answers = [answer for _ in range(3) for answer in all_at_once(increment, count=8)]

    assert set(statuses(answers)) <= {200, 412}
    assert any_client.get(uri).data["n"] == statuses(answers).count(200)


def test_of_sixteen_creators_of_one_url_one_gets_201_the_others_412(any_client: Client) -> None:
    uri = f"{any_client.new_collection()}/records/a"

    answers = all_at_once(lambda n: any_client.put(uri, {"n": n}, {"If-None-Match": "*"}))

    assert statuses(answers) == [201] + [412] * (WRITERS - 1)
    (winner,) = [answer for answer in answers if answer.status == 201]
    assert any_client.get(uri).data == winner.data


def test_of_sixteen_creators_of_one_bucket_one_gets_201_the_others_412(
    any_client: Client,
) -> None:
    uri = f"{any_client.new_collection()}-bucket".rpartition("/")[2]

    answers = all_at_once(
        lambda n: any_client.as_user(f"user{n}").put(
            f"/buckets/{uri}", {"n": n}, {"If-None-Match": "*"}
        )
    )

    assert statuses(answers) == [201] + [412] * (WRITERS - 1)
    # Those who may create but not read learn nothing.
    assert all("details" not in answer.json for answer in answers if answer.status == 412)


def test_posts_of_one_id_give_one_201_and_the_stored_object(any_client: Client) -> None:
    uri = f"{any_client.new_collection()}/records"

    answers = all_at_once(lambda n: any_client.post(uri, {"id": "a", "n": n}))

    assert statuses(answers) == [200] * (WRITERS - 1) + [201]
    stored = any_client.get(f"{uri}/a").data
    assert [answer.data for answer in answers] == [stored] * WRITERS


def test_of_posts_with_the_etag_of_the_list_one_succeeds(any_client: Client) -> None:
    uri = f"{any_client.new_collection()}/records"
    etag = any_client.get(uri).headers["ETag"]

    answers = all_at_once(lambda n: any_client.post(uri, {"n": n}, {"If-Match": etag}))

    assert statuses(answers) == [201] + [412] * (WRITERS - 1)
    assert len(any_client.get(uri).data) == 1


def test_of_plural_deletions_of_one_version_one_succeeds(any_client: Client) -> None:
    uri = f"{any_client.new_collection()}/records"
    for name in "abc":
        any_client.put(f"{uri}/{name}")
    etag = any_client.get(uri).headers["ETag"]

    answers = all_at_once(lambda n: any_client.delete(uri, {"If-Match": etag}), count=8)

    assert statuses(answers) == [200] + [412] * 7


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/merge-patch+json", "application/json-patch+json"],
)
def test_patches_of_different_fields_keep_each_other(
    any_client: Client, content_type: str
) -> None:
    uri = f"{any_client.new_collection()}/records/a"
    any_client.put(uri, {"kept": True})

    def patch(number: int) -> list[Answer]:
        return [
            any_client.call(
                "PATCH",
                uri,
                [{"op": "add", "path": f"/data/f{number}x{n}", "value": n}]
                if "json-patch" in content_type
                else {"data": {f"f{number}x{n}": n}},
                {"Content-Type": content_type},
            )
            for n in range(4)
        ]

    outcomes = simultaneously([partial(patch, number) for number in range(10)])

    assert {answer.status for answers in outcomes for answer in answers} == {200}
    stored = any_client.get(uri).data
    expected = {f"f{number}x{n}": n for number in range(10) for n in range(4)}
    assert {name: stored[name] for name in expected if name in stored} == expected
    assert stored["kept"] is True


def test_patches_of_different_permissions_keep_each_other(any_client: Client) -> None:
    uri = f"{any_client.new_collection()}/records/a"
    any_client.put(uri)
    patch = {"Content-Type": "application/json-patch+json"}

    answers = all_at_once(
        lambda n: any_client.call(
            "PATCH", uri, [{"op": "add", "path": f"/permissions/read/reader{n}"}], patch
        )
    )

    assert statuses(answers) == [200] * WRITERS
    readers = any_client.get(uri).json["permissions"]["read"]
    assert set(readers) == {f"reader{n}" for n in range(WRITERS)}
