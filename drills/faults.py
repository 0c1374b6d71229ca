"""The faults: each has something break, and tells when it was whole again."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from drills.database import Database, Occupation
from drills.service import Service


@dataclass(slots=True)
class Stage:
    """Where a drill takes place.

    :param times: how often, and ...
    :param seconds: how long something is broken.
    :param calm_seconds: what clients have to themselves after each fault.
    """

    database: Database
    service: Service
    times: int
    seconds: float
    calm_seconds: float
    calms: list["Calm"] = field(default_factory=list)
    broken_at: list[float] = field(default_factory=list)

    def broken(self) -> None:
        """Something breaks now."""
        self.broken_at.append(time.monotonic())

    def calm(self, started: float | None = None) -> None:
        """Everything is whole (since when), and remains so for a while."""
        began = time.monotonic() if started is None else started
        time.sleep(max(0.0, began + self.calm_seconds - time.monotonic()))
        self.calms.append(Calm(began, time.monotonic()))


@dataclass(frozen=True, slots=True)
class Calm:
    """A while without a fault, after one."""

    started: float
    ended: float


Fault = Callable[[Stage], None]


def stop_database(stage: Stage) -> None:
    """Every process of PostgreSQL is stopped, and goes on later."""
    for _ in range(stage.times):
        stage.broken()
        stage.database.freeze()
        time.sleep(stage.seconds)
        stage.database.thaw()
        stage.calm(stage.database.wait_until_accepting())


def kill_database(stage: Stage) -> None:
    """Every process of PostgreSQL is killed; it is started again at once."""
    for _ in range(stage.times):
        stage.broken()
        stage.database.kill()
        time.sleep(stage.seconds)
        stage.calm(stage.database.restart())


def kill_workers(stage: Stage) -> None:
    """A worker of the service is killed."""
    for _ in range(stage.times):
        ready = stage.service.count_starts()
        stage.service.kill_worker()
        stage.broken()
        # The other one is killed only after the successor of this one has begun to serve.
        stage.service.wait_for_workers(ready + 1)
        stage.calm()


def reload_service(stage: Stage) -> None:
    """Each worker of the service is replaced, one after the other."""
    for _ in range(stage.times):
        stage.broken()
        stage.calm(stage.service.reload())


def fill_database(stage: Stage) -> None:
    """Others take all connections of the database, and those that the service loses."""
    for _ in range(stage.times):
        stage.broken()
        occupation = Occupation(stage.database)
        time.sleep(stage.seconds / 2)
        stage.database.end_sessions_of_others()
        time.sleep(stage.seconds / 2)
        stage.calm(occupation.release())
