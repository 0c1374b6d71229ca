"""The drills of ``make drills``, made short: what they break, and that they judge it."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from benchmarks.servers import Size
from drills.database import Database, running_database
from drills.performing import DRILLS, Drill, perform_on
from drills.service import Service, running_service


SIZE = Size(processes=2, threads=4)
# Of a machine that is busy with other tests, only that something ends can be demanded.
PATIENT = {"answer_seconds": 10.0, "recovery_seconds": 5.0}


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    with running_database(max_connections=30) as running:
        yield running


@pytest.fixture(scope="module")
def service(database: Database) -> Iterator[Service]:
    limits = {
        f"kinto.{backend}_{name}_timeout": "1"
        for backend in ("storage", "permission", "cache")
        for name in ("statement", "connect")
    }
    with running_service(database.url, size=SIZE, settings=limits) as running:
        yield running


def shortened(drill: Drill) -> Drill:
    demands = replace(drill.demands, **PATIENT)
    if demands.balancer_seconds is not None:
        demands = replace(demands, balancer_seconds=5.0)
    return replace(
        drill,
        times=2 if drill.name == "kill" else 1,
        seconds=min(drill.seconds, 2.0),
        calm_seconds=0.7,
        writers=10 if drill.name == "stop-many" else 3,
        size=SIZE,
        demands=demands,
    )


@pytest.mark.parametrize("drill", DRILLS, ids=[drill.name for drill in DRILLS])
def test_drill_passes(drill: Drill, database: Database, service: Service) -> None:
    result = perform_on(shortened(drill), database, service)

    assert result.failures == []
    assert result.acknowledged > 10
    assert result.lost == result.torn == result.missed == 0
    # It broke: somebody noticed, or at least could have.
    if drill.name in ("stop", "stop-many", "kill", "limit"):
        assert result.refused > 0
