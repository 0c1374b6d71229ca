"""A PgBouncer of our own, in front of the PostgreSQL of the tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

from tests.support.processes import (
    daemon_user,
    find_program,
    free_port,
    running,
    service_directory,
    wait_for_port,
)


@contextmanager
def running_pgbouncer(
    url: str,
    *,
    ignored: str = "extra_float_digits",
    pool_mode: str = "transaction",
    pool_size: int = 20,
) -> Iterator[str]:
    """The URL of the same database, by way of PgBouncer.

    :param pool_size: connections to the server.
    :param ignored: parameters of new connections that it is silent about; it refuses those
        that it neither knows nor ignores.
    """
    program = find_program("pgbouncer", package="pgbouncer")
    target = urlsplit(url)
    port = free_port()
    with service_directory("pgbouncer") as directory:
        users = directory / "users.txt"
        users.write_text(f'"{target.username}" "{target.password}"\n', encoding="utf-8")
        ini = directory / "pgbouncer.ini"
        ini.write_text(
            "[databases]\n"
            f"* = host={target.hostname} port={target.port}\n"
            "[pgbouncer]\n"
            f"listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
            f"auth_type = plain\nauth_file = {users}\npool_mode = {pool_mode}\n"
            f"default_pool_size = {pool_size}\nmax_client_conn = 300\n"
            f"ignore_startup_parameters = {ignored}\n",
            encoding="utf-8",
        )
        for path in (users, ini):
            path.chmod(0o644)
        command = [program, str(ini)]
        with running(command, log_file=directory / "pgbouncer.log", user=daemon_user()) as daemon:
            wait_for_port(daemon, port=port)
            userinfo = target.netloc.rpartition("@")[0]
            yield urlunsplit(target._replace(netloc=f"{userinfo}@127.0.0.1:{port}"))
