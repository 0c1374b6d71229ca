"""Settings: read once, from the INI file and the environment, into frozen dataclasses."""

from kinto.core.settings.authentication import (
    AccountSettings,
    AuthenticationSettings,
    PrincipalsSettings,
)
from kinto.core.settings.backends import (
    BackendSettings,
    CacheSettings,
    EmbeddedSettings,
    PermissionSettings,
    StorageSettings,
)
from kinto.core.settings.decoding import decode_value
from kinto.core.settings.definitions import Definition, setting
from kinto.core.settings.deployment import (
    BackoffSettings,
    CorsSettings,
    DeploymentSettings,
    DeprecationSettings,
    ProjectSettings,
    RedirectSettings,
)
from kinto.core.settings.environment import load_default_settings, read_env, read_settings
from kinto.core.settings.errors import mask_url, mask_value
from kinto.core.settings.features import (
    BatchSettings,
    FeatureSettings,
    IdGeneratorSettings,
    LimitsSettings,
    PaginationSettings,
    StartupSettings,
)
from kinto.core.settings.kinds import parse_bool, parse_principals, parse_words
from kinto.core.settings.live import (
    LiveSettings,
    find_cache_expires_seconds,
    principals_setting,
)
from kinto.core.settings.model import (
    CORE_DEFAULT_SETTINGS,
    DEFINITIONS,
    KINTO_DEFAULT_SETTINGS,
    CoreSettings,
    iter_titled_groups,
)
from kinto.core.settings.monitoring import MonitoringSettings, PrometheusSettings
from kinto.core.settings.parsing import (
    find_odd_names,
    inspect_settings,
    parse_group,
    parse_settings,
)
from kinto.core.settings.patterns import find_kind, is_endpoint_enabled
from kinto.core.settings.plugins import (
    AdminSettings,
    CacheControlSettings,
    FirefoxAccountsSettings,
    HistorySettings,
)


__all__ = [
    "CORE_DEFAULT_SETTINGS",
    "DEFINITIONS",
    "KINTO_DEFAULT_SETTINGS",
    "AccountSettings",
    "AdminSettings",
    "AuthenticationSettings",
    "BackendSettings",
    "BackoffSettings",
    "BatchSettings",
    "CacheControlSettings",
    "CacheSettings",
    "CoreSettings",
    "CorsSettings",
    "Definition",
    "DeploymentSettings",
    "DeprecationSettings",
    "EmbeddedSettings",
    "FeatureSettings",
    "FirefoxAccountsSettings",
    "HistorySettings",
    "IdGeneratorSettings",
    "LimitsSettings",
    "LiveSettings",
    "MonitoringSettings",
    "PaginationSettings",
    "PermissionSettings",
    "PrincipalsSettings",
    "ProjectSettings",
    "PrometheusSettings",
    "RedirectSettings",
    "StartupSettings",
    "StorageSettings",
    "decode_value",
    "find_cache_expires_seconds",
    "find_kind",
    "find_odd_names",
    "inspect_settings",
    "is_endpoint_enabled",
    "iter_titled_groups",
    "load_default_settings",
    "mask_url",
    "mask_value",
    "parse_bool",
    "parse_group",
    "parse_principals",
    "parse_settings",
    "parse_words",
    "principals_setting",
    "read_env",
    "read_settings",
    "setting",
]
