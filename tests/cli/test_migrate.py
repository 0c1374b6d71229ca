import logging
from types import SimpleNamespace

import pytest
from pyramid.registry import Registry

from kinto.cli.errors import CommandError, describe_lines, naming_service
from kinto.cli.migrate import initialize_schemas, is_postgresql
from kinto.core.migrations import IMigratable
from kinto.core.storage.exceptions import BackendError


class Backend:
    """Notes its migrations in the order they are run."""

    def __init__(self, name, calls):
        self.name = name
        self.calls = calls
        self.client = f"client of {name}"

    def initialize_schema(self, client=None, dry_run=False):
        self.calls.append((self.name, client, dry_run))


class PostgreSQLBackend(Backend):
    __module__ = "kinto.core.storage.postgresql"


@pytest.fixture
def calls():
    return []


@pytest.fixture
def make_registry(calls):
    def make(storage=Backend, migrations=(), **settings):
        registry = Registry("tests")
        registry.settings = settings
        registry.storage = storage("storage", calls)
        registry.cache = Backend("cache", calls)
        registry.permission = Backend("permission", calls)
        for name in migrations:
            registry.registerUtility(Backend(name, calls), IMigratable, name=name)
        return registry

    return make


@pytest.mark.parametrize("is_dry_run", [False, True])
def test_cache_is_migrated_before_storage_before_permission(calls, make_registry, is_dry_run):
    initialize_schemas(make_registry(), is_dry_run=is_dry_run)

    assert calls == [(name, None, is_dry_run) for name in ("cache", "storage", "permission")]


def test_absent_backends_are_left_out(calls, make_registry):
    registry = make_registry()
    del registry.cache, registry.permission

    initialize_schemas(registry)

    assert [name for name, *_ in calls] == ["storage"]


def test_plugins_come_last_with_the_client_of_the_storage(calls, make_registry, caplog):
    caplog.set_level(logging.INFO)
    registry = make_registry(PostgreSQLBackend, migrations=["quotas"])

    initialize_schemas(registry)

    assert calls[-1] == ("quotas", "client of storage", False)
    assert "Running migrations for plugin 'quotas'." in caplog.messages
    assert "Migration of plugin 'quotas' is no PostgreSQLPluginMigration." in caplog.messages


def test_plugins_are_not_migrated_without_postgresql(calls, make_registry):
    initialize_schemas(make_registry(migrations=["quotas"]))

    assert "quotas" not in [name for name, *_ in calls]


def test_readonly_server_migrates_its_cache_only(calls, make_registry):
    initialize_schemas(make_registry(PostgreSQLBackend, migrations=["quotas"], readonly=True))

    assert [name for name, *_ in calls] == ["cache"]


def test_failing_server_is_named_without_its_password(make_registry):
    registry = make_registry(storage_url="postgresql://u:hunter2@h/d")
    original = OSError("no\n  route to host")
    registry.storage = SimpleNamespace(initialize_schema=lambda **_: _fail(original))

    with pytest.raises(CommandError) as caught:
        initialize_schemas(registry)

    assert str(caught.value) == "no route to host (postgresql://u:***@h/d)"


def _fail(original):
    raise BackendError(original=original)


def test_our_own_errors_are_not_taken_for_those_of_a_server():
    with pytest.raises(ZeroDivisionError), naming_service("postgresql://h/d"):
        1 / 0  # noqa: B018


def test_errors_without_text_are_named():
    assert describe_lines(KeyError()) == ["KeyError"]


def test_storage_derived_from_postgresql_is_postgresql(make_registry):
    class Derived(PostgreSQLBackend):
        __module__ = "some.plugin"

    assert is_postgresql(make_registry(Derived))
    assert not is_postgresql(make_registry(Backend))
