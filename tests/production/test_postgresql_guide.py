"""The section on PostgreSQL of the operator's guide, row by row (operations 3.1), on 15 and 18."""

import itertools
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
import sqlalchemy

from kinto import main
from kinto.core.postgresql import driver
from tests.support.api import Client, postgresql_app
from tests.support.old_databases import run_sql
from tests.support.postgresql import PostgreSQLServer, find_binaries
from tests.support.services import postgresql_settings, write_ini


pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

ROOT = Path(__file__).parent.parent.parent
KINDS = ("storage", "permission", "cache")
SCHEMAS = [
    f"kinto/core/{kind}/postgresql/schema.sql" for kind in ("storage", "permission", "cache")
]
INIT_URL = "postgresql://postgres:postgres@localhost:5432/postgres"
_numbers = itertools.count(1)


class Place(NamedTuple):
    """A database, and a role that the guide's statements are made for."""

    url: str
    role: str
    role_url: str

    def grant(self, *statements: str) -> None:
        """Run statements of the guide as the superuser."""
        database = sqlalchemy.make_url(self.url).database or ""
        for statement in statements:
            run_sql(
                self.url,
                statement.replace("${dbuser}", self.role).replace("${dbname}", database),
            )


@pytest.fixture(scope="module", params=["embedded", "system"])
def server(request: pytest.FixtureRequest) -> PostgreSQLServer:
    """PostgreSQL 18 of the Python package; and that of the system, 15 on Debian 12."""
    name = {"embedded": "postgresql_server", "system": "system_postgresql_server"}
    found: PostgreSQLServer = request.getfixturevalue(name[request.param])
    return found


@pytest.fixture
def place(server: PostgreSQLServer) -> Iterator[Place]:
    """An empty database, a role without any right beyond those of everybody."""
    url = server.create_database()
    role = f"guide_{os.getpid()}_{next(_numbers)}"
    run_sql(url, f"CREATE USER {role} WITH PASSWORD 'a b'")
    role_url = sqlalchemy.make_url(url).set(username=role, password="a b")
    yield Place(url, role, role_url.render_as_string(hide_password=False))
    database = sqlalchemy.make_url(url).database
    server.execute(f'DROP DATABASE "{database}" WITH (FORCE)')
    server.execute(f"DROP ROLE {role}")


def kinto(*args: object, folder: Path, answers: str = "") -> subprocess.CompletedProcess[str]:
    """Run a command, of a user who has configured nothing else."""
    environment = {name: value for name, value in os.environ.items() if "KINTO" not in name}
    return subprocess.run(
        [sys.executable, "-m", "kinto", *map(str, args)],
        input=answers,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def migrate(url: str, folder: Path) -> subprocess.CompletedProcess[str]:
    ini = write_ini(folder / "production.ini", postgresql_settings(url))
    return kinto("--ini", ini, "migrate", folder=folder)


def client(url: str, settings: Mapping[str, object] | None = None) -> Client:
    """A client of a server on a database that was migrated."""
    return Client(main({}, **{**postgresql_settings(url), **(settings or {})}))


CREATE_USER = "GRANT ALL PRIVILEGES ON DATABASE ${dbname} TO ${dbuser}"
READ_ONLY = (
    "GRANT USAGE ON SCHEMA public TO ${dbuser}",
    "GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${dbuser}",
)
CACHE = "GRANT UPDATE, INSERT, DELETE ON cache TO ${dbuser}"
FUTURE = "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO ${dbuser}"


@pytest.fixture
def filled(place: Place) -> Place:
    """The tables were made, and filled, by their owner."""
    owner = Client(postgresql_app(place.url))
    owner.put("/buckets/b", permissions={"read": ["system.Everyone"]})
    for name in ("c", "empty"):
        owner.put(f"/buckets/b/collections/{name}")
    for name in ("r", "s", "gone"):
        owner.put(f"/buckets/b/collections/c/records/{name}", {"name": name})
    owner.delete("/buckets/b/collections/c/records/gone")
    # As in a database whose lists have no timestamps of their own.
    run_sql(place.url, "DELETE FROM timestamps WHERE parent_id LIKE '%empty'")
    return place


@pytest.mark.guide("server version")
def test_row_1_postgresql_12_or_newer_works(place: Place) -> None:
    assert Client(postgresql_app(place.url)).get("/__heartbeat__").status == 200


@pytest.mark.guide("server version")
@pytest.mark.parametrize("command", ["migrate", "start"])
def test_row_1_an_older_postgresql_is_refused(command: str, place: Place, tmp_path: Path) -> None:
    # What is older than 12 is not to be had: the limit is moved instead.
    code = (
        "import sys; from kinto.core.postgresql import driver;"
        "driver.OLDEST_SERVER_VERSION = 990000;"
        "from kinto.__main__ import main; sys.exit(main(sys.argv[1:]))"
    )
    assert driver.OLDEST_SERVER_VERSION == 120_000
    ini = write_ini(tmp_path / "old.ini", postgresql_settings(place.url))
    done = subprocess.run(
        [sys.executable, "-c", code, command, "--ini", ini],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 1
    assert "ERROR  PostgreSQL 12 or newer required (postgresql://" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.guide("privileges of the owner")
def test_row_3_user_and_grant_of_the_guide(place: Place, tmp_path: Path) -> None:
    place.grant(CREATE_USER)
    version = int(run_sql(place.url, "SHOW server_version_num")[0][0])
    assert version >= 150_000
    database = sqlalchemy.make_url(place.url).database

    refused = migrate(place.role_url, tmp_path)

    assert refused.returncode == 1
    error = f'ERROR  Role "{place.role}" cannot create tables in schema "public"'
    line = refused.stderr.splitlines()[-1]
    assert line.startswith(f'{error} of database "{database}". Run as a superuser: ')
    assert "Traceback" not in refused.stderr
    assert run_sql(place.url, "SELECT * FROM pg_tables WHERE schemaname = 'public'") == []

    remedy = f"GRANT CREATE ON SCHEMA public TO {place.role};"
    assert f"Run as a superuser: {remedy}" in line
    run_sql(place.url, remedy)
    for expected in ("Created PostgreSQL storage schema", "storage schema is up-to-date"):
        done = migrate(place.role_url, tmp_path)
        assert done.returncode == 0, done.stderr
        assert expected in done.stderr
    writer = client(place.role_url)
    assert writer.put("/buckets/b").status == 201
    assert writer.get("/__heartbeat__").status == 200


@pytest.mark.guide("privileges of the owner")
def test_row_3_the_grant_is_enough_where_everybody_may_create(place: Place) -> None:
    # As up to 14.
    place.grant("GRANT CREATE ON SCHEMA public TO PUBLIC", CREATE_USER)
    assert Client(postgresql_app(place.role_url)).get("/__heartbeat__").status == 200


@pytest.mark.guide("privileges of the owner")
def test_row_3_an_owner_needs_no_grant(place: Place) -> None:
    place.grant("ALTER DATABASE ${dbname} OWNER TO ${dbuser}")
    assert Client(postgresql_app(place.role_url)).get("/__heartbeat__").status == 200


@pytest.mark.guide("read-only user")
def test_row_4_every_read_works_with_the_right_to_select(filled: Place) -> None:
    filled.grant(*READ_ONLY)
    before = run_sql(filled.url, "SELECT * FROM timestamps ORDER BY 1, 2")
    reader = client(filled.role_url, {"kinto.readonly": "true"})
    records = "/buckets/b/collections/c/records"
    paths = [
        "/", "/buckets", "/buckets/b", "/buckets/b/groups", "/buckets/b/collections",
        "/buckets/b/collections/c", records, f"{records}?_since=1", f"{records}?name=r",
        f"{records}?_sort=-name&_limit=1", f"{records}?has_name=true", f"{records}/r",
        "/buckets/b/collections/empty/records", "/__lbheartbeat__", "/__version__",
    ]  # fmt: skip
    for path in paths:
        answer = reader.get(path)
        assert answer.status == (404 if path == "/__version__" else 200), (path, answer.text)
        assert reader.head(path).status == answer.status, path
        if "ETag" in answer.headers:
            etag = answer.headers["ETag"]
            assert reader.get(path, {"If-None-Match": etag}).status == 304, path
            assert reader.get(path).headers["ETag"] == etag, path
    listed = reader.get(records, _since=1).data
    assert [obj["id"] for obj in listed if "deleted" in obj] == ["gone"]
    assert reader.get(f"{records}/nowhere").status == 404
    assert reader.put(f"{records}/x").status == 405
    assert run_sql(filled.url, "SELECT * FROM timestamps ORDER BY 1, 2") == before

    # A list that was never written to hides none of the later writes.
    empty = "/buckets/b/collections/empty/records"
    etag = reader.get(empty).headers["ETag"]
    written = client(filled.url).put(f"{empty}/new").data
    assert reader.get(empty, _since=etag).data == [written]


@pytest.mark.guide("read-only user without the cache")
def test_row_5_a_cache_that_cannot_be_written_fails_the_heartbeat_only(filled: Place) -> None:
    filled.grant(*READ_ONLY)
    reader = client(filled.role_url, {"kinto.readonly": "true"})

    heartbeat = reader.get("/__heartbeat__")

    assert heartbeat.status == 503
    assert heartbeat.json == {"storage": True, "permission": True, "cache": False}
    assert reader.get("/").json["user"]["id"].startswith("basicauth:")
    assert reader.get("/buckets/b/collections/c/records/r").status == 200


@pytest.mark.guide("grants on the cache")
def test_row_6_grants_on_the_cache_mend_the_heartbeat(filled: Place) -> None:
    filled.grant(*READ_ONLY, CACHE)
    reader = client(filled.role_url, {"kinto.readonly": "true"})

    for _ in range(20):
        heartbeat = reader.get("/__heartbeat__")
        assert heartbeat.status == 200
        assert heartbeat.json == {"storage": True, "permission": True, "cache": True}


PLUGIN = """
from pathlib import Path
from kinto.core.storage.postgresql import PostgreSQLPluginMigration

class Migration(PostgreSQLPluginMigration):
    name = "shelves"
    schema_version = 2
    migrations_directory = str(Path(__file__).parent)

def includeme(config):
    config.add_migration(Migration())
"""
PLUGIN_SQL = """
CREATE TABLE shelves (id INTEGER);
INSERT INTO shelves VALUES (7);
INSERT INTO metadata VALUES ('shelves_schema_version', '2');
"""


@pytest.mark.guide("default privileges")
def test_row_7_default_privileges_reach_the_tables_of_later_versions(
    filled: Place, tmp_path: Path
) -> None:
    filled.grant(*READ_ONLY, FUTURE)
    (tmp_path / "guide_shelves.py").write_text(PLUGIN)
    (tmp_path / "migration_001_002.sql").write_text(PLUGIN_SQL)
    settings = {**postgresql_settings(filled.url), "kinto.includes": "guide_shelves"}
    ini = write_ini(tmp_path / "production.ini", settings)

    for _ in range(2):
        done = kinto("--ini", ini, "migrate", folder=tmp_path)
        assert done.returncode == 0, done.stderr
        assert "Running migrations for plugin 'shelves'." in done.stderr

    assert run_sql(filled.role_url, "SELECT id FROM shelves") == [(7,)]
    reader = client(filled.role_url, {"kinto.readonly": "true"})
    assert reader.get("/buckets/b/collections/c/records/r").status == 200


@pytest.mark.guide("cache table")
def test_row_8_the_table_of_the_cache_is_found_by_the_search_path(place: Place) -> None:
    place.grant(
        "CREATE SCHEMA elsewhere AUTHORIZATION ${dbuser}",
        "ALTER ROLE ${dbuser} IN DATABASE ${dbname} SET search_path TO elsewhere",
    )

    app = postgresql_app(place.role_url)

    tables = "SELECT schemaname FROM pg_tables WHERE tablename = 'cache'"
    assert run_sql(place.url, tables) == [("elsewhere",)]
    assert Client(app).get("/__heartbeat__").status == 200


@pytest.mark.guide("init with PostgreSQL")
def test_row_9_init_migrate_start(place: Place, tmp_path: Path) -> None:
    place.grant("ALTER DATABASE ${dbname} OWNER TO ${dbuser}")
    ini = tmp_path / "production.ini"

    assert kinto("--ini", ini, "init", folder=tmp_path, answers="1\n1\n").returncode == 0
    text = ini.read_text(encoding="utf-8")
    assert text.count(f" = {INIT_URL}\n") == 3
    # The guide's spelling; `%` is special in such files.
    url = place.role_url.replace("postgresql://", "postgres://").replace("%", "%%")
    ini.write_text(text.replace(INIT_URL, url), encoding="utf-8")
    for expected in ("Created PostgreSQL storage schema", "storage schema is up-to-date"):
        done = kinto("--ini", ini, "migrate", folder=tmp_path)
        assert done.returncode == 0, done.stderr
        assert expected in done.stderr

    tables = {row[0] for row in run_sql(place.url, "SELECT tablename FROM pg_tables")}
    wanted = {"objects", "timestamps", "metadata", "cache", "user_principals"}
    assert wanted <= tables
    spelled = place.role_url.replace("postgresql://", "postgres://")
    assert client(spelled).put("/buckets/b").status == 201


@pytest.mark.guide("SQL files")
def test_row_10_tables_made_by_hand_are_up_to_date(place: Place, tmp_path: Path) -> None:
    psql = find_binaries() / "psql"
    command = [psql, "--no-psqlrc", "--quiet", "-v", "ON_ERROR_STOP=1", place.url]
    for kind in KINDS:
        path = ROOT / "kinto" / "core" / kind / "postgresql" / "schema.sql"
        subprocess.run([*command, "-f", path], check=True, capture_output=True)

    done = migrate(place.url, tmp_path)

    assert done.returncode == 0, done.stderr
    assert "Created" not in done.stderr
    for kind in ("cache", "storage", "permission"):
        assert f"PostgreSQL {kind} schema is up-to-date." in done.stderr
    assert client(place.url).put("/buckets/b").status == 201
