"""Answered is durable, and all or nothing."""

import itertools
import re
from collections.abc import Callable

import pytest

from kinto.core.storage.exceptions import BackendError
from tests.support.api import Answer, Client, memory_app
from tests.support.proxy import Action, Proxy


COMMIT = re.compile("COMMIT")
# A record is written by one statement, which commits by itself.
WRITE = re.compile("EXECUTE .kinto_(put|delete)_")


def at_commit(action: Action, commit: re.Pattern[str] = COMMIT) -> Callable[[str], Action]:
    """Do that to the next query that commits, forward everything else."""
    remaining = itertools.chain([action], itertools.repeat(Action.FORWARD))

    def decide(query: str) -> Action:
        return next(remaining) if commit.search(query) else Action.FORWARD

    return decide


def is_unavailable(answer: Answer) -> bool:
    return (
        answer.status == 503
        and answer.json["errno"] == 201
        and int(answer.headers["Retry-After"]) > 0
    )


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    ("commit", "path"), [(WRITE, "/records/a"), (COMMIT, "")], ids=["record", "collection"]
)
def test_a_connection_broken_before_the_commit_is_503_and_nothing_changed(
    proxied: Client, proxy: Proxy, method: str, commit: re.Pattern[str], path: str
) -> None:
    uri = f"{proxied.new_collection()}{path}"
    stored = proxied.put(uri, {"n": 1}).data
    proxy.decide = at_commit(Action.CUT, commit)

    answer = proxied.call(method, uri, {"data": {"n": 2}})

    assert is_unavailable(answer)
    assert "data" not in answer.json
    assert proxied.get(uri).data == stored


@pytest.mark.parametrize(
    ("commit", "path"), [(WRITE, "/records/a"), (COMMIT, "")], ids=["record", "collection"]
)
def test_a_commit_without_an_answer_is_503_and_the_next_request_works(
    proxied: Client, proxy: Proxy, commit: re.Pattern[str], path: str
) -> None:
    uri = f"{proxied.new_collection()}{path}"
    proxy.decide = at_commit(Action.CUT_REPLY, commit)

    assert is_unavailable(proxied.put(uri, {"n": 1}))

    # Whether it was stored cannot be known. That it may be tried again can.
    again = proxied.put(uri, {"n": 1})
    assert again.status in (200, 201)
    assert proxied.get(uri).data == again.data


def test_a_batch_whose_commit_fails_claims_nothing_and_stores_nothing(
    proxied: Client, proxy: Proxy
) -> None:
    uri = f"{proxied.new_collection()}/records"
    proxy.decide = at_commit(Action.CUT)

    answer = proxied.batch(*({"method": "PUT", "path": f"{uri}/{name}"} for name in "abc"))

    assert is_unavailable(answer)
    assert "responses" not in answer.json
    assert proxied.get(uri).data == []


def test_a_connection_that_breaks_in_the_middle_of_a_batch_undoes_its_beginning(
    proxied: Client, proxy: Proxy
) -> None:
    uri = f"{proxied.new_collection()}/records"
    proxy.decide = lambda query: Action.CUT if "third" in query else Action.FORWARD

    answer = proxied.batch(
        *({"method": "PUT", "path": f"{uri}/{name}"} for name in ("first", "second", "third"))
    )

    assert is_unavailable(answer)
    assert proxied.get(uri).data == []


def put(uri: str, **data: object) -> dict[str, object]:
    return {"method": "PUT", "path": uri, "body": {"data": data}}


def test_what_a_batch_says_of_each_item_is_what_is_stored(any_client: Client) -> None:
    uri = f"{any_client.new_collection()}/records"
    any_client.put(f"{uri}/old", {"last_modified": 12})

    answer = any_client.batch(
        put(f"{uri}/a", n=1),
        put(f"{uri}/b", last_modified=12),
        put(f"{uri}/c", n=3),
        {"method": "DELETE", "path": f"{uri}/unknown"},
        {**put(f"{uri}/a", n=9), "headers": {"If-None-Match": "*"}},
    )

    found = [item["status"] for item in answer.json["responses"]]
    assert found == [201, 409, 201, 404, 412]
    for item, name in zip(answer.json["responses"], "abc", strict=False):
        stored = any_client.get(f"{uri}/{name}")
        assert stored.status == (200 if item["status"] == 201 else 404)
        if item["status"] == 201:
            assert stored.data == item["body"]["data"]
    assert {obj["id"] for obj in any_client.get(uri).data} == {"a", "c", "old"}
    # The refused item left no permission behind either.
    assert any_client.as_user("other").get(f"{uri}/b").status == 403


def test_a_conflict_inside_a_batch_has_retry_after(any_client: Client) -> None:
    uri = f"{any_client.new_collection()}/records"
    any_client.put(f"{uri}/old", {"last_modified": 12})

    answer = any_client.batch(put(f"{uri}/b", last_modified=12))

    assert answer.json["responses"][0]["headers"]["Retry-After"]


@pytest.fixture(params=["memory", "postgresql"])
def failing(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Client:
    """A server whose permission backend fails for objects named ``broken``."""
    if request.param == "memory":
        client = Client(memory_app())
    else:
        client = request.getfixturevalue("client")
    permission = client.app.registry.permission

    def wrap(name: str) -> None:
        original = getattr(permission, name)

        def method(object_id: str, *args: object, **kwargs: object) -> object:
            if "broken" in str(object_id):
                error = ZeroDivisionError() if "bug" in object_id else BackendError()
                raise error
            return original(object_id, *args, **kwargs)

        monkeypatch.setattr(permission, name, method)

    wrap("replace_object_permissions")
    wrap("add_principal_to_ace")
    return client


@pytest.mark.parametrize(("name", "status"), [("broken", 503), ("broken-bug", 500)])
def test_a_failure_after_the_first_write_undoes_everything(
    failing: Client, name: str, status: int
) -> None:
    uri = f"{failing.new_collection()}/records"
    failing.put(f"{uri}/kept", {"n": 1})
    before = failing.get(uri, _since=0)

    assert failing.put(f"{uri}/{name}", {}).status == status
    assert failing.post(uri, {"id": name}).status == status
    answer = failing.batch(
        put(f"{uri}/a"), put(f"{uri}/kept", n=2), put(f"{uri}/{name}"), put(f"{uri}/b")
    )
    assert answer.status == status

    after = failing.get(uri, _since=0)
    assert after.data == before.data
    assert after.headers["ETag"] == before.headers["ETag"]
    assert failing.get(f"{uri}/a").status == 404
