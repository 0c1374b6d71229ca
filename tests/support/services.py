"""Other real services: memcached, Redis, a Kinto server of our own."""

import contextlib
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from kinto.cli.first_session import first_session_settings
from tests.support.processes import (
    STARTUP_TIMEOUT_SECONDS,
    Daemon,
    DaemonError,
    daemon_user,
    find_program,
    free_port,
    running,
    service_directory,
    wait_for_port,
)


MEMORY_SETTINGS = {
    "kinto.storage_backend": "kinto.core.storage.memory",
    "kinto.cache_backend": "kinto.core.cache.memory",
    "kinto.permission_backend": "kinto.core.permission.memory",
    "kinto.userid_hmac_secret": "some-secret-of-the-tests",
    "multiauth.policies": "basicauth",
}
# What `kinto start` does without a configuration file, beside its database.
START_SETTINGS = {
    name: value
    for name, value in first_session_settings().items()
    if not name.endswith(("_backend", "_url"))
}


def postgresql_settings(url: str) -> dict[str, str]:
    """Settings that put all three backends into one database."""
    settings = dict(MEMORY_SETTINGS)
    for backend in ("storage", "cache", "permission"):
        settings[f"kinto.{backend}_backend"] = f"kinto.core.{backend}.postgresql"
        settings[f"kinto.{backend}_url"] = url
    return settings


@contextmanager
def running_memcached() -> Iterator[str]:
    """``host:port`` of a memcached of our own."""
    with memcached_daemon() as (hosts, _daemon):
        yield hosts


@contextmanager
def memcached_daemon() -> Iterator[tuple[str, Daemon]]:
    """The same, with its process."""
    program = find_program("memcached", package="memcached")
    port = free_port()
    with (
        service_directory("memcached") as directory,
        running(
            [program, "-l", "127.0.0.1", "-p", str(port), "-U", "0", "-m", "32"],
            log_file=directory / "memcached.log",
            user=daemon_user(),
        ) as daemon,
    ):
        wait_for_port(daemon, port=port)
        yield f"127.0.0.1:{port}", daemon


@contextmanager
def running_redis() -> Iterator[str]:
    """URL of a Redis server of our own, without persistence."""
    with redis_daemon() as (url, _daemon):
        yield url


@contextmanager
def redis_daemon() -> Iterator[tuple[str, Daemon]]:
    """The same, with its process."""
    program = find_program("redis-server", package="redis-server")
    port = free_port()
    with service_directory("redis") as directory:
        options = [
            "--port",
            str(port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--dir",
            str(directory),
        ]
        with running(
            [program, *options, "--appendonly", "no"],
            log_file=directory / "redis.log",
            user=daemon_user(),
        ) as daemon:
            wait_for_port(daemon, port=port)
            yield f"redis://127.0.0.1:{port}/0", daemon


def write_ini(path: Path, settings: Mapping[str, object]) -> Path:
    """A configuration file with these settings of the application, logging to stderr."""
    lines = [
        "[server:main]",
        "use = egg:waitress#main",
        "host = 127.0.0.1",
        "port = %(http_port)s",
        "threads = 8",
        "",
        "[app:main]",
        "use = egg:kinto",
        *(f"{name} = {_ini_value(value)}" for name, value in settings.items()),
        "",
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@contextmanager
def running_kinto(
    settings: Mapping[str, object], *, environment: Mapping[str, str] | None = None
) -> Iterator[tuple[str, Daemon]]:
    """Base URL (with the version prefix) and process of a server of our own.

    The schema is migrated first when a backend is PostgreSQL.
    """
    # What the caller has configured for a server of theirs is not ours to inherit.
    env = {name: value for name, value in os.environ.items() if not name.startswith("KINTO_")}
    env.update(environment or {})
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(service_directory("server"))
        ini = write_ini(directory / "kinto.ini", settings)
        if any(str(value).endswith(".postgresql") for value in settings.values()):
            migrate(ini, env=env)
        port = free_port()
        command = [sys.executable, "-m", "kinto", "start", "--ini", str(ini), "--port", str(port)]
        daemon = stack.enter_context(running(command, log_file=directory / "kinto.log", env=env))
        base_url = f"http://127.0.0.1:{port}/v1"
        _wait_until_answering(daemon, url=f"{base_url}/__lbheartbeat__")
        yield base_url, daemon


def migrate(ini: Path, *, env: Mapping[str, str]) -> None:
    """Run ``kinto migrate``."""
    subprocess.run(
        [sys.executable, "-m", "kinto", "migrate", "--ini", str(ini)],
        check=True,
        stdin=subprocess.DEVNULL,
        env=dict(env),
    )


def _wait_until_answering(daemon: Daemon, *, url: str) -> None:
    deadline = time.monotonic() + STARTUP_TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        if daemon.process.poll() is not None:
            raise DaemonError(daemon.log_tail())
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except (OSError, urllib.error.URLError):
            time.sleep(0.1)
        else:
            return
    raise DaemonError(f"{url} does not answer.\n{daemon.log_tail()}")


def _ini_value(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value).replace("%", "%%").replace("\n", "\n    ")
