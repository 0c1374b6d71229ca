"""Start-up of an application: settings, steps, plugins, views.

Source: extension API, sections 2 and 2.1.
"""

import os
import warnings
from collections.abc import Mapping
from typing import Any

import structlog
from pyramid.config import Configurator
from pyramid.exceptions import ConfigurationError
from pyramid.settings import aslist
from pyramid.tweens import EXCVIEW, INGRESS
from pyramid_retry import mark_error_retryable

from kinto.core.dispatch import dispatch_directly
from kinto.core.events import ForActions, ForResources, ResourceSubscribers
from kinto.core.execution import execute_reads_once
from kinto.core.logs import JsonLogFormatter
from kinto.core.metrics import IMetricsService, NoOpMetricsService
from kinto.core.migrations import IMigratable
from kinto.core.prepared_requests import execute_prepared
from kinto.core.registry import adopt_registry
from kinto.core.request import Request
from kinto.core.request_log import log_requests
from kinto.core.response import use_light_responses
from kinto.core.route_mapper import install_route_mapper
from kinto.core.service import include_services
from kinto.core.settings import (
    CORE_DEFAULT_SETTINGS,
    LiveSettings,
    parse_bool,
    parse_settings,
    read_settings,
)
from kinto.core.setup.former_packages import resolve_former_package
from kinto.core.setup.http import setup_cors
from kinto.core.setup.refusals import naming_setting, require_callable
from kinto.core.storage.exceptions import ConcurrentWriteError


log = structlog.get_logger("kinto.core")

_CORE_STEPS = "kinto.core.initialization."
# With the third attempt the lists are locked already at the second: it only waits.
_RETRY_ATTEMPTS = 3


def initialize(
    config: Configurator,
    version: str | None = None,
    settings_prefix: str = "",
    default_settings: Mapping[str, Any] | None = None,
) -> None:
    """Set an application up: settings, then everything that :func:`includeme` does.

    :param version: of the application; its major number is the prefix of its URLs, unless the
        setting ``http_api_version`` says otherwise.
    :param settings_prefix: of names in configuration files and, upper-cased, in the environment.
    :raises ConfigurationError: for bad settings, one line each.
    """
    prefix = _find_prefix(config, settings_prefix)
    settings = config.get_settings()
    defaults = {**CORE_DEFAULT_SETTINGS, **dict(default_settings or {})}
    loaded = read_settings(settings, prefix=prefix, defaults=defaults, environ=os.environ)
    settings.update(loaded)
    settings["settings_prefix"] = prefix
    _set_versions(settings, version)
    parsed = parse_settings(settings, prefix=prefix or "kinto")
    config.registry.live_settings = LiveSettings(parsed, settings)
    prefix = config.registry.route_prefix = _url_prefix(settings)
    config.include("kinto.core", route_prefix=prefix)
    # What is added from here on, by the application or by tests of plugins, is below it too.
    config.route_prefix = prefix


def _find_prefix(config: Configurator, argument: str) -> str:
    settings = config.get_settings()
    prefix = (
        os.environ.get("KINTO_SETTINGS_PREFIX")
        or settings.get("kinto.settings_prefix")
        or settings.get("settings_prefix")
        or argument
    )
    if not prefix:
        warnings.warn("No value specified for `settings_prefix`", stacklevel=3)
    return str(prefix or "")


def _set_versions(settings: dict[str, Any], version: str | None) -> None:
    project_version = settings.get("project_version") or version
    if not project_version:
        raise ConfigurationError(f"Invalid project version: {project_version!r}")
    settings["project_version"] = str(project_version)
    if not settings.get("http_api_version"):
        settings["http_api_version"] = ".".join(str(project_version).split(".")[:2])


def _url_prefix(settings: Mapping[str, Any]) -> str:
    return f"v{str(settings['http_api_version']).partition('.')[0]}"


def includeme(config: Configurator) -> None:
    """Directives, steps of the start-up, plugins, views of the core."""
    settings = config.get_settings()
    registry = config.registry
    adopt_registry(registry)
    registry.api_capabilities = {}
    registry.heartbeats = {}
    registry.resource_subscribers = ResourceSubscribers(registry)
    registry.execute_prepared = execute_prepared
    registry.public_settings = {"batch_max_requests", "readonly", "explicit_permissions"}
    if not hasattr(registry, "command"):
        registry.command = None
    _add_frameworks(config)
    _add_directives(config)
    registry.registerUtility(NoOpMetricsService(), IMetricsService)
    _expose_metrics(registry)
    JsonLogFormatter.init_from_settings(settings)
    setup_cors(config)
    _run_steps(config)
    registry.metrics = registry.getUtility(IMetricsService)
    _include_plugins(config)
    registry.metrics = registry.getUtility(IMetricsService)
    config.scan("kinto.core.views")
    log.info(f"Running {settings['project_name']} {settings['project_version']}.")


def _add_frameworks(config: Configurator) -> None:
    settings = config.get_settings()
    config.set_request_factory(Request)
    use_light_responses(config)
    settings.setdefault("tm.activate_hook", "kinto.core.tweens.needs_transaction")
    settings.setdefault("tm.manager_hook", "kinto.core.storage.transactions.lazy_manager")
    settings.setdefault("tm.commit_veto", "kinto.core.tweens.commit_veto")
    settings.setdefault("tm.annotate_user", False)
    settings.setdefault("retry.attempts", _RETRY_ATTEMPTS)
    install_route_mapper(config)
    include_services(config)
    config.include("pyramid_tm")
    config.include("pyramid_retry")
    mark_error_retryable(ConcurrentWriteError)
    execute_reads_once(config)
    log_requests(config)
    config.add_tween(
        "kinto.core.tweens.http_tween_factory",
        under=INGRESS,
        over=["pyramid_tm.tm_tween_factory", EXCVIEW],
    )
    config.add_tween(
        "kinto.core.tweens.transaction_tween_factory",
        under="pyramid_tm.tm_tween_factory",
        over=EXCVIEW,
    )
    dispatch_directly(config)


def _add_directives(config: Configurator) -> None:
    config.add_directive("add_api_capability", add_api_capability)
    config.add_directive("add_migration", add_migration)
    config.add_subscriber_predicate("for_actions", ForActions)
    config.add_subscriber_predicate("for_resources", ForResources)


def add_api_capability(
    config: Configurator, identifier: str, description: str = "", url: str = "", **extra: Any
) -> None:
    """Announce a feature in the hello view.

    :raises ValueError: another plugin announced it already.
    """
    capabilities = config.registry.api_capabilities
    known = capabilities.get(identifier)
    if known is not None:
        raise ValueError(f"The '{identifier}' API capability was already registered ({known}).")
    capabilities[identifier] = {"description": description, "url": url, **extra}


def add_migration(config: Configurator, migration: Any) -> None:
    """Have ``kinto migrate`` run the schema of a plugin."""
    config.registry.registerUtility(migration, IMigratable, name=migration.name)


def _expose_metrics(registry: Any) -> None:
    registry.metrics = registry.getUtility(IMetricsService)


def _run_steps(config: Configurator) -> None:
    sequence = config.get_settings()["initialization_sequence"]
    for dotted in aslist(sequence) if isinstance(sequence, str) else sequence:
        with naming_setting("kinto.initialization_sequence", dotted):
            step = config.maybe_dotted(dotted)
        require_callable("kinto.initialization_sequence", dotted, step)(config)


def _include_plugins(config: Configurator) -> None:
    settings = config.get_settings()
    includes = aslist(settings.get("includes") or "")
    flush = settings.get("flush_endpoint_enabled")
    if flush is not None and flush != "":
        includes = _with_flush_setting(includes, is_enabled=parse_bool(flush))
    for dotted in includes:
        _include_plugin(config, dotted)
        config.commit()


def _include_plugin(config: Configurator, dotted: str) -> None:
    try:
        plugin = config.maybe_dotted(resolve_former_package(dotted))
        if not callable(plugin) and not hasattr(plugin, "includeme"):
            raise ConfigurationError(f"Setting 'kinto.includes': {dotted} has no includeme.")
        config.include(plugin)
    except ImportError as error:
        raise ConfigurationError(f"Setting 'kinto.includes': {dotted}: {error}") from error


def _with_flush_setting(includes: list[str], *, is_enabled: bool) -> list[str]:
    plugin = "kinto.plugins.flush"
    if is_enabled:
        return includes if plugin in includes else [*includes, plugin]
    if plugin in includes:
        log.warning("kinto.plugins.flush is left out: flush_endpoint_enabled is false")
    return [name for name in includes if name != plugin]
