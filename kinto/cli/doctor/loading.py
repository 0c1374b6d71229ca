"""The application: whether it can be made of this configuration."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kinto.cli.doctor.findings import Check, Context, Finding, ok
from kinto.config.inifile import load_application
from kinto.core.migrations import IMigratable


@dataclass(frozen=True, slots=True)
class Application:
    """What start-up made.

    :param capabilities: what it announces.
    :param plugin_versions: of the schemas that plugins need, by name.
    :param cache: the backend, whatever its class.
    """

    capabilities: tuple[str, ...]
    plugin_versions: Mapping[str, int]
    cache: Any = None


def load(ini: Path) -> Application:
    """Start up as a server would, without serving.

    :raises Exception: what start-up refuses.
    """
    application: Any = load_application(ini, command="doctor")
    registry = application.registry
    versions = {
        str(getattr(migration, "name", name)): migration.schema_version
        for name, migration in registry.getUtilitiesFor(IMigratable)
        if isinstance(getattr(migration, "schema_version", None), int)
    }
    capabilities = tuple(sorted(registry.api_capabilities))
    return Application(capabilities, versions, getattr(registry, "cache", None))


def judge_start(application: Application, context: Context) -> Finding:
    """Does a server start?"""
    capabilities = ", ".join(application.capabilities) or "no plugin"
    return ok(f"plugins, policies, backends load: {capabilities}")


CHECKS = (
    Check(
        "configuration.start",
        "Start-up succeeds: plugins, policies, backends can be loaded.",
        "application",
        judge_start,
        tells_problem=True,
    ),
)
