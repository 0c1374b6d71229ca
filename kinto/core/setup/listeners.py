"""Listeners that the settings name."""

import os
from typing import Any

import structlog
from pyramid.config import Configurator
from pyramid.exceptions import ConfigurationError

from kinto.core.events import ACTIONS, ResourceChanged, ResourceRead
from kinto.core.metrics import listener_with_timer
from kinto.core.settings import parse_words
from kinto.core.setup.refusals import naming_setting


log = structlog.get_logger(__name__)

_WRITES = (ACTIONS.CREATE, ACTIONS.UPDATE, ACTIONS.DELETE)


def setup_listeners(config: Configurator) -> None:
    """Subscribe each listener to the events that its settings select."""
    settings = config.get_settings()
    for name in parse_words(settings.get("event_listeners")):
        log.info(f"Setting up '{name}' listener")
        key = name.rpartition(".")[2]
        prefix = f"event_listeners.{key}."
        listener = _load(config, name, prefix)
        timed = listener_with_timer(config, f"listeners.{key}", listener)
        actions = _actions(prefix, _option(settings, prefix, "actions"))
        resources = tuple(parse_words(_option(settings, prefix, "resources")))
        options: dict[str, Any] = {"for_actions": actions, "for_resources": resources}
        if ACTIONS.READ in actions:
            config.add_subscriber(timed, ResourceRead, **options)
            actions = tuple(action for action in actions if action is not ACTIONS.READ)
            options["for_actions"] = actions
        if actions:
            config.add_subscriber(timed, ResourceChanged, **options)


def _option(settings: Any, prefix: str, name: str) -> Any:
    key = f"{prefix}{name}"
    value = settings.get(key)
    if value is None:
        variable = f"KINTO_{key}".upper().replace(".", "_").replace("-", "_")
        value = os.environ.get(variable)
    return value


def _load(config: Configurator, name: str, prefix: str) -> Any:
    try:
        load = config.maybe_dotted(name).load_from_config
    except (ImportError, AttributeError, ValueError):
        load = None
    if load is not None:
        with naming_setting("kinto.event_listeners", name):
            return load(config, prefix)
    dotted = _option(config.get_settings(), prefix, "use")
    if not dotted:
        raise ConfigurationError(f"Setting 'kinto.{prefix}use' is missing.")
    with naming_setting(f"kinto.{prefix}use", dotted):
        return config.maybe_dotted(dotted).load_from_config(config, prefix)


def _actions(prefix: str, value: Any) -> tuple[ACTIONS, ...]:
    words = parse_words(value)
    if not words:
        return _WRITES
    try:
        return ACTIONS.from_string_list(words)
    except ValueError as error:
        names = ", ".join(action.value for action in ACTIONS)
        message = f"Setting 'kinto.{prefix}actions': {error} (expected {names})."
        raise ConfigurationError(message) from error
