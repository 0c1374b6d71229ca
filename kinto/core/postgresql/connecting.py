"""Opening connections: to one server, or to the one among several that serves."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import psycopg2

from kinto.core.postgresql.config import connect_arguments
from kinto.core.postgresql.driver import DriverConnection, DriverOptions


# Preferences of libpq, as the passes over the hosts by which it satisfies them.
_PASSES = {"prefer-standby": ("standby", "any")}


class Connector:
    """Opens connections of one URL.

    With several hosts (``?host=a&host=b``), libpq goes on to the next one when a host refuses,
    but when one is silent it only does so where it does the waiting: here we wait, so we try the
    hosts one by one, each within the time limit. The one that served last comes first, which
    spares new connections the wait for a host that is gone.
    """

    def __init__(self, options: DriverOptions) -> None:
        self._options = options
        self._last_good: tuple[str, str] | None = None

    def open(
        self, parameters: Mapping[str, Any], *, within_seconds: float | None = None
    ) -> DriverConnection:
        """A new connection.

        :param parameters: those of libpq.
        :param within_seconds: for each host, instead of the limit of connecting.
        :raises psycopg2.OperationalError: that of the last host tried.
        """
        arguments = connect_arguments(parameters, self._options)
        arguments["connection_factory"] = partial(
            DriverConnection, self._options, within_seconds=within_seconds
        )
        hosts = _hosts(arguments)
        if len(hosts) < 2:
            return self._connect(arguments)
        if self._last_good in hosts:
            hosts.sort(key=lambda host: host != self._last_good)
        failure: psycopg2.OperationalError | None = None
        for wanted in _passes(arguments):
            for host, port in hosts:
                try:
                    connection = self._connect(arguments | {"host": host, "port": port} | wanted)
                except psycopg2.OperationalError as error:
                    failure = error
                else:
                    self._last_good = (host, port)
                    return connection
        assert failure is not None
        raise failure

    def _connect(self, arguments: Mapping[str, Any]) -> DriverConnection:
        connection: DriverConnection = psycopg2.connect(**arguments)
        return connection


def _hosts(arguments: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Each host with its port; one port may stand for all hosts."""
    hosts = str(arguments.get("host") or "").split(",")
    ports = str(arguments.get("port") or "5432").split(",")
    if len(ports) == 1:
        ports *= len(hosts)
    return list(zip(hosts, (port or "5432" for port in ports), strict=False))


def _passes(arguments: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    wanted = arguments.get("target_session_attrs", "any")
    for attribute in _PASSES.get(wanted, (wanted,)):
        yield {"target_session_attrs": attribute}
