import psycopg2
import pytest

from tests.support.services import MEMORY_SETTINGS, postgresql_settings, write_ini


UNREACHABLE = "postgresql://user:hunter2@127.0.0.1:1/nowhere"


@pytest.fixture
def memory_ini(tmp_path):
    return write_ini(tmp_path / "memory.ini", MEMORY_SETTINGS)


@pytest.fixture
def postgresql_ini(tmp_path, new_database):
    return write_ini(tmp_path / "postgresql.ini", postgresql_settings(new_database()))


def test_memory_needs_no_migration(run_kinto, memory_ini):
    result = run_kinto("migrate", "--ini", memory_ini)

    assert result.returncode == 0, result.stderr
    assert result.stdout == ""


@pytest.mark.guide("init with PostgreSQL")
def test_tables_are_made_once(run_kinto, postgresql_ini):
    first = run_kinto("migrate", "--ini", postgresql_ini)
    second = run_kinto("migrate", "--ini", postgresql_ini)

    assert first.returncode == second.returncode == 0, first.stderr + second.stderr
    assert "INFO   Created PostgreSQL cache tables" in first.stderr
    assert "INFO   PostgreSQL cache schema is up-to-date." in second.stderr
    assert "INFO   PostgreSQL storage schema is up-to-date." in second.stderr
    assert "INFO   PostgreSQL permission schema is up-to-date." in second.stderr


def test_dry_run_changes_nothing(run_kinto, postgresql_ini):
    first = run_kinto("migrate", "--ini", postgresql_ini, "--dry-run")
    second = run_kinto("migrate", "--ini", postgresql_ini)

    assert first.returncode == second.returncode == 0, first.stderr + second.stderr
    assert "Created PostgreSQL cache tables" in second.stderr


def test_readonly_server_migrates_its_cache_only(run_kinto, tmp_path, new_database):
    settings = postgresql_settings(new_database()) | {"kinto.readonly": "true"}
    ini = write_ini(tmp_path / "readonly.ini", settings)

    result = run_kinto("migrate", "--ini", ini)

    assert result.returncode == 0
    assert "Created PostgreSQL cache tables" in result.stderr
    for kind in ("storage", "permission"):
        message = f"ERROR  Cannot migrate the {kind} backend while in readonly mode."
        assert message in result.stderr


@pytest.mark.parametrize(
    "args", [["migrate"], ["flush-cache"], ["purge-deleted", "record", "1"]], ids=" ".join
)
def test_unreachable_database_is_told_in_one_line(run_kinto, tmp_path, args):
    ini = write_ini(tmp_path / "unreachable.ini", postgresql_settings(UNREACHABLE))

    result = run_kinto(*args, "--ini", ini)

    assert result.returncode == 1
    errors = [line for line in result.stderr.splitlines() if line.startswith("ERROR")]
    assert len(errors) == 1
    assert "onnection refused" in errors[0]
    assert "postgresql://user:***@127.0.0.1:1/nowhere" in errors[0]
    assert "hunter2" not in result.stderr
    assert "Traceback" not in result.stderr


def test_bad_settings_are_all_told(run_kinto, tmp_path):
    bad = {"kinto.readonly": "maybe", "kinto.paginate_by": "many"}
    ini = write_ini(tmp_path / "bad.ini", MEMORY_SETTINGS | bad)

    result = run_kinto("migrate", "--ini", ini)

    assert result.returncode == 1
    assert "'kinto.readonly': expected bool, got 'maybe'." in result.stderr
    assert "'kinto.paginate_by': expected optional int, got 'many'." in result.stderr
    assert "Traceback" not in result.stderr


def test_cache_is_emptied(run_kinto, memory_ini):
    result = run_kinto("flush-cache", "--ini", memory_ini)

    assert result.returncode == 0
    assert "INFO   Cache has been cleared." in result.stderr
    assert result.stdout == ""


def test_old_tombstones_are_removed(run_kinto, memory_ini):
    result = run_kinto("purge-deleted", "record,bucket", "group", "3", "--ini", memory_ini)

    assert result.returncode == 0, result.stderr
    assert "INFO   Keep only 3 tombstones per parent and resource." in result.stderr
    assert "INFO   0 tombstone(s) deleted." in result.stderr


@pytest.mark.parametrize("before", [True, False])
def test_cache_in_postgresql_is_emptied(run_kinto, tmp_path, new_database, before):
    url = new_database()
    ini = write_ini(tmp_path / "postgresql.ini", postgresql_settings(url))
    run_kinto("migrate", "--ini", ini)
    execute(url, "INSERT INTO cache (key, value) VALUES ('a', '1')")

    args = ["--ini", ini, "flush-cache"] if before else ["flush-cache", "--ini", ini]
    result = run_kinto(*args)

    assert result.returncode == 0, result.stderr
    assert "INFO   Cache has been cleared." in result.stderr
    assert execute(url, "SELECT count(*) FROM cache") == [(0,)]


def test_old_tombstones_in_postgresql_are_removed(run_kinto, tmp_path, new_database):
    url = new_database()
    ini = write_ini(tmp_path / "postgresql.ini", postgresql_settings(url))
    run_kinto("migrate", KINTO_INI=str(ini))
    execute(
        url,
        """
        INSERT INTO objects (id, parent_id, resource_name, last_modified, data, deleted)
        SELECT 'r' || n, '/buckets/b/collections/' || c, 'record',
               from_epoch(1000000000000 + n), '{"deleted": true}', true
          FROM generate_series(1, 5) AS n, generate_series(1, 2) AS c
        """,
    )

    result = run_kinto("purge-deleted", "record", "group", "2", KINTO_INI=str(ini))

    assert result.returncode == 0, result.stderr
    assert "INFO   6 tombstone(s) deleted." in result.stderr
    left = execute(url, "SELECT parent_id, id FROM objects ORDER BY parent_id, id")
    assert left == [(f"/buckets/b/collections/{c}", f"r{n}") for c in (1, 2) for n in (4, 5)]


def execute(url, statement):
    """The rows that a statement gives, if any."""
    connection = psycopg2.connect(url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(statement)
        rows = cursor.fetchall() if cursor.description else []
    connection.close()
    return rows
