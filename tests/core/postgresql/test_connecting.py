"""Choosing among several hosts."""

from typing import Any
from unittest import mock

import psycopg2
import pytest

from kinto.core.postgresql import connecting
from kinto.core.postgresql.connecting import Connector
from kinto.core.postgresql.driver import DriverOptions


class Network:
    """Servers by host: ``primary``, ``standby``; others are gone."""

    def __init__(self) -> None:
        self.tried: list[tuple[str, str, str]] = []

    def connect(self, **arguments: Any) -> Any:
        host, port, wanted = (arguments[name] for name in ("host", "port", "target_session_attrs"))
        self.tried.append((host, port, wanted))
        serves = {"primary": ("any", "read-write"), "standby": ("any", "standby")}
        if wanted not in serves.get(host, ()):
            raise psycopg2.OperationalError(f"{host} is not {wanted}")
        return mock.Mock(host=host)


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Network:
    network = Network()
    monkeypatch.setattr(connecting.psycopg2, "connect", network.connect)
    return network


def test_host_that_served_last_comes_first(network: Network) -> None:
    connector = Connector(DriverOptions())
    parameters = {"host": "gone,primary", "port": "1,2", "target_session_attrs": "read-write"}
    for _ in range(2):
        assert connector.open(parameters).host == "primary"

    assert [host for host, _, _ in network.tried] == ["gone", "primary", "primary"]


def test_preference_is_tried_on_every_host_before_it_is_dropped(network: Network) -> None:
    parameters = {"host": "primary,standby", "target_session_attrs": "prefer-standby"}

    assert Connector(DriverOptions()).open(parameters).host == "standby"
    assert Connector(DriverOptions()).open(parameters | {"host": "gone,primary"}).host == "primary"
    assert network.tried == [
        ("primary", "5432", "standby"),
        ("standby", "5432", "standby"),
        ("gone", "5432", "standby"),
        ("primary", "5432", "standby"),
        ("gone", "5432", "any"),
        ("primary", "5432", "any"),
    ]


def test_failure_is_that_of_the_last_host(network: Network) -> None:
    with pytest.raises(psycopg2.OperationalError, match="b is not any"):
        Connector(DriverOptions()).open({"host": "a,b"})
