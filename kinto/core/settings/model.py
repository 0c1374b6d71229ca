"""All settings, as one tree of frozen dataclasses."""

from collections.abc import Iterator
from dataclasses import dataclass

from kinto.core.settings.authentication import (
    AccountSettings,
    AuthenticationSettings,
    PrincipalsSettings,
)
from kinto.core.settings.backends import (
    CacheSettings,
    EmbeddedSettings,
    PermissionSettings,
    StorageSettings,
)
from kinto.core.settings.definitions import (
    Definition,
    NotInCore,
    group,
    iter_definitions,
    iter_groups,
)
from kinto.core.settings.deployment import (
    BackoffSettings,
    CorsSettings,
    DeploymentSettings,
    DeprecationSettings,
    ProjectSettings,
    RedirectSettings,
)
from kinto.core.settings.features import (
    BatchSettings,
    FeatureSettings,
    IdGeneratorSettings,
    LimitsSettings,
    PaginationSettings,
    StartupSettings,
)
from kinto.core.settings.monitoring import MonitoringSettings, PrometheusSettings
from kinto.core.settings.plugins import (
    AdminSettings,
    CacheControlSettings,
    FirefoxAccountsSettings,
    HistorySettings,
)


@dataclass(frozen=True, slots=True)
class CoreSettings:
    """The settings, in the order of the settings page."""

    features: FeatureSettings = group(FeatureSettings)
    pagination: PaginationSettings = group(PaginationSettings)
    batch: BatchSettings = group(BatchSettings)
    limits: LimitsSettings = group(LimitsSettings)
    startup: StartupSettings = group(StartupSettings)
    storage: StorageSettings = group(StorageSettings, prefix="storage_")
    cache: CacheSettings = group(CacheSettings, prefix="cache_")
    permission: PermissionSettings = group(PermissionSettings, prefix="permission_")
    embedded: EmbeddedSettings = group(EmbeddedSettings)
    principals: PrincipalsSettings = group(PrincipalsSettings)
    authentication: AuthenticationSettings = group(AuthenticationSettings)
    accounts: AccountSettings = group(AccountSettings, prefix="account_")
    deployment: DeploymentSettings = group(DeploymentSettings)
    cors: CorsSettings = group(CorsSettings)
    redirects: RedirectSettings = group(RedirectSettings)
    backoff: BackoffSettings = group(BackoffSettings)
    deprecation: DeprecationSettings = group(DeprecationSettings)
    project: ProjectSettings = group(ProjectSettings)
    cache_control: CacheControlSettings = group(CacheControlSettings)
    id_generators: IdGeneratorSettings = group(IdGeneratorSettings)
    monitoring: MonitoringSettings = group(MonitoringSettings)
    prometheus: PrometheusSettings = group(PrometheusSettings, prefix="prometheus_")
    history: HistorySettings = group(HistorySettings, prefix="history.")
    admin: AdminSettings = group(AdminSettings)
    fxa: FirefoxAccountsSettings = group(FirefoxAccountsSettings, prefix="fxa-oauth.")


def iter_titled_groups() -> Iterator[tuple[str, tuple[Definition, ...]]]:
    """Title and definitions of each group, in the order of the settings page."""
    for _, cls, prefix in iter_groups(CoreSettings):
        definitions = tuple(definition for _, definition in iter_definitions(cls, prefix))
        yield (cls.__doc__ or cls.__name__), definitions


DEFINITIONS: dict[str, Definition] = {
    definition.name: definition
    for _, definitions in iter_titled_groups()
    for definition in definitions
}

# `kinto.core.DEFAULT_SETTINGS`
CORE_DEFAULT_SETTINGS = {
    definition.name: definition.core_default
    for definition in DEFINITIONS.values()
    if definition.is_listed and definition.core_default is not NotInCore
}

# `kinto.DEFAULT_SETTINGS`: what differs; `includes` is there to be extended by tests of plugins.
KINTO_DEFAULT_SETTINGS = {
    definition.name: definition.default
    for definition in DEFINITIONS.values()
    if definition.is_listed and definition.core_default != definition.default
} | {"includes": ""}
