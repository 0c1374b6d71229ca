"""An installed service, and databases for it."""

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.support.deployment import Deployment, deployed, made_virtualenv
from tests.support.services import migrate, postgresql_settings, write_ini


@pytest.fixture(scope="session")
def virtualenv() -> Iterator[Path]:
    """A virtual environment of the system's Python, shared by all deployments."""
    with made_virtualenv() as folder:
        yield folder


@pytest.fixture(scope="module")
def deployment(virtualenv: Path) -> Iterator[Deployment]:
    """The folder of a service of this module."""
    with deployed(virtualenv) as made:
        yield made


@pytest.fixture(scope="module")
def settings(
    new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, str]:
    """Everything in a database of this module's own, whose tables are made."""
    values = {
        **postgresql_settings(new_database()),
        "kinto.bucket_create_principals": "system.Authenticated",
    }
    migrate(write_ini(tmp_path_factory.mktemp("ini") / "kinto.ini", values), env=os.environ)
    return values
