"""Applications on a PostgreSQL behind a proxy, filled with the data set of the benchmarks."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import psycopg2
import pytest

from benchmarks.seeding import Reply, create_accounts, learn_facts, seed
from benchmarks.sequence import Sequence
from benchmarks.workload import Facts, Scenario, make_scenarios
from tests.support.api import Client, new_id, postgresql_app
from tests.support.proxy import Proxy, running_proxy


RECORDS = 300
# PostgreSQL settles for the plan of a prepared statement at its sixth use.
WARM_UP_REQUESTS = 8
MEASURED_REQUESTS = 3


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
        answer = Client(self.app, user or None).call(method, path, body, headers)
        return Reply(answer.status, answer.headers, answer.json if answer.text else None)

    @property
    def scenarios(self) -> dict[str, Scenario]:
        """Those of the benchmarks, by name."""
        return {scenario.name: scenario for scenario in make_scenarios(self.facts)}

    def warm_up(self, scenario: Scenario) -> Sequence:
        """Prepare for a scenario, send some of its requests."""
        sequence = Sequence(self.send, scenario, stem=new_id())
        sequence.prepare(WARM_UP_REQUESTS + MEASURED_REQUESTS)
        for _ in range(WARM_UP_REQUESTS):
            sequence.send_next()
        return sequence

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
            if settings and "account" in str(settings.get("multiauth.policies")):
                create_accounts(empty.send, password="secret")
            seed(empty.send, records=RECORDS)
            return World(app, proxy, learn_facts(empty.send, records=RECORDS))

        yield make
