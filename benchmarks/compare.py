"""Throughput of the reference, ours and the limit, in interleaved rounds: ``make bench``."""

import argparse
import contextlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.client import PASSWORD, HTTPClient
from benchmarks.comparison import Row, summarise
from benchmarks.databases import describe, running_database_server, vacuum
from benchmarks.load import Generator, find_generator, measure
from benchmarks.report import TITLES, as_text, write_documentation, write_json
from benchmarks.round_trips import count_round_trips
from benchmarks.runs import Load
from benchmarks.seeding import create_accounts, learn_facts, seed
from benchmarks.servers import NAMES, Server, Size, running_server
from benchmarks.workload import Scenario, make_scenarios
from tests.support.postgresql import PostgreSQLServer


_GUESSED_RATE = 1000.0


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Of the command line; the defaults of most come from the environment, as `make` has it."""
    parser = argparse.ArgumentParser(description=__doc__)

    def option(name: str, default: object, **more: object) -> None:
        variable = name.upper().replace("-", "_")
        value = os.environ.get(variable) or default
        parser.add_argument(f"--{name}", default=value, **more)  # type: ignore[arg-type]

    option("processes", 1, type=int)
    option("threads", 4, type=int)
    option("connections", 0, type=int, help="by default, as many as can be served at once")
    option("rounds", 5, type=int)
    option("seconds", 3.0, type=float, help="for each round, scenario and server")
    option("records", 10000, type=int)
    option("scenarios", ",".join(TITLES), help="names, separated by commas")
    option("servers", ",".join(NAMES), help=f"some of {', '.join(NAMES)}")
    option("auth", "basicauth", choices=("basicauth", "account"))
    parser.add_argument("--no-round-trips", action="store_true", help="do not count them")
    parser.add_argument("--no-docs", action="store_true", help="leave the documentation as it is")
    parser.add_argument("--json", type=Path, help="keep the figures in this file")
    return parser.parse_args(arguments)


def main() -> int:
    """Compare; the status is 1 when a server answered other than expected."""
    args = parse_arguments()
    size = Size(args.processes, args.threads)
    names = [name for name in NAMES if name in args.servers.split(",")]
    with contextlib.ExitStack() as stack:
        database_server = stack.enter_context(running_database_server())
        round_trips = {} if args.no_round_trips else _count_all(database_server, names, args)
        servers = [_start(stack, database_server, name, size=size, args=args) for name in names]
        loads = _run_rounds(servers, find_generator(), args)
        conditions = (
            f"{size.processes} process(es) of {size.threads} threads under uWSGI,"
            f" {describe(database_server)}, {args.records:,} records, medians of {args.rounds}"
            f" interleaved rounds of {args.seconds:g} s, {args.auth}, {os.cpu_count()} CPUs."
        )
    rows = [
        row
        for scenario, by_server in loads.items()
        for row in summarise(
            by_server, scenario,
            round_trips={n: c[scenario] for n, c in round_trips.items() if scenario in c},
        )
    ]  # fmt: skip
    print(f"{conditions}\n\n{as_text(rows)}")
    if args.json:
        write_json(rows, args.json, conditions=conditions)
    if not args.no_docs and _is_complete(args):
        write_documentation(rows, conditions=conditions)
    return int(any(_is_failure(row) for row in rows))


def _is_complete(args: argparse.Namespace) -> bool:
    """Whether it is the comparison that the documentation shows."""
    scenarios, servers = set(args.scenarios.split(",")), set(args.servers.split(","))
    return {*TITLES} <= scenarios and {*NAMES} <= servers and args.auth == "basicauth"


def _is_failure(row: Row) -> bool:
    return not row.requests or (bool(row.errors) and row.scenario != "put_new_same")


def _count_all(
    database_server: PostgreSQLServer, names: Sequence[str], args: argparse.Namespace
) -> dict[str, dict[str, int]]:
    wanted = set(args.scenarios.split(","))
    if args.auth != "basicauth":
        return {}
    counts = {}
    for name in names:
        print(f"Counting the round trips of {name}", file=sys.stderr)
        counts[name] = count_round_trips(name, database_server.create_database(), scenarios=wanted)
    return counts


def _start(
    stack: contextlib.ExitStack, database_server: PostgreSQLServer, name: str, *, size: Size,
    args: argparse.Namespace,
) -> tuple[Server, list[Scenario]]:  # fmt: skip
    """Start and fill a server; returns it with its scenarios, which carry its ETags."""
    url = database_server.create_database()
    with_accounts = args.auth == "account"
    server = stack.enter_context(running_server(name, url, size=size, with_accounts=with_accounts))
    client = HTTPClient(server.url)
    if with_accounts and name != "limit":
        create_accounts(client, password=PASSWORD)
    seed(client, records=args.records, log=lambda text: print(f"{name}: {text}", file=sys.stderr))
    facts = learn_facts(client, records=args.records)
    client.close()
    vacuum(url)
    wanted = args.scenarios.split(",")
    return server, [each for each in make_scenarios(facts) if each.name in wanted]


def _run_rounds(
    servers: Sequence[tuple[Server, list[Scenario]]], generate: Generator,
    args: argparse.Namespace,
) -> dict[str, dict[str, list[Load]]]:  # fmt: skip
    """For each scenario and server, what each round saw; a first, short round warms up."""
    loads: dict[str, dict[str, list[Load]]] = {}
    rates: dict[tuple[str, str], float] = {}
    connections = args.connections or Size(args.processes, args.threads).connections
    for number in range(-1, args.rounds):
        seconds = 1.0 if number < 0 else args.seconds
        ordered = servers if number % 2 == 0 else servers[::-1]
        for index, scenario in enumerate(servers[0][1]):
            for server, scenarios in ordered:
                rate = rates.get((scenario.name, server.name), _GUESSED_RATE)
                load = measure(
                    generate, server, scenarios[index], seconds=seconds,
                    connections=connections, expected_rate=rate,
                )  # fmt: skip
                rates[scenario.name, server.name] = load.rate
                if number >= 0:
                    by_server = loads.setdefault(scenario.name, {s.name: [] for s, _ in servers})
                    by_server[server.name].append(load)
                print(
                    f"round {number:2} {scenario.name:18} {server.name:10} {load.rate:9.1f}/s"
                    f" p50 {load.p50_ms:8.2f} ms  {load.errors or ''} {load.sample_error[:90]}",
                    file=sys.stderr,
                )
    return loads


if __name__ == "__main__":
    sys.exit(main())
