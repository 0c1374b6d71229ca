"""What a drill found, and whether that is what the guarantees say."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from drills.exchanges import Exchange, Outcome
from drills.faults import Calm
from drills.load import Load


# Clocks are read by threads that may wait for a CPU.
_TOLERANCE_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Demands:
    """What a drill has to keep to.

    :param answer_seconds: within which each request is answered.
    :param recovery_seconds: after which nothing fails any more, once all is whole.
    :param balancer_seconds: within which the load balancer's question is answered; ``None``
        where every thread may be taken.
    :param may_break: connections may break of requests that were under way at a fault.
    :param may_refuse: 503 may be answered.
    :param max_connections: of the service, to the database.
    """

    answer_seconds: float = 5.0
    recovery_seconds: float | None = 1.0
    balancer_seconds: float | None = 0.5
    may_break: bool = False
    may_refuse: bool = True
    max_connections: int = 100


@dataclass(slots=True)
class Result:
    """Figures of one drill.

    :ivar failures: each demand that was not met, in a line.
    """

    name: str
    requests: int
    acknowledged: int
    refused: int
    broken: int
    slowest_seconds: float
    held_seconds: float
    balancer_seconds: float
    recovery_seconds: float
    lost: int
    torn: int
    missed: int
    connections: int
    failures: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Findings:
    """What was seen of the server when the load had ended.

    :param stored: the number of each object, by path.
    :param idle_in_transaction: connections.
    """

    stored: dict[str, int]
    held_seconds: float
    connections: int
    idle_in_transaction: int


def judge(
    name: str,
    load: Load,
    findings: Findings,
    *,
    demands: Demands,
    calms: Sequence[Calm],
    broken_at: Sequence[float],
) -> Result:
    """Compare what happened with what was demanded."""
    clients = load.exchanges_of_clients()
    everything = [each for exchanges in clients for each in exchanges]
    balanced = load.balancer.exchanges
    lost, torn, missed = _find_damage(load, findings.stored)
    result = Result(
        name=name,
        requests=len(everything),
        acknowledged=sum(writer.journal.acknowledged for writer in load.writers)
        + sum(count.acknowledged for writer in load.writers for count in writer.counts.values()),
        refused=_count(everything, Outcome.UNAVAILABLE),
        broken=_count(everything, Outcome.BROKEN),
        slowest_seconds=_slowest(everything),
        held_seconds=findings.held_seconds,
        balancer_seconds=_slowest(balanced),
        recovery_seconds=max((_recovery(clients, calm) for calm in calms), default=0.0),
        lost=len(lost),
        torn=len(torn),
        missed=len(missed),
        connections=findings.connections,
    )
    result.failures += [f"lost: {text}" for text in lost]
    result.failures += [f"torn: {text}" for text in torn]
    result.failures += [f"missed: {text}" for text in missed]
    probed = [*balanced, *load.monitor.exchanges]
    result.failures += _wrong(everything + probed, demands, broken_at)
    result.failures += _too_slow(result, load, findings, demands)
    return result


def _find_damage(load: Load, stored: dict[str, int]) -> tuple[list[str], list[str], list[str]]:
    """What was lost, torn, missed."""
    lost = [text for writer in load.writers for text in writer.journal.find_lost(stored)]
    torn = [text for writer in load.writers for text in writer.journal.find_torn(stored)]
    for path in sorted({path for writer in load.writers for path in writer.counts}):
        counts = [writer.counts[path] for writer in load.writers if path in writer.counts]
        least = sum(count.acknowledged for count in counts)
        most = least + sum(count.unknown for count in counts)
        if not least <= stored[path] <= most:
            lost.append(f"{path}: {stored[path]} instead of {least} to {most}")
    missed = []
    for follower in load.followers:
        own = {path: n for path, n in stored.items() if path.startswith(follower.uri + "/")}
        missed += follower.find_missed(own)
    return lost, torn, missed


def _wrong(
    exchanges: Iterable[Exchange], demands: Demands, broken_at: Sequence[float]
) -> list[str]:
    found = []
    for each in exchanges:
        if each.outcome is Outcome.WRONG:
            found.append(f"wrong answer to {each.sender}: {each.detail}")
        elif each.outcome is Outcome.BROKEN and not (
            demands.may_break and _was_under_way(each, broken_at)
        ):
            found.append(f"broken connection of {each.sender}: {each.detail}")
        elif each.outcome is Outcome.UNAVAILABLE and not demands.may_refuse:
            found.append(f"503 to {each.sender}")
    return found


def _was_under_way(exchange: Exchange, broken_at: Sequence[float]) -> bool:
    """Whether a request had begun, or was about to, when something broke."""
    return any(
        exchange.started - _TOLERANCE_SECONDS <= moment <= exchange.ended + _TOLERANCE_SECONDS
        for moment in broken_at
    )


def _too_slow(result: Result, load: Load, findings: Findings, demands: Demands) -> list[str]:
    found = []

    def demand(what: str, seconds: float, limit: float | None) -> None:
        if limit is not None and seconds > limit:
            found.append(f"{what} took {seconds:.2f} s instead of {limit:g} s at most")

    demand("the slowest answer", result.slowest_seconds, demands.answer_seconds)
    demand("the longest use of a thread", result.held_seconds, demands.answer_seconds)
    demand("the heartbeat", _slowest(load.monitor.exchanges), demands.answer_seconds)
    demand("the load balancer's heartbeat", result.balancer_seconds, demands.balancer_seconds)
    demand("the recovery", result.recovery_seconds, demands.recovery_seconds)
    if findings.idle_in_transaction:
        found.append(f"{findings.idle_in_transaction} connections are left in a transaction")
    if findings.connections > demands.max_connections:
        found.append(f"{findings.connections} connections to the database")
    return found


def _recovery(clients: Sequence[Sequence[Exchange]], calm: Calm) -> float:
    """Seconds until the last failure was over and each client had been served."""
    return max(_recovery_of(exchanges, calm) for exchanges in clients)


def _recovery_of(exchanges: Sequence[Exchange], calm: Calm) -> float:
    within = [each for each in exchanges if calm.started < each.ended <= calm.ended]
    done = [each.ended for each in within if each.outcome is Outcome.ANSWERED]
    failed = [each.ended for each in within if each.outcome is not Outcome.ANSWERED]
    after_failures = [moment for moment in done if not failed or moment > failed[-1]]
    return (after_failures[0] if after_failures else calm.ended) - calm.started


def _count(exchanges: Iterable[Exchange], outcome: Outcome) -> int:
    return sum(each.outcome is outcome for each in exchanges)


def _slowest(exchanges: Iterable[Exchange]) -> float:
    return max((each.seconds for each in exchanges), default=0.0)
