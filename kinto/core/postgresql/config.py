"""Settings of a PostgreSQL client, read once: ``<prefix>url``, ``<prefix>pool_size``…"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import sqlalchemy.util
from pyramid.exceptions import ConfigurationError
from pyramid.settings import asbool
from pyramid.util import DottedNameResolver
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import NullPool, Pool

from kinto.core.postgresql.driver import DriverOptions
from kinto.core.postgresql.limits import TimeLimits
from kinto.core.settings.errors import describe_invalid


DEFAULT_POOLCLASS = "kinto.core.storage.postgresql.pool.QueuePoolWithMaxBacklog"

# Settings of the backends that share the prefix: they are not for the engine.
_OF_THE_BACKENDS = frozenset(
    {"backend", "url", "max_fetch_size", "strict_json", "prefix", "max_size_bytes", "hosts"}
)
_ISOLATION_LEVELS = frozenset(
    {"READ COMMITTED", "READ UNCOMMITTED", "REPEATABLE READ", "SERIALIZABLE"}
)
_KEEPALIVES = {
    "keepalives_idle": 30,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "fallback_application_name": "kinto",
}


# No round trip for a type that nobody uses, no data in messages.
_ENGINE_DEFAULTS: dict[str, Any] = {"use_native_hstore": False, "hide_parameters": True}


class _Option(NamedTuple):
    """An option of the engine or of the driver that has a type and a default of ours."""

    convert: Any  # text or number -> value
    default: Any


_LIMITS = {
    "connect_timeout": _Option(float, 2.0),
    "statement_timeout": _Option(float, 5.0),
    "long_statement_timeout": _Option(float, 30.0),
    "lock_timeout": _Option(float, 3.0),
    "pool_timeout": _Option(float, 3.0),
}
_POOL = {
    "pool_size": _Option(int, 25),
    "max_overflow": _Option(int, 5),
    "pool_recycle": _Option(int, -1),
    "max_backlog": _Option(int, -1),
    "pool_use_lifo": _Option(asbool, True),
}
_SWITCHES = frozenset({"echo", "pool_pre_ping", *_ENGINE_DEFAULTS})


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """What a client is made from.

    :param url: with the driver named, as text, password included.
    :param engine: keyword arguments of ``create_engine``, without prefix.
    """

    url: str
    engine: Mapping[str, Any]
    driver: DriverOptions

    def __repr__(self) -> str:
        return f"<ClientSettings of {make_url(self.url)!r}>"


def normalize_url(url: str) -> str:
    """The URL with psycopg2 as driver, unless another one is named.

    ``postgres:`` is an older spelling of ``postgresql:``.
    """
    for scheme in ("postgres:", "postgresql:"):
        if url.startswith(scheme):
            return f"postgresql+psycopg2:{url.removeprefix(scheme)}"
    return url


def check_url(url: str, prefix: str) -> str:
    """The normalized form of a URL of PostgreSQL.

    :param prefix: of the setting, for the message.
    :raises ConfigurationError: it is none; with its password masked.
    """
    normalized = normalize_url(url)
    try:
        is_postgresql = make_url(normalized).get_backend_name() == "postgresql"
    except (ArgumentError, ValueError) as error:
        raise _bad_url(url, prefix) from error
    if not is_postgresql:
        raise _bad_url(url, prefix)
    return normalized


def _bad_url(url: str, prefix: str) -> ConfigurationError:
    return ConfigurationError(
        describe_invalid(f"kinto.{prefix}url", url, "url (postgresql://… or embedded:…)")
    )


def read_settings(settings: Mapping[str, Any], prefix: str, *, url: str) -> ClientSettings:
    """Convert the settings that begin with ``prefix``.

    :param url: the value of ``<prefix>url``, normalized.
    :raises ConfigurationError: a value that cannot be converted, with its name.
    """
    given = {
        name.removeprefix(prefix): value
        for name, value in settings.items()
        if name.startswith(prefix) and name.removeprefix(prefix) not in _OF_THE_BACKENDS
    }
    limits = TimeLimits(
        *(_take(given, prefix, name, option) for name, option in _LIMITS.items()),
    )
    poolclass = _take(given, prefix, "poolclass", _Option(_resolve, DEFAULT_POOLCLASS))
    # Behind PgBouncer nothing outlives a transaction; a pool of its own says that it is there.
    is_pooled_elsewhere = issubclass(poolclass, NullPool)
    prepared = _take(given, prefix, "prepared_statements", _Option(asbool, True))
    driver = DriverOptions(
        limits=limits,
        prepared=prepared and not is_pooled_elsewhere,
        limits_in_statements=is_pooled_elsewhere,
        isolation_level=_take(given, prefix, "isolation_level", _Option(_isolation_level, None)),
    )
    engine = _ENGINE_DEFAULTS | given
    engine |= _pool_options(engine, prefix, poolclass, limits=limits)
    for name in _SWITCHES & engine.keys():
        engine[name] = _take(engine, prefix, name, _Option(asbool, None))
    return ClientSettings(url, engine, driver)


def connect_arguments(parameters: Mapping[str, Any], options: DriverOptions) -> dict[str, Any]:
    """What libpq is called with: ours are defaults, those of the URL win."""
    arguments = {**_KEEPALIVES, "client_encoding": "utf8", **parameters}
    ours, theirs = options.startup_options(), arguments.pop("options", "")
    if ours or theirs:
        arguments["options"] = f"{ours} {theirs}".strip()
    return arguments


def _pool_options(
    engine: dict[str, Any], prefix: str, poolclass: type[Pool], *, limits: TimeLimits
) -> dict[str, Any]:
    """Options of the pool that this class of pools understands; takes them off ``engine``."""
    accepted = {
        name if name in ("pool_size", "max_overflow", "max_backlog") else f"pool_{name}"
        for name in sqlalchemy.util.get_cls_kwargs(poolclass)
    }
    values = {name: _take(engine, prefix, name, option) for name, option in _POOL.items()}
    values["pool_timeout"] = limits.pool_seconds
    return {name: value for name, value in values.items() if name in accepted} | {
        "poolclass": poolclass
    }


def _take(given: dict[str, Any], prefix: str, name: str, option: _Option) -> Any:
    value = given.pop(name, None)
    if value is None or value == "":
        value = option.default
    if value is None:
        return None
    try:
        return option.convert(value)
    except (ValueError, TypeError) as error:
        message = f"Invalid value of setting {prefix}{name}: {value!r} ({error})"
        raise ConfigurationError(message) from error


def _resolve(name: Any) -> type[Pool]:
    """A class of pools by its dotted name."""
    try:
        found: type[Pool] = DottedNameResolver().maybe_resolve(name)
    except ImportError as error:
        raise ValueError(str(error)) from error
    if not (isinstance(found, type) and issubclass(found, Pool)):
        raise ValueError("expected a class of pools of SQLAlchemy")
    return found


def _isolation_level(value: str) -> str | None:
    """An isolation level in capitals; ``None`` for autocommit, as reads have it anyway."""
    level = value.replace("_", " ").upper()
    if level == "AUTOCOMMIT":
        return None
    if level not in _ISOLATION_LEVELS:
        raise ValueError(f"expected one of {', '.join(sorted(_ISOLATION_LEVELS))}")
    return level
