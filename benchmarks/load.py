"""Sending as many requests as a server answers, for some seconds."""

import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable
from dataclasses import replace

import psutil

from benchmarks import python_load, wrk
from benchmarks.client import HTTPClient
from benchmarks.runs import Load, Run
from benchmarks.seeding import make_fresh_collections, put_records
from benchmarks.servers import Server
from benchmarks.workload import SPREAD, Scenario


Generator = Callable[[Run], Load]


def find_generator() -> Generator:
    """wrk, installed if we may, else one in Python, which is too slow for fast servers."""
    if not shutil.which("wrk") and shutil.which("apt-get"):
        subprocess.run(
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "wrk"],
            stdin=subprocess.DEVNULL, capture_output=True, check=False,
        )  # fmt: skip
    if shutil.which("wrk"):
        return wrk.generate
    print(
        "wrk is not installed: a generator in Python is used, whose own limit is some thousand"
        " requests in a second", file=sys.stderr,
    )  # fmt: skip
    return python_load.generate


def measure(
    generate: Generator, server: Server, scenario: Scenario, *, seconds: float, connections: int,
    expected_rate: float,
) -> Load:  # fmt: skip
    """Prepare the server's data for a scenario, then run it.

    :param expected_rate: requests in a second; how many records a deleting run needs.
    """
    # The reference refuses batched paths that have "batch" in them.
    name = scenario.name.replace("_", "-").replace("batch", "bulk")
    stem = f"{name}-{uuid.uuid4().hex[:8]}"
    client = HTTPClient(server.url)
    if scenario.is_fresh:
        make_fresh_collections(client, stem)
    pool = 0
    if scenario.has_pool:
        for_each = int(expected_rate * seconds * 2 / SPREAD) + 20
        pool = for_each * SPREAD
        for number in range(SPREAD):
            put_records(client, f"{stem}-{number}", range(for_each))
    client.close()
    connections = min(connections, scenario.max_connections)
    before = cpu_seconds(server.pid)
    load = generate(Run(scenario, server.url, seconds, connections, stem, pool))
    used = cpu_seconds(server.pid) - before
    return replace(load, cpu_us=used * 1e6 / max(load.requests, 1))


def cpu_seconds(pid: int) -> float:
    """CPU time that a process and its children have used."""
    parent = psutil.Process(pid)
    times = [each.cpu_times() for each in (parent, *parent.children(recursive=True))]
    return float(sum(each.user + each.system for each in times))
