"""What a worker weighs, what its start costs: ``make bench-memory``."""

import argparse
import contextlib
import os
import subprocess
import sys
import uuid

import psutil

from benchmarks.client import HTTPClient
from benchmarks.databases import running_database_server
from benchmarks.seeding import learn_facts, seed
from benchmarks.sequence import Sequence
from benchmarks.servers import NAMES, Server, Size, running_server
from benchmarks.workload import Scenario, make_scenarios


# Weights of the scenarios in a mix of 100 requests; the rest are reads of a record.
_MIX = {
    "list_all_10k": 1, "walk_pages": 2, "batch_25_put": 4, "list_filter_sort": 5, "list_100": 10,
    "put_new": 8, "put_existing": 8, "patch": 8, "post": 4, "list_since": 5, "hello": 5,
    "get_record_304": 10, "get_record_group": 10,
}  # fmt: skip
_REPORTS = 5
# Import, application, one answer, in a process that does nothing else.
_START = """
import resource
from kinto import main
app = main({}, **{
    "kinto.storage_backend": "kinto.core.storage.postgresql",
    "kinto.storage_url": "postgresql://nobody@127.0.0.1:1/none",
    "kinto.permission_backend": "kinto.core.permission.postgresql",
    "kinto.permission_url": "postgresql://nobody@127.0.0.1:1/none",
    "kinto.cache_backend": "kinto.core.cache.memory",
    "kinto.userid_hmac_secret": "secret",
    "multiauth.policies": "basicauth",
})
environ = {
    "REQUEST_METHOD": "GET", "PATH_INFO": "/v1/", "SERVER_NAME": "localhost",
    "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "wsgi.url_scheme": "http",
}
statuses = []
list(app(environ, lambda status, headers, *_: statuses.append(status)))
assert statuses[0].startswith("200"), statuses
usage = resource.getrusage(resource.RUSAGE_SELF)
print(usage.ru_utime + usage.ru_stime)
"""


def worker_megabytes(server: Server) -> float:
    """Resident memory of the largest worker."""
    workers = psutil.Process(server.pid).children(recursive=True)
    return float(max(worker.memory_info().rss for worker in workers)) / 1e6


def measure_startup(repeat: int = 3) -> float:
    """Seconds of CPU from the start of Python to the first answer of ours; the best of some.

    The page is asked for anonymously, which needs no database.
    """
    times = []
    for _ in range(repeat):
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", _START],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
        times.append(float(done.stdout))
    return min(times)


def send_mix(client: HTTPClient, scenarios: dict[str, Scenario], *, hundreds: int) -> None:
    """Send as many hundreds of requests of all kinds."""
    sequences: list[Sequence] = []
    for name, weight in _MIX.items():
        sequence = Sequence(client, scenarios[name], stem=f"mix-{uuid.uuid4().hex[:8]}")
        sequence.prepare(weight * hundreds)
        sequences += [sequence] * weight
    rest = Sequence(client, scenarios["get_record"], stem=f"mix-{uuid.uuid4().hex[:8]}")
    sequences += [rest] * (100 - len(sequences))
    for _ in range(hundreds):
        for sequence in sequences:
            sequence.send_next()


def main() -> None:
    """Print the memory after start-up and while requests come in."""
    parser = argparse.ArgumentParser(description=__doc__)
    env = os.environ
    parser.add_argument("--requests", type=int, default=int(env.get("REQUESTS") or 100_000))
    parser.add_argument("--records", type=int, default=int(env.get("RECORDS") or 10_000))
    parser.add_argument("--servers", default=env.get("SERVERS") or "reference,kinto")
    args = parser.parse_args()
    print(f"kinto      start-up: {measure_startup():.2f} s of CPU")
    with contextlib.ExitStack() as stack:
        database_server = stack.enter_context(running_database_server())
        for name in [name for name in NAMES if name in args.servers.split(",")]:
            url = database_server.create_database()
            with running_server(name, url, size=Size(1, 4)) as server:
                _follow(server, requests=args.requests, records=args.records)


def _follow(server: Server, *, requests: int, records: int) -> None:
    print(f"{server.name:10} after start-up: {worker_megabytes(server):.0f} MB", flush=True)
    client = HTTPClient(server.url)
    seed(client, records=records, log=lambda _text: None)
    facts = learn_facts(client, records=records)
    scenarios = {scenario.name: scenario for scenario in make_scenarios(facts)}
    print(f"{server.name:10} after seeding: {worker_megabytes(server):.0f} MB", flush=True)
    for part in range(_REPORTS):
        send_mix(client, scenarios, hundreds=max(1, requests // _REPORTS // 100))
        sent = (part + 1) * requests // _REPORTS
        print(
            f"{server.name:10} after {sent:,} requests: {worker_megabytes(server):.0f} MB",
            flush=True,
        )
    client.close()


if __name__ == "__main__":
    main()
