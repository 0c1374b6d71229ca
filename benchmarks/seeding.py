"""Filling a server with the data set, over HTTP."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from benchmarks.workload import (
    BATCH_SIZE,
    BIG_COLLECTION,
    BUCKET,
    OWNER,
    READER,
    SPREAD,
    UPDATED_RECORDS,
    Facts,
    collection_path,
    make_record,
    record_id,
    records_path,
)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server answered; ``json`` is ``None`` when it sent no body."""

    status: int
    headers: Mapping[str, str]
    json: Any


class Sender(Protocol):
    """Sends a request of a user's, its path without the version prefix."""

    def __call__(
        self,
        user: str,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply: ...


class UnexpectedAnswer(Exception):
    """A request of the preparations was not answered as it has to be."""


def require(reply: Reply, *statuses: int) -> Reply:
    """The reply, if it has one of these statuses (200 or 201 by default).

    :raises UnexpectedAnswer: it has another.
    """
    if reply.status not in (statuses or (200, 201)):
        raise UnexpectedAnswer(f"{reply.status}: {reply.json}")
    return reply


def seed(send: Sender, *, records: int, log: Callable[[str], None] = print) -> None:
    """Make bucket, group, the big collection, the collections of the updates.

    What is there already stays, so that a second call is quick.
    """
    reader = require(send(READER, "GET", "/")).json["user"]["id"]
    group = f"/buckets/{BUCKET}/groups/readers"
    require(send(OWNER, "PUT", f"/buckets/{BUCKET}", {"data": {}}))
    require(send(OWNER, "PUT", group, {"data": {"members": [reader]}}))
    require(
        send(OWNER, "PUT", collection_path(BIG_COLLECTION), {"permissions": {"read": [group]}})
    )
    fill_collection(send, BIG_COLLECTION, records, log=log)
    for number in range(SPREAD):
        make_collection(send, f"upd-{number}")
        put_records(send, f"upd-{number}", range(UPDATED_RECORDS))


def fill_collection(
    send: Sender, collection: str, records: int, *, log: Callable[[str], None] = print
) -> None:
    """Add records until the collection holds that many."""
    reply = require(send(OWNER, "HEAD", f"{records_path(collection)}?_limit=1"))
    present = int(reply.headers.get("Total-Objects", "0"))
    if present < records:
        log(f"Seeding {records - present} records of {collection}")
        put_records(send, collection, range(present, records))


def make_collection(send: Sender, name: str) -> None:
    """Make an empty collection, or leave it as it is."""
    require(send(OWNER, "PUT", collection_path(name), {}))


def make_fresh_collections(send: Sender, stem: str) -> None:
    """Those that the writes of one run go to."""
    for number in range(SPREAD):
        make_collection(send, f"{stem}-{number}")


def put_records(send: Sender, collection: str, numbers: Iterable[int]) -> None:
    """Write the records with these numbers, in batches."""
    waiting = list(numbers)
    for start in range(0, len(waiting), BATCH_SIZE):
        requests = [
            {
                "method": "PUT",
                "path": f"/v1{records_path(collection, '/' + record_id(number))}",
                "body": {"data": make_record(number)},
            }
            for number in waiting[start : start + BATCH_SIZE]
        ]
        reply = require(send(OWNER, "POST", "/batch", {"requests": requests}))
        for response in reply.json["responses"]:
            if response["status"] not in (200, 201):
                raise UnexpectedAnswer(str(response))


def learn_facts(send: Sender, *, records: int) -> Facts:
    """Change five records; return what the conditional requests need."""
    path = records_path(BIG_COLLECTION)
    since = _etag(send, path).strip('"')
    for number in range(0, min(35, records), 7):
        body = {"data": make_record(number)}
        require(send(OWNER, "PUT", f"{path}/{record_id(number)}", body))
    return Facts(
        records=records,
        since=since,
        list_etag=_etag(send, path),
        record_etag=_etag(send, f"{path}/{record_id(1)}"),
    )


def _etag(send: Sender, path: str) -> str:
    return require(send(OWNER, "HEAD", path)).headers["ETag"]


def create_accounts(send: Sender, *, password: str) -> None:
    """Have owner and reader sign up."""
    for user in (OWNER, READER):
        require(send("", "PUT", f"/accounts/{user}", {"data": {"password": password}}))
