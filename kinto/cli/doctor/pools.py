"""Checks of connections: as many as the processes open, against as many as there may be."""

from collections.abc import Iterator

from kinto.cli.doctor.database_facts import Connected, Pool, Server
from kinto.cli.doctor.findings import (
    Check,
    Context,
    Finding,
    Findings,
    Workload,
    failure,
    not_checked,
    ok,
    warning,
)


# The heartbeat checks each backend in a thread of its own, at most twice at a time.
_HEARTBEATS = 2


def peak_connections(pool: Pool, threads: int) -> int:
    """The most that a process opens: a thread uses one connection of each pool at a time."""
    users = threads + _HEARTBEATS * len(pool.kinds)
    return users if pool.size is None else min(pool.size, users)


def judge_connections(server: Server, context: Context) -> Finding:
    """Does the server have room for every connection that the processes may open?"""
    if server.has_pooler:
        return ok("a pooler stands between, with limits of its own")
    workload = context.workload
    if workload.processes is None or workload.threads is None:
        return not_checked(f"{workload.source} does not give a number of processes and threads")
    pools = server.connected.place.pools
    needed = workload.processes * sum(peak_connections(pool, workload.threads) for pool in pools)
    available = available_connections(server)
    found = f"up to {needed} connections from {_describe(workload)}; {available} are to be had"
    if needed > available:
        wanted = server.max_connections + needed - available
        return failure(found, _fix(server, wanted))
    return ok(found)


def available_connections(server: Server) -> int:
    """How many connections a role that is no superuser may open, all processes together."""
    limits = [server.max_connections - server.reserved_connections]
    limits += [limit for limit in (server.role_limit, server.database_limit) if limit >= 0]
    return min(limits)


def _describe(workload: Workload) -> str:
    processes = "1 process" if workload.processes == 1 else f"{workload.processes} processes"
    threads = "1 thread" if workload.threads == 1 else f"{workload.threads} threads"
    return f"{processes} of {threads} ({workload.source})"


def _fix(server: Server, wanted: int) -> str:
    if 0 <= server.role_limit <= server.max_connections - server.reserved_connections:
        return f"ALTER ROLE {server.quoted_role} CONNECTION LIMIT -1;"
    if 0 <= server.database_limit <= server.max_connections - server.reserved_connections:
        return f"ALTER DATABASE {server.quoted_database} CONNECTION LIMIT -1;"
    return (
        f"ALTER SYSTEM SET max_connections = {wanted}; then restart PostgreSQL."
        " Or fewer processes, smaller pools, PgBouncer"
    )


def judge_use(server: Server, context: Context) -> Finding:
    """Are connections left now?"""
    available = server.max_connections - server.reserved_connections
    found = f"{server.used_connections} of {available} in use"
    if server.used_connections >= 0.9 * available and not server.has_pooler:
        return warning(found, "SELECT * FROM pg_stat_activity; shows whose they are")
    return ok(found)


def judge_pools(connected: Connected, context: Context) -> Findings:
    """Does a thread that answers get a connection without waiting for others?"""
    threads = context.workload.threads
    if threads is None:
        return not_checked(f"{context.workload.source} does not give a number of threads")
    return list(_judge_pools(connected, threads)) or ok("as many connections as threads")


def _judge_pools(connected: Connected, threads: int) -> Iterator[Finding]:
    for pool in connected.place.pools:
        if pool.size is not None and pool.size < threads:
            yield warning(
                f"{' and '.join(pool.kinds)}: {pool.size} connections for {threads} threads,"
                " so that some wait",
                f"kinto.{pool.kinds[0]}_pool_size = {threads}",
            )


def judge_pooler(server: Server, context: Context) -> Findings:
    """Does what stands between us and the server keep what we prepare?"""
    if not server.has_pooler:
        return ok("the connections are those of the server")
    prepared = [pool for pool in server.connected.place.pools if pool.is_prepared]
    if not prepared:
        return ok("a pooler (PgBouncer?) stands between, and nothing is prepared")
    fix = "; ".join(
        f"kinto.{kind}_poolclass = sqlalchemy.pool.NullPool"
        for pool in prepared
        for kind in pool.kinds
    )
    return warning(
        "a pooler (PgBouncer?) stands between, and statements are prepared: unless it keeps"
        " sessions, requests fail",
        fix,
    )


CHECKS = (
    Check(
        "database.connections",
        "The server has room for the connections of all processes.",
        "server",
        judge_connections,
    ),
    Check("database.use", "Connections are left.", "server", judge_use),
    Check("database.pools", "Each thread gets a connection.", "connected", judge_pools),
    Check("database.pooler", "Nothing is prepared behind PgBouncer.", "server", judge_pooler),
)
