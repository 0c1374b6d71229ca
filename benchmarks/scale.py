"""Latency against the number of records in a collection: ``make bench-scale``."""

import argparse
import contextlib
import os
import statistics
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from benchmarks.client import HTTPClient
from benchmarks.databases import running_database_server, vacuum
from benchmarks.filling import fill_directly
from benchmarks.seeding import Reply, make_collection, require
from benchmarks.servers import ROOT, Server, Size, running_server
from benchmarks.svg import draw_curves
from benchmarks.workload import BUCKET, OWNER, make_record, record_id, records_path


PLOT_FILE = ROOT / "docs" / "explanation" / "performance-scale.svg"
SHARED_READER = "carol"  # may read one record of each collection
_WARM_UP_REQUESTS = 2
_MAX_SECONDS = 8.0

Latencies = dict[str, dict[str, dict[int, float]]]  # operation, server, size: milliseconds


@dataclass(frozen=True, slots=True)
class Operation:
    """A kind of request; what it sends depends on the number of the request.

    :param path: below the records of the collection.
    """

    name: str
    method: str
    path: Callable[[int], str]
    user: str = OWNER
    has_body: bool = False


@dataclass(frozen=True, slots=True)
class Places:
    """Where requests go in one list.

    :param since: a timestamp that few records are newer than.
    :param deep_page: query string of a page in the middle, as ``Next-Page`` names it.
    """

    since: int
    deep_page: str


def make_operations(size: int, places: Places) -> list[Operation]:
    """Those that are compared, for a collection of that size."""
    unique = uuid.uuid4().hex[:8]

    def fixed(path: str) -> Callable[[int], str]:
        return lambda _number: path

    return [
        Operation("GET a record", "GET", lambda n: f"/{record_id(n * 7919 % size)}"),
        Operation("HEAD of the list", "HEAD", fixed("")),
        Operation("list, first page of 100", "GET", fixed("?_limit=100")),
        Operation("list, deep page of 100", "GET", fixed(f"?{places.deep_page}")),
        Operation("list, since (few)", "GET", fixed(f"?_since={places.since}")),
        Operation("list of what is shared", "GET", fixed("?_limit=100"), user=SHARED_READER),
        Operation("PUT, new", "PUT", lambda n: f"/{unique}-{n}", has_body=True),
        Operation("PUT, existing", "PUT", lambda n: f"/{record_id(n % 50)}", has_body=True),
        Operation("list, filtered", "GET", fixed("?bucket100=42&_limit=20")),
        Operation("list, sorted", "GET", fixed(f"?min_n={size - 50}&_sort=n&_limit=20")),
    ]


def main() -> None:
    """Measure all sizes on the servers named, print a table, draw the plot."""
    parser = argparse.ArgumentParser(description=__doc__)
    env = os.environ
    parser.add_argument("--sizes", default=env.get("SIZES") or "1000,10000,100000,1000000")
    parser.add_argument("--servers", default=env.get("SERVERS") or "reference,kinto")
    parser.add_argument("--repeat", type=int, default=int(env.get("REPEAT") or 15))
    parser.add_argument("--no-docs", action="store_true", help="leave the documentation as it is")
    args = parser.parse_args()
    sizes = sorted(int(size) for size in args.sizes.split(","))
    latencies: Latencies = {}
    with contextlib.ExitStack() as stack:
        database_server = stack.enter_context(running_database_server())
        servers: list[tuple[Server, str]] = []
        for name in args.servers.split(","):
            url = database_server.create_database()
            server = stack.enter_context(running_server(name, url, size=Size(1, 1)))
            servers.append((server, url))
        for size in sizes:
            for server, url in servers:
                _fill(server, url, size=size)
            _measure_size(servers, size, args.repeat, latencies)
    show(latencies, sizes)
    if not args.no_docs:
        title = "Latency against the number of records in the collection"
        svg = draw_curves(latencies, title=title, y_title="ms, lowest of some")
        PLOT_FILE.write_text(svg, encoding="utf-8")


def _collection(size: int) -> str:
    return f"c{size}"


def _fill(server: Server, database_url: str, *, size: int) -> None:
    client = HTTPClient(server.url)
    owner = require(client(OWNER, "GET", "/")).json["user"]["id"]
    reader = require(client(SHARED_READER, "GET", "/")).json["user"]["id"]
    require(client(OWNER, "PUT", f"/buckets/{BUCKET}", {"data": {}}))
    make_collection(client, _collection(size))
    print(f"{server.name}: filling a collection with {size:,} records", file=sys.stderr)
    fill_directly(database_url, _collection(size), size, owner=owner)
    vacuum(database_url)
    shared = records_path(_collection(size), f"/{record_id(3)}")
    require(client(OWNER, "PATCH", shared, {"permissions": {"read": [reader]}}))
    client.close()


def _measure_size(
    servers: Sequence[tuple[Server, str]], size: int, repeat: int, latencies: Latencies
) -> None:
    clients = {server.name: HTTPClient(server.url) for server, _ in servers}
    operations = {name: make_operations(size, _find_places(client, size))
                  for name, client in clients.items()}  # fmt: skip
    for index, operation in enumerate(next(iter(operations.values()))):
        times: dict[str, list[float]] = {name: [] for name in clients}
        for number in range(repeat + _WARM_UP_REQUESTS):
            for name, client in clients.items():
                if sum(times[name]) > _MAX_SECONDS:
                    continue
                taken = _time_request(client, operations[name][index], size, number)
                if number >= _WARM_UP_REQUESTS or taken > 1:
                    times[name].append(taken)
        for name, taken_times in times.items():
            lowest = min(taken_times) * 1000
            latencies.setdefault(operation.name, {}).setdefault(name, {})[size] = lowest
            print(
                f"{size:9,} {operation.name:24} {name:10} {lowest:9.2f} ms"
                f" (median {statistics.median(taken_times) * 1000:.2f})", file=sys.stderr,
            )  # fmt: skip
    for client in clients.values():
        client.close()


def _find_places(client: HTTPClient, size: int) -> Places:
    path = records_path(_collection(size))
    newest: Reply = require(client(OWNER, "GET", f"{path}?_limit=2"))
    # The newest one was changed by the preparations.
    since = int(newest.json["data"][-1]["last_modified"])
    middle = since - size // 2
    reply: Reply = require(client(OWNER, "GET", f"{path}?_before={middle}&_limit=100"))
    headers = {name.lower(): value for name, value in reply.headers.items()}
    return Places(since, urlsplit(headers["next-page"]).query)


def _time_request(client: HTTPClient, operation: Operation, size: int, number: int) -> float:
    path = records_path(_collection(size), operation.path(number))
    body = {"data": make_record(number)} if operation.has_body else None
    started = time.perf_counter()
    reply = client(operation.user, operation.method, path, body)
    taken = time.perf_counter() - started
    require(reply)
    return taken


def show(latencies: Latencies, sizes: Sequence[int]) -> None:
    """The table."""
    print(f"{'lowest, ms':24} {'server':10} " + " ".join(f"{size:>10,}" for size in sizes))
    for operation, servers in latencies.items():
        for server, points in servers.items():
            values = " ".join(f"{points[size]:10.2f}" for size in sizes)
            print(f"{operation:24} {server:10} {values}")


if __name__ == "__main__":
    main()
