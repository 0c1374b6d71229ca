"""Applications on a PostgreSQL behind a proxy, filled with the data set of the benchmarks."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import psycopg2
import pytest

from benchmarks.seeding import Reply, learn_facts, put_records, seed
from benchmarks.workload import SPREAD, Facts, Scenario, batch_body, fill, make_scenarios
from tests.support.api import Client, new_id, postgresql_app
from tests.support.proxy import Proxy, running_proxy


RECORDS = 300
# PostgreSQL settles for the plan of a prepared statement at its sixth use.
WARM_UP_REQUESTS = 8


@dataclass(frozen=True, slots=True)
class World:
    """A filled application, and the wire between it and its database."""

    app: Any
    proxy: Proxy
    facts: Facts

    def send(
        self,
        user: str,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """The answer to a request of that user's."""
        answer = Client(self.app, user).call(method, path, body, headers)
        return Reply(answer.status, answer.headers, answer.json if answer.text else None)

    @property
    def scenarios(self) -> dict[str, Scenario]:
        """Those of the benchmarks, by name."""
        return {scenario.name: scenario for scenario in make_scenarios(self.facts)}

    def warm_up(self, scenario: Scenario) -> Callable[[], Reply]:
        """Prepare for a scenario, send some of its requests.

        :returns: sends the next one.
        """
        stem = new_id()
        if scenario.is_fresh:
            for number in range(SPREAD):
                self.send("alice", "PUT", f"/buckets/bench/collections/{stem}-{number}")
        if scenario.has_pool:
            for number in range(SPREAD):
                put_records(self.send, f"{stem}-{number}", range(WARM_UP_REQUESTS))
        numbers = iter(range(1_000_000))

        def send_next() -> Reply:
            return self._send_number(scenario, next(numbers), stem)

        for _ in range(WARM_UP_REQUESTS):
            reply = send_next()
            assert reply.status == scenario.expected_status, reply
        return send_next

    def _send_number(self, scenario: Scenario, number: int, stem: str) -> Reply:
        body: object = None
        if scenario.batch_size:
            body = batch_body(scenario, number, stem=stem, unique=stem, prefix="/v1")
        elif scenario.body:
            body = fill(scenario.body, scenario, number, stem=stem, unique=stem)
        path = fill(scenario.path, scenario, number, stem=stem, unique=stem)
        return self.send(scenario.user, scenario.method, path, body, scenario.headers)

    def refuse_writes(self) -> None:
        """From now on the database takes reads only, as a hot standby does."""
        url = self.proxy.target_url
        connection = psycopg2.connect(url)
        connection.autocommit = True
        with contextlib.closing(connection), connection.cursor() as cursor:
            name = urlsplit(url).path.strip("/")
            cursor.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
        self.app.registry.storage.client.engine.dispose()


@pytest.fixture(scope="module")
def make_world(new_database: Callable[[], str]) -> Iterator[Callable[..., World]]:
    """Fills an application of its own with the data set: ``make_world(settings)``."""
    with contextlib.ExitStack() as stack:

        def make(settings: Mapping[str, object] | None = None) -> World:
            proxy = stack.enter_context(running_proxy(new_database()))
            app = postgresql_app(proxy.url, settings)
            stack.callback(app.registry.storage.client.engine.dispose)
            empty = World(app, proxy, Facts(RECORDS, "", "", ""))
            seed(empty.send, records=RECORDS)
            return World(app, proxy, learn_facts(empty.send, records=RECORDS))

        yield make
