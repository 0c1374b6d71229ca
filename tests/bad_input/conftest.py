"""A small world on each kind of backends, to be shown that nothing hurts it."""

from collections.abc import Callable

import pytest

from tests.bad_input.world import World
from tests.support.api import Client, memory_app, postgresql_app


SETTINGS = {
    "experimental_collection_schema_validation": "true",
    "experimental_permissions_endpoint": "true",
}


@pytest.fixture(scope="session")
def _worlds(new_database: Callable[[], str]) -> dict[str, World]:
    return {
        "memory": World(Client(memory_app(SETTINGS))),
        "postgresql": World(Client(postgresql_app(new_database(), SETTINGS))),
    }


@pytest.fixture(scope="session", params=["memory", "postgresql"])
def world(request: pytest.FixtureRequest, _worlds: dict[str, World]) -> World:
    """One server of each kind; every test of the session sends it its worst."""
    return _worlds[str(request.param)]
