"""The figures of several rounds, as medians and ratios."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.runs import Load


@dataclass(frozen=True, slots=True)
class Row:
    """One server in one scenario.

    :param rate: successful requests in a second, the median of the rounds.
    :param to_reference: median of the ratios of each round to the reference; ``None`` for the
        reference, or where it answered nothing.
    :param to_limit: the same for the limit, as a share: 1.0 is as fast.
    :param round_trips: to the database for one request; ``None`` if not counted.
    """

    scenario: str
    server: str
    rate: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    to_reference: float | None
    reference_range: tuple[float, float] | None
    to_limit: float | None
    errors: int
    requests: int
    sample_error: str
    round_trips: int | None = None


def summarise(
    loads: Mapping[str, Sequence[Load]], scenario: str, *, round_trips: Mapping[str, int]
) -> list[Row]:
    """The rows of a scenario.

    :param loads: for each server, its rounds in order.
    :param round_trips: for each server, where they were counted.
    """
    rows = []
    for server, rounds in loads.items():
        to_reference = _ratios(rounds, loads.get("reference", []))
        to_limit = _ratios(rounds, loads.get("limit", []))
        rows.append(
            Row(
                scenario,
                server,
                rate=statistics.median(load.rate for load in rounds),
                p50_ms=statistics.median(load.p50_ms for load in rounds),
                p99_ms=statistics.median(load.p99_ms for load in rounds),
                cpu_us=statistics.median(load.cpu_us for load in rounds),
                to_reference=statistics.median(to_reference) if to_reference else None,
                reference_range=((min(to_reference), max(to_reference)) if to_reference else None),
                to_limit=statistics.median(to_limit) if to_limit else None,
                errors=sum(load.errors for load in rounds),
                requests=sum(load.requests for load in rounds),
                sample_error=next((load.sample_error for load in rounds if load.errors), ""),
                round_trips=round_trips.get(server),
            )
        )
    return rows


def _ratios(rounds: Sequence[Load], others: Sequence[Load]) -> list[float]:
    if rounds is others:
        return []
    pairs = zip(rounds, others, strict=False)
    return [ours.rate / theirs.rate for ours, theirs in pairs if theirs.rate]
