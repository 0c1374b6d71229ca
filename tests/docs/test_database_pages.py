"""What postgresql.rst, backup.rst and upgrade.rst tell to run works, in that order."""

import configparser
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2
import pytest

from kinto import main
from tests.support.api import Client, postgresql_app
from tests.support.old_databases import assert_is_kept, make_database_of
from tests.support.pages import adapt, read_block
from tests.support.pgbouncer import running_pgbouncer
from tests.support.postgresql import PostgreSQLServer, find_binaries, running_postgresql
from tests.support.services import postgresql_settings


pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

POSTGRESQL, BACKUP, UPGRADE = (
    f"how-to/{name}.rst" for name in ("postgresql", "backup", "upgrade")
)
INI = "/etc/kinto/kinto.ini"


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQLServer]:
    """One of our own: roles belong to the whole server."""
    with running_postgresql() as running:
        yield running


def execute(url: str, block: str) -> None:
    """Run each statement of a block on its own."""
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        for statement in block.split(";\n"):
            if statement.strip():
                cursor.execute(statement)


@pytest.fixture(scope="module")
def ini(server: PostgreSQLServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of the page, for the database of the page."""
    execute(server.url, read_block(POSTGRESQL, "sql", having="CREATE DATABASE kinto"))
    parts = urlsplit(server.url)
    block = read_block(POSTGRESQL, "ini", having="storage_url")
    text = adapt(block, {"db.example.org:5432": f"{parts.hostname}:{parts.port}"})
    path = tmp_path_factory.mktemp("etc") / "kinto.ini"
    path.write_text(f"[app:main]\nuse = egg:kinto\nmultiauth.policies = basicauth\n{text}")
    run(read_block(POSTGRESQL, "console", having="migrate"), server, ini=path)
    return path


def run(block: str, server: PostgreSQLServer, *, ini: Path) -> str:
    """Execute the commands of a block; the messages of the last one."""
    parts = urlsplit(server.url)
    folders = [str(Path(sys.executable).parent), str(find_binaries()), os.environ["PATH"]]
    environment = {
        **{name: value for name, value in os.environ.items() if "KINTO" not in name},
        "PATH": os.pathsep.join(folders),
        "PGHOST": str(parts.hostname),
        "PGPORT": str(parts.port),
        "PGUSER": "postgres",
        "PGPASSWORD": str(parts.password),
    }
    output = ""
    for line in block.replace(INI, str(ini)).splitlines():
        command = line.replace("kinto@db.example.org", f"kinto@{parts.hostname}:{parts.port}")
        if command.startswith("pip "):
            continue  # tests/test_packaging.py upgrades
        done = subprocess.run(
            shlex.split(command),
            env=environment,
            cwd=ini.parent,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stderr}"
        output = done.stderr
    return output


def client(url: str, **settings: object) -> Client:
    named = {f"kinto.{name}": value for name, value in settings.items()}
    return Client(main({}, **{**postgresql_settings(url), **named}))


def url_of(server: PostgreSQLServer, user: str) -> str:
    parts = urlsplit(server.url_of("kinto"))
    netloc = f"{user}:a%20good%20one@{parts.hostname}:{parts.port}"
    return parts._replace(netloc=netloc).geturl()


def test_tables_are_made_by_the_owner_and_read_by_the_reader(
    server: PostgreSQLServer, ini: Path
) -> None:
    assert client(url_of(server, "kinto")).put("/buckets/b").status == 201
    execute(server.url_of("kinto"), read_block(POSTGRESQL, "sql", having="CREATE USER reader"))
    reader = client(url_of(server, "reader"), readonly="true")
    assert reader.get("/buckets").status == 200
    assert reader.get("/__heartbeat__").status == 503
    execute(server.url_of("kinto"), read_block(POSTGRESQL, "sql", having="ON cache"))
    assert reader.get("/__heartbeat__").status == 200


def test_another_user_is_told_what_to_grant(server: PostgreSQLServer, ini: Path) -> None:
    url = server.url_of("kinto")
    execute(url, read_block(POSTGRESQL, "sql", having="CREATE USER other"))
    execute(url, read_block(POSTGRESQL, "sql", having="GRANT CREATE ON SCHEMA"))
    execute(url_of(server, "other"), "CREATE TABLE of_other (id INT); DROP TABLE of_other")


def test_pgbouncer_and_pools(server: PostgreSQLServer, ini: Path) -> None:
    theirs = configparser.ConfigParser()
    theirs.read_string(read_block(POSTGRESQL, "ini", having="[pgbouncer]"))
    ours = configparser.ConfigParser()
    ours.read_string("[app:main]\n" + read_block(POSTGRESQL, "ini", having="NullPool"))
    through = running_pgbouncer(
        server.url_of("kinto"),
        ignored=theirs["pgbouncer"]["ignore_startup_parameters"],
        pool_mode=theirs["pgbouncer"]["pool_mode"],
    )
    with through as url:
        app = main({}, **{**postgresql_settings(url), **dict(ours["app:main"])})
        assert Client(app).get("/__heartbeat__").status == 200


def test_the_index_for_filters_is_made(server: PostgreSQLServer, ini: Path) -> None:
    execute(server.url_of("kinto"), read_block(POSTGRESQL, "sql", having="jsonb_path_ops"))


def test_a_dump_is_restored_with_everything(server: PostgreSQLServer, ini: Path) -> None:
    url = url_of(server, "kinto")
    owner = client(url)
    owner.put("/buckets/kept", permissions={"read": ["system.Everyone"]})
    owner.put("/buckets/kept/collections/c")
    records = "/buckets/kept/collections/c/records"
    for name in ("a", "b"):
        owner.put(f"{records}/{name}", {"name": name})
    owner.delete(f"{records}/b")
    before = [owner.get(records, _since=1), owner.get("/buckets/kept")]
    # pg_dump is told one password, for both users.
    execute(server.url, f"ALTER USER kinto PASSWORD '{urlsplit(server.url).password}'")

    run(read_block(BACKUP, "console", having="pg_dump"), server, ini=ini)
    execute(server.url, "DROP DATABASE kinto WITH (FORCE)")
    restore = read_block(BACKUP, "console", having="pg_restore").splitlines()
    run("\n".join(restore[:2]), server, ini=ini)
    execute(server.url, "ALTER USER kinto PASSWORD 'a good one'")
    assert "PostgreSQL storage schema is up-to-date." in run(restore[2], server, ini=ini)

    owner = client(url)
    after = [owner.get(records, _since=1), owner.get("/buckets/kept")]
    assert [answer.json for answer in after] == [answer.json for answer in before]
    assert [a.headers["ETag"] for a in after] == [a.headers["ETag"] for a in before]
    run(read_block(BACKUP, "console", having="purge-deleted"), server, ini=ini)
    assert owner.head(records).headers["Total-Objects"] == "1"


def test_the_steps_of_an_upgrade(server: PostgreSQLServer, tmp_path: Path) -> None:
    url = server.create_database()
    facts = make_database_of(11, url, user="nobody")
    path = tmp_path / "kinto.ini"
    lines = [f"{name} = {value}" for name, value in postgresql_settings(url).items()]
    path.write_text("\n".join(["[app:main]", "use = egg:kinto", *lines]))
    backoff = read_block(UPGRADE, "ini", having="backoff").split(" = ")[1].strip()

    output = run(read_block(UPGRADE, "console", having="migrate"), server, ini=path)

    assert "PostgreSQL storage schema migration done" in output
    app = postgresql_app(url, {"kinto.backoff": backoff})
    assert Client(app).get("/").headers["Backoff"] == backoff == "3600"
    facts.permissions.clear()
    everything = {f"kinto.{name}_read_principals": "system.Everyone" for name in
                  ("bucket", "collection", "group", "record")}  # fmt: skip
    assert_is_kept(Client(main({}, **{**postgresql_settings(url), **everything})), facts)
    execute(url, read_block(UPGRADE, "sql", having="CREATE INDEX"))
