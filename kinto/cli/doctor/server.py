"""Checks of a PostgreSQL server: reached, suitable, durable, on time."""

from collections.abc import Iterator

from kinto.cli.doctor.database_facts import Connected, Server
from kinto.cli.doctor.findings import (
    Check,
    Context,
    Finding,
    Findings,
    failure,
    ok,
    warning,
)


_OLDEST_VERSION = 12
_SLOW_ROUND_TRIP_SECONDS = 0.005
_CLOCK_WARNING_SECONDS, _CLOCK_FAILURE_SECONDS = 2.0, 60.0
# The server refuses writes at about 2,146 million.
_AGE_WARNING, _AGE_FAILURE = 1_000_000_000, 1_900_000_000


def judge_reachable(connected: Connected, context: Context) -> Finding:
    """Does it let us in?"""
    return ok(f"{connected.place.shown_url}: connected in {_milliseconds(connected.seconds)}")


def judge_round_trip(connected: Connected, context: Context) -> Finding:
    """How long does a question take?"""
    seconds = connected.round_trip_seconds
    found = f"{_milliseconds(seconds)} for a round trip"
    if seconds > _SLOW_ROUND_TRIP_SECONDS:
        return warning(f"{found}: a read waits once, a write three times", "a database nearby")
    return ok(found)


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.2f} ms"


def judge_version(server: Server, context: Context) -> Finding:
    """Is it new enough?"""
    if server.version_number < _OLDEST_VERSION * 10000:
        fix = f"upgrade PostgreSQL to {_OLDEST_VERSION} or newer"
        return failure(f"PostgreSQL {server.version}", fix)
    return ok(f"PostgreSQL {server.version}")


def judge_encoding(server: Server, context: Context) -> Finding:
    """Can it keep every text?"""
    if server.encoding.upper() != "UTF8":
        fix = (
            f"dump it; CREATE DATABASE {server.quoted_database} ENCODING 'UTF8' TEMPLATE template0"
        )
        return failure(server.encoding, fix)
    return ok("UTF8")


def judge_timezone(server: Server, context: Context) -> Finding:
    """Do its times mean the same to everybody?"""
    if server.is_utc:
        return ok(server.timezone)
    return warning(
        server.timezone, f"ALTER DATABASE {server.quoted_database} SET timezone TO 'UTC';"
    )


def judge_writable(server: Server, context: Context) -> Finding:
    """Does it take writes, where the service makes some?"""
    if not (server.is_standby or server.is_readonly):
        return ok("takes writes")
    reason = "a standby" if server.is_standby else "read-only (default_transaction_read_only)"
    kinds = server.connected.place.kinds
    if context.settings.features.is_readonly and "cache" not in kinds:
        return ok(f"{reason}, as is the service")
    if context.settings.features.is_readonly:
        return failure(f"{reason}: the cache is written even by a service that is read-only",
                       "kinto.cache_url of another server")  # fmt: skip
    return failure(
        f"{reason}: every write fails",
        "kinto.readonly = true, or the URL of the primary (?target_session_attrs=read-write)",
    )


def judge_durability(server: Server, context: Context) -> Findings:
    """Is what was answered still there after a crash?"""
    if server.connected.place.kinds == ("cache",):
        return ok("of no matter to a cache")
    return list(_judge_durability(server)) or ok("fsync and synchronous_commit are on")


def _judge_durability(server: Server) -> Iterator[Finding]:
    reload = "SELECT pg_reload_conf();"
    if not server.has_fsync:
        fix = f"ALTER SYSTEM SET fsync = on; {reload}"
        yield failure("fsync is off: a crash of the machine destroys the database", fix)
    if not server.has_full_page_writes:
        fix = f"ALTER SYSTEM SET full_page_writes = on; {reload}"
        yield failure("full_page_writes is off: a crash of the machine may destroy pages", fix)
    if server.synchronous_commit == "off":
        fix = f"ALTER DATABASE {server.quoted_database} SET synchronous_commit TO on;"
        yield failure("synchronous_commit is off: a crash loses the last writes", fix)


def judge_wraparound(server: Server, context: Context) -> Finding:
    """How far is it from refusing writes?"""
    age = server.transaction_age
    found = f"{age / 1_000_000:.0f} million transactions since the oldest unfrozen one"
    fix = "VACUUM (FREEZE); in each database, and find out what holds autovacuum up"
    if age > _AGE_FAILURE:
        return failure(f"{found}: writes are refused soon", fix)
    if age > _AGE_WARNING:
        return warning(found, fix)
    return ok(found)


def judge_clock(server: Server, context: Context) -> Finding:
    """Does its clock show the same time as ours?"""
    ahead = server.clock_ahead_seconds
    if abs(ahead) <= _CLOCK_WARNING_SECONDS:
        return ok("shows the same time as the one here")
    found = f"{abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} the clock here"
    judge = failure if abs(ahead) > _CLOCK_FAILURE_SECONDS else warning
    return judge(found, "synchronise both clocks (chrony, systemd-timesyncd)")


CHECKS = (
    Check(
        "database.reachable",
        "The database lets the service in.",
        "connected",
        judge_reachable,
        tells_problem=True,
    ),
    Check("database.round_trip", "A round trip is short.", "connected", judge_round_trip),
    Check("database.version", "PostgreSQL is new enough.", "server", judge_version),
    Check("database.encoding", "The encoding is UTF8.", "server", judge_encoding),
    Check("database.timezone", "The time zone is UTC.", "server", judge_timezone),
    Check(
        "database.writable", "It is no standby, unless for reads only.", "server", judge_writable
    ),
    Check("database.durability", "A crash loses nothing.", "server", judge_durability),
    Check("database.wraparound", "Transaction numbers last.", "server", judge_wraparound),
    Check("database.clock", "Its clock shows our time.", "server", judge_clock),
)
