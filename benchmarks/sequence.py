"""The requests of one scenario, one after the other."""

from benchmarks.seeding import Reply, Sender, UnexpectedAnswer, make_fresh_collections, put_records
from benchmarks.workload import SPREAD, Scenario, batch_body, fill


class Sequence:
    """Sends request after request of a scenario, each as a load generator would.

    :param stem: how the names of its fresh collections begin: no other sequence has it.
    """

    def __init__(
        self, send: Sender, scenario: Scenario, *, stem: str, prefix: str = "/v1"
    ) -> None:
        self._send = send
        self._scenario = scenario
        self._stem = stem
        self._prefix = prefix
        self._number = 0

    def prepare(self, requests: int) -> None:
        """Make what as many requests need."""
        if self._scenario.is_fresh:
            make_fresh_collections(self._send, self._stem)
        if self._scenario.has_pool:
            for number in range(SPREAD):
                put_records(self._send, f"{self._stem}-{number}", range(requests // SPREAD + 1))

    def send_next(self) -> Reply:
        """The answer to the next request.

        :raises UnexpectedAnswer: it has another status than the scenario expects.
        """
        scenario, number, stem = self._scenario, self._number, self._stem
        self._number += 1
        body: object = None
        if scenario.batch_size:
            body = batch_body(scenario, number, stem=stem, unique=stem, prefix=self._prefix)
        elif scenario.body:
            body = fill(scenario.body, scenario, number, stem=stem, unique=stem)
        path = fill(scenario.path, scenario, number, stem=stem, unique=stem)
        reply = self._send(scenario.user, scenario.method, path, body, scenario.headers)
        if reply.status != scenario.expected_status:
            raise UnexpectedAnswer(f"{scenario.name}: {reply}")
        return reply
