"""What a load generator is told, what it saw."""

import statistics
from dataclasses import dataclass

from benchmarks.workload import Scenario


@dataclass(frozen=True, slots=True)
class Run:
    """What a generator is told.

    :param stem: how the names of fresh collections begin.
    :param pool: number of records that a deleting run may consume; 0 for other runs.
    """

    scenario: Scenario
    url: str
    seconds: float
    connections: int
    stem: str
    pool: int = 0


@dataclass(frozen=True, slots=True)
class Load:
    """What a generator saw.

    :param requests: answered as expected.
    :param sample_error: beginning of one answer that was not.
    :param cpu_us: of the server's processes, for each request.
    """

    requests: int
    errors: int
    seconds: float
    p50_ms: float
    p99_ms: float
    sample_error: str = ""
    cpu_us: float = 0.0

    @property
    def rate(self) -> float:
        """Successful requests in a second."""
        return self.requests / self.seconds


def percentile(values: list[float], percent: int) -> float:
    """Of at least two values."""
    return statistics.quantiles(values, n=100)[percent - 1]
