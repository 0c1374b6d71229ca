"""How often a request makes a server wait for its database, counted on the wire."""

import time
import uuid

from benchmarks.client import HTTPClient
from benchmarks.seeding import learn_facts, seed
from benchmarks.sequence import Sequence
from benchmarks.servers import Size, running_server
from benchmarks.workload import make_scenarios
from tests.support.proxy import Proxy, running_proxy


_RECORDS = 150
_WARM_UP_REQUESTS = 8
_REPEATS = 3
_QUIET_SECONDS = 0.05


def count_round_trips(name: str, database_url: str, *, scenarios: set[str]) -> dict[str, int]:
    """For each scenario, those of one request; the most of some.

    :param name: of a server, see :mod:`.servers`.
    :param database_url: of an empty database.
    :param scenarios: their names.
    """
    counts = {}
    with (
        running_proxy(database_url) as proxy,
        running_server(name, proxy.url, size=Size(1, 1)) as server,
    ):
        client = HTTPClient(server.url)
        seed(client, records=_RECORDS, log=lambda _text: None)
        for scenario in make_scenarios(learn_facts(client, records=_RECORDS)):
            if scenario.name not in scenarios:
                continue
            sequence = Sequence(client, scenario, stem=f"count-{uuid.uuid4().hex[:8]}")
            sequence.prepare(_WARM_UP_REQUESTS + _REPEATS)
            for _ in range(_WARM_UP_REQUESTS):
                sequence.send_next()
            counts[scenario.name] = max(_count(proxy, sequence) for _ in range(_REPEATS))
        client.close()
    return counts


def _count(proxy: Proxy, sequence: Sequence) -> int:
    proxy.forget()
    sequence.send_next()
    # Nor may a server put off its work until it has answered.
    time.sleep(_QUIET_SECONDS)
    return proxy.round_trips
