"""The data set of the benchmarks, the requests that they measure.

Everything goes through the public HTTP API, so that the same data and the same requests suit
any server that speaks it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


BUCKET = "bench"
BIG_COLLECTION = "big"  # read only, with as many records as asked for
SPREAD = 8  # writes go round-robin over as many collections
UPDATED_RECORDS = 100  # in each of the collections that updates are spread over
BATCH_SIZE = 25
OWNER = "alice"
READER = "bob"  # reads through a group
_STATUSES = ("draft", "review", "active", "archived", "deleted-soon")
_FILLER = "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor "


@dataclass(frozen=True, slots=True)
class Facts:
    """What the conditional requests need to know about a server that was seeded.

    :param since: timestamp of the big collection before its last five changes.
    :param list_etag: ``ETag`` of the records of the big collection.
    :param record_etag: ``ETag`` of its record number 1.
    """

    records: int
    since: str
    list_etag: str
    record_etag: str


@dataclass(frozen=True, slots=True)
class Scenario:
    """A kind of request.

    In ``path`` and ``body``, ``{n}`` is the number of a record, seven digits; ``{k}`` the
    number of a collection; ``{stem}`` how the names of fresh collections begin; ``{u}`` a text
    that no other request has.

    :param cycle: record numbers are below it; 0 for numbers that only grow.
    :param is_fresh: needs new, empty collections for each run.
    :param has_pool: consumes records that are made just before the run.
    :param one_collection: all writes go to collection 0, whose writers compete.
    :param batch_size: number of PUTs in each request, 0 for a plain request.
    :param follows_pages: each request is for the page that the one before named.
    :param tolerates_errors: they are shown, and do not make the run a failure.
    """

    name: str
    method: str
    path: str
    expected_status: int
    user: str = OWNER
    body: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    cycle: int = 0
    is_fresh: bool = False
    has_pool: bool = False
    one_collection: bool = False
    batch_size: int = 0
    follows_pages: bool = False
    max_connections: int = 64
    tolerates_errors: bool = False

    @property
    def is_read(self) -> bool:
        """Whether it changes nothing on the server."""
        return self.method in {"GET", "HEAD"}


def make_record(number: int) -> dict[str, Any]:
    """The same record for the same number, about 500 bytes of JSON."""
    return {
        "title": f"Record number {number}",
        "n": number,
        "bucket10": number % 10,
        "bucket100": number % 100,
        "status": _STATUSES[number % len(_STATUSES)],
        "score": round((number * 7919 % 10007) / 7.0, 4),
        "enabled": number % 3 == 0,
        "tags": [f"tag{number % 5}", f"tag{number % 17}", f"tag{number % 31}"],
        "person": {"name": f"Person {number % 1000}", "email": f"p{number}@example.org"},
        "text": (_FILLER * 4)[: 210 + number % 40],
    }


def record_id(number: int) -> str:
    """Of the record with that number."""
    return f"rec-{number:07d}"


def collection_path(collection: str) -> str:
    """Path of a collection of the benchmark's bucket."""
    return f"/buckets/{BUCKET}/collections/{collection}"


def records_path(collection: str, tail: str = "") -> str:
    """Path of the records of a collection, or of one of them."""
    return f"{collection_path(collection)}/records{tail}"


def make_scenarios(facts: Facts) -> list[Scenario]:
    """All of them, for one server."""
    return [*_reads(facts), *_writes(), *_long_reads()]


def _reads(facts: Facts) -> list[Scenario]:
    big = records_path(BIG_COLLECTION)
    one = records_path(BIG_COLLECTION, "/rec-{n}")
    count = facts.records
    return [
        Scenario("hello", "GET", "/", 200),
        Scenario("get_record", "GET", one, 200, cycle=count),
        Scenario("get_record_group", "GET", one, 200, user=READER, cycle=count),
        Scenario(
            "get_record_304", "GET", records_path(BIG_COLLECTION, f"/{record_id(1)}"), 304,
            headers={"If-None-Match": facts.record_etag},
        ),
        Scenario("list_100", "GET", f"{big}?_limit=100", 200),
        Scenario("list_100_group", "GET", f"{big}?_limit=100", 200, user=READER),
        Scenario(
            "list_filter_sort", "GET",
            f"{big}?bucket100=42&status=active&_sort=-n&_limit=20", 200,
        ),
        Scenario("list_since", "GET", f"{big}?_since={facts.since}", 200),
        Scenario("list_304", "GET", big, 304, headers={"If-None-Match": facts.list_etag}),
    ]  # fmt: skip


def _writes() -> list[Scenario]:
    # What writers send: a record of the usual size with an attribute that varies.
    body = json.dumps({"data": {**make_record(4242), "title": "{u}"}})
    patch = json.dumps({"data": {"title": "{u}"}})
    updated = records_path("upd-{k}", "/rec-{n}")
    new = records_path("{stem}-{k}", "/{u}")
    cycle = UPDATED_RECORDS
    return [
        Scenario("post", "POST", records_path("{stem}-{k}"), 201, body=body, is_fresh=True),
        Scenario("put_new", "PUT", new, 201, body=body, is_fresh=True),
        # The reference answers 409 to writers that get the same millisecond.
        Scenario(
            "put_new_same", "PUT", new, 201, body=body, is_fresh=True, one_collection=True,
            tolerates_errors=True,
        ),
        Scenario("put_existing", "PUT", updated, 200, body=body, cycle=cycle),
        Scenario("patch", "PATCH", updated, 200, body=patch, cycle=cycle),
        Scenario(
            "delete", "DELETE", records_path("{stem}-{k}", "/rec-{n}"), 200, is_fresh=True,
            has_pool=True,
        ),
        Scenario(
            "batch_25_put", "POST", "/batch", 200, body=body, is_fresh=True,
            batch_size=BATCH_SIZE,
        ),
    ]  # fmt: skip


def _long_reads() -> list[Scenario]:
    big = records_path(BIG_COLLECTION)
    pages = f"{big}?_limit=1000"
    return [
        Scenario("walk_pages", "GET", pages, 200, follows_pages=True, max_connections=1),
        Scenario("list_all_10k", "GET", big, 200),
    ]


def fill(text: str, scenario: Scenario, number: int, *, stem: str, unique: str) -> str:
    """A path or a body as request number ``number`` of a run sends it."""
    collection = 0 if scenario.one_collection else number % SPREAD
    record = number
    if scenario.has_pool or scenario.cycle == UPDATED_RECORDS:
        record = number // SPREAD
    if scenario.cycle == UPDATED_RECORDS:
        record %= scenario.cycle
    elif scenario.cycle:
        record = number * 7919 % scenario.cycle  # not in order
    values = {"stem": stem, "k": str(collection), "u": f"{unique}-{number}", "n": f"{record:07d}"}
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def batch_body(
    scenario: Scenario, number: int, *, stem: str, unique: str, prefix: str
) -> dict[str, Any]:
    """The body of a batch: PUTs of new records, spread over the fresh collections."""
    requests = []
    for each in range(number * scenario.batch_size, (number + 1) * scenario.batch_size):
        path = prefix + records_path(f"{stem}-{number % SPREAD}", f"/{unique}-b{each}")
        body = json.loads(fill(scenario.body or "{}", scenario, each, stem=stem, unique=unique))
        requests.append({"method": "PUT", "path": path, "body": body})
    return {"requests": requests}
