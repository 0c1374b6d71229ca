"""Clients are asked to come back later by every answer (guide, "Using backoff")."""

import warnings
from collections.abc import Callable
from typing import Any

import pytest

from kinto.core.storage.exceptions import BackendError
from tests.support.api import Answer, Client, memory_app


RECORDS = "/buckets/b/collections/c/records"
CONDITIONAL = {"If-None-Match": "*"}


def app_with(**settings: object) -> Any:
    app = memory_app({f"kinto.{name}": value for name, value in settings.items()})
    client = Client(app)
    client.put("/buckets/b")
    client.put("/buckets/b/collections/c")
    client.put(f"{RECORDS}/r", {"a": 1})
    return app


def fail(*_args: Any, **_kwargs: Any) -> None:
    raise BackendError(original=OSError("gone"))


def crash(*_args: Any, **_kwargs: Any) -> None:
    raise ZeroDivisionError


def with_storage(behaviour: Callable[..., None]) -> Callable[[Client], Answer]:
    """A read of a server whose storage behaves so."""

    def call(client: Client) -> Answer:
        storage = client.app.registry.storage
        for name in ("get", "list_all"):
            setattr(storage, name, behaviour)
        return client.get(f"{RECORDS}/r")

    return call


def not_modified(client: Client) -> Answer:
    etag = client.get(f"{RECORDS}/r").headers["ETag"]
    return client.get(f"{RECORDS}/r", {"If-None-Match": etag})


def preflight(client: Client) -> Answer:
    headers = {"Origin": "https://a.example", "Access-Control-Request-Method": "GET"}
    return client.as_user(None).call("OPTIONS", RECORDS, None, headers)


KINDS: dict[str, tuple[int, Callable[[Client], Answer]]] = {
    "hello": (200, lambda c: c.get("/")),
    "list": (200, lambda c: c.get(RECORDS)),
    "HEAD": (200, lambda c: c.head(RECORDS)),
    "created": (201, lambda c: c.post(RECORDS, {})),
    "deleted": (200, lambda c: c.delete(f"{RECORDS}/r")),
    "not-modified": (304, not_modified),
    "preflight": (200, preflight),
    "redirect": (307, lambda c: c.get("/buckets/")),
    "bad-request": (400, lambda c: c.get(RECORDS, _since="x")),
    "unauthorized": (401, lambda c: c.as_user(None).get("/buckets/b")),
    "forbidden": (403, lambda c: c.as_user("eve").get("/buckets/b")),
    "not-found": (404, lambda c: c.get(f"{RECORDS}/nowhere")),
    "unknown-url": (404, lambda c: c.get("/nowhere")),
    "method": (405, lambda c: c.call("PATCH", RECORDS)),
    "precondition": (412, lambda c: c.put(f"{RECORDS}/r", {}, CONDITIONAL)),
    "media-type": (415, lambda c: c.call("POST", RECORDS, "x", {"Content-Type": "text/plain"})),
    "crash": (500, with_storage(crash)),
    "backend": (503, with_storage(fail)),
    "heartbeat": (200, lambda c: c.get("/__heartbeat__")),
    "lbheartbeat": (200, lambda c: c.get("/__lbheartbeat__")),
    "batch": (200, lambda c: c.batch({"path": "/"})),
}


@pytest.mark.guide("set backoff")
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_answer_says_when_to_come_back(kind: str) -> None:
    status, call = KINDS[kind]
    answer = call(Client(app_with(backoff=3600)))
    assert answer.status == status
    assert answer.headers.get("Backoff") == "3600"


@pytest.mark.guide("set backoff")
def test_so_do_the_items_of_a_batch_and_the_answers_of_a_dead_service() -> None:
    client = Client(app_with(backoff=3600))
    paths = [RECORDS, f"{RECORDS}/nowhere", "/buckets/"]
    items = client.batch(*({"path": path} for path in paths)).json["responses"]
    assert [item["headers"].get("Backoff") for item in items] == ["3600"] * 3

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gone = Client(memory_app({"kinto.backoff": 3600, "kinto.eos": "2015-01-22"})).get("/")
    assert (gone.status, gone.headers.get("Backoff")) == (410, "3600")


@pytest.mark.guide("unset backoff")
@pytest.mark.parametrize("kind", KINDS)
def test_no_answer_says_so_once_the_setting_is_gone(kind: str) -> None:
    status, call = KINDS[kind]
    answer = call(Client(app_with()))
    assert answer.status == status
    assert "Backoff" not in answer.headers
