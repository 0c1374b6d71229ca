"""The command line, run as a process of its own, or in this one, which is restored."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from tests.support.restored import restored_process


RunCommand = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(autouse=True)
def process_is_restored() -> Iterator[None]:
    with restored_process():
        yield


@pytest.fixture
def environment():
    """The environment without what configures a server of somebody else."""
    return {name: value for name, value in os.environ.items() if not name.startswith("KINTO_")}


@pytest.fixture
def run_kinto(tmp_path, environment) -> RunCommand:
    """Run ``kinto`` in an empty folder: ``run_kinto("migrate", "--ini", path)``."""

    def run(*args: object, answers: str = "", **variables: str):
        return subprocess.run(
            [sys.executable, "-m", "kinto", *map(str, args)],
            input=answers,
            cwd=tmp_path,
            env={**environment, **variables},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run
