"""The JavaScript client, kinto.js, keeps two devices in step through a real server."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.processes import find_program


HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def installed_client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the session's script, and what it needs from npm."""
    find_program("node", package="nodejs")
    npm = find_program("npm", package="npm")
    directory = tmp_path_factory.mktemp("kinto-js")
    for name in ("package.json", "kinto_js_session.cjs"):
        shutil.copy(HERE / name, directory)
    done = subprocess.run(
        [npm, "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"],
        cwd=directory,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return directory


@pytest.mark.online
@pytest.mark.slow
def test_two_devices_stay_in_step(installed_client: Path, postgresql_kinto: str) -> None:
    done = subprocess.run(
        [find_program("node", package="nodejs"), "kinto_js_session.cjs", postgresql_kinto],
        cwd=installed_client,
        env={**os.environ, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "done"
