"""Runs a drill: database, service, load, fault, verdict."""

import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmarks.servers import Size
from drills.database import Database, running_database
from drills.faults import (
    Fault,
    Stage,
    fill_database,
    kill_database,
    kill_workers,
    reload_service,
    stop_database,
)
from drills.judging import Demands, Findings, Result, judge
from drills.load import Load
from drills.service import Service, running_service


_SETTLING_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Drill:
    """What breaks, and for whom.

    :param times: how often, and ...
    :param seconds: how long, where that is a matter of the fault.
    :param calm_seconds: before the first fault and after each.
    :param writers: clients that write; two more follow, two ask for the health.
    """

    name: str
    title: str
    fault: Fault
    times: int = 1
    seconds: float = 0.0
    calm_seconds: float = 3.0
    writers: int = 5
    size: Size = field(default_factory=lambda: Size(processes=2, threads=6))
    max_connections: int = 100
    settings: Mapping[str, str] = field(default_factory=dict)
    demands: Demands = field(default_factory=Demands)


DRILLS = (
    Drill(
        "stop",
        "PostgreSQL stopped for 15 s, fewer clients than threads",
        stop_database,
        seconds=15,
    ),
    Drill(
        "stop-many",
        "PostgreSQL stopped for 15 s, more clients than threads",
        stop_database,
        seconds=15,
        writers=20,
        size=Size(processes=2, threads=4),
        demands=Demands(balancer_seconds=None),
    ),
    Drill("kill", "PostgreSQL killed and restarted 5 times", kill_database, times=5),
    Drill(
        "workers",
        "uWSGI workers killed 5 times",
        kill_workers,
        times=5,
        demands=Demands(may_break=True, may_refuse=False, recovery_seconds=None),
    ),
    Drill(
        "reload",
        "reload, one worker after the other, twice",
        reload_service,
        times=2,
        demands=Demands(may_refuse=False, recovery_seconds=None, balancer_seconds=None),
    ),
    Drill(
        "limit",
        "all connections of PostgreSQL taken by others for 6 s",
        fill_database,
        seconds=6,
        max_connections=30,
    ),
)


def perform(drill: Drill, *, logs: Path | None = None) -> Result:
    """Run one drill, on a database and a service of its own.

    :param logs: the folder for what the service logs.
    """
    with (
        running_database(max_connections=drill.max_connections) as database,
        running_service(database.url, size=drill.size, settings=drill.settings) as service,
    ):
        try:
            return perform_on(drill, database, service)
        finally:
            if logs is not None:
                shutil.copy(service.daemon.log_file, logs / f"{drill.name}.log")


def perform_on(drill: Drill, database: Database, service: Service) -> Result:
    """Run one drill on what is there already."""
    logged = service.log_length()
    load = Load(service.url, bucket=f"/buckets/{drill.name}", writers=drill.writers)
    stage = Stage(database, service, drill.times, drill.seconds, drill.calm_seconds)
    load.start()
    try:
        time.sleep(drill.calm_seconds)
        drill.fault(stage)
    finally:
        load.stop()
    for follower in load.followers:
        follower.follow()
    findings = Findings(
        stored=load.stored(),
        held_seconds=service.held_seconds(since=logged),
        connections=database.count_connections(),
        idle_in_transaction=_count_left_in_transaction(database),
    )
    return judge(
        drill.name, load, findings,
        demands=replace(drill.demands, max_connections=_most_connections(drill.size)),
        calms=stage.calms, broken_at=stage.broken_at,
    )  # fmt: skip


def _most_connections(size: Size) -> int:
    """How many the service may have: two pools, a connection for each thread.

    Health checks bring threads of their own: two for the first pool, one for the other.
    """
    return size.processes * 2 * (size.threads + 2)


def _count_left_in_transaction(database: Database) -> int:
    """Connections that are in a transaction although nobody asks for anything."""
    deadline = time.monotonic() + _SETTLING_SECONDS
    while (count := database.count_idle_in_transaction()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return count
