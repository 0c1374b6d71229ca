"""Settings of how the service is presented to its clients."""

from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network

from kinto.core.settings.definitions import setting
from kinto.core.settings.kinds import (
    BOOL,
    DATE,
    INT,
    NATURAL,
    NETWORKS,
    OPTIONAL_HOST,
    OPTIONAL_INT,
    OPTIONAL_PERCENTAGE,
    OPTIONAL_SCHEME,
    OPTIONAL_TEXT,
    TEXT,
    URL,
    WORDS,
)


@dataclass(frozen=True, slots=True)
class RedirectSettings:
    """Redirections"""

    trailing_slash_enabled: bool = setting(
        BOOL,
        True,
        name="trailing_slash_redirect_enabled",
        doc="Redirect /v1/buckets/ to /v1/buckets.",
    )
    trailing_slash_ttl_seconds: int = setting(
        INT,
        3600,
        name="trailing_slash_redirect_ttl_seconds",
        doc="How long clients keep it; -1 says nothing, 0 never.",
    )
    version_prefix_enabled: bool = setting(
        BOOL,
        True,
        name="version_prefix_redirect_enabled",
        doc="Redirect /buckets to /v1/buckets.",
    )
    version_prefix_ttl_seconds: int = setting(
        INT,
        -1,
        name="version_prefix_redirect_ttl_seconds",
        doc="How long clients keep it; -1 says nothing, 0 never.",
    )


@dataclass(frozen=True, slots=True)
class ProjectSettings:
    """Project information"""

    name: str = setting(
        TEXT, "kinto", name="project_name", core="", doc="Name in the root URL and in the logs."
    )
    version: str = setting(
        TEXT, "", name="project_version", doc="Version in the root URL; default: of the package."
    )
    http_api_version: str | None = setting(
        OPTIONAL_TEXT,
        "1.23",
        name="http_api_version",
        core=None,
        doc="Version of the protocol; its major number is the prefix of the URLs.",
    )
    docs_url: str = setting(
        URL,
        "https://kinto.readthedocs.io/",
        name="project_docs",
        core="",
        doc="Where the documentation is.",
    )
    error_info_url: str = setting(
        URL,
        "https://github.com/Kinto/kinto/issues/",
        name="error_info_link",
        doc="Where to report errors, as error responses say.",
    )
    version_json_path: str = setting(TEXT, "version.json", doc="The file that /__version__ shows.")


@dataclass(frozen=True, slots=True)
class DeploymentSettings:
    """Scheme, host, proxies"""

    http_scheme: str | None = setting(
        OPTIONAL_SCHEME, None, doc="Scheme of every URL produced, such as https."
    )
    http_host: str | None = setting(
        OPTIONAL_HOST, None, doc="Host of every URL produced, such as the CDN's."
    )
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = setting(
        NETWORKS,
        "",
        doc="Addresses or networks of the proxies whose X-Forwarded-* headers are believed.",
    )


@dataclass(frozen=True, slots=True)
class BackoffSettings:
    """Backoff"""

    seconds: int | None = setting(
        OPTIONAL_INT, None, name="backoff", doc="Ask all clients to wait that many seconds."
    )
    percentage: float | None = setting(
        OPTIONAL_PERCENTAGE,
        None,
        name="backoff_percentage",
        doc="Ask it on that share of the responses only.",
    )
    retry_after_seconds: int = setting(
        NATURAL, 3, core=30, doc="Retry-After of unavailable services and of conflicts."
    )


@dataclass(frozen=True, slots=True)
class DeprecationSettings:
    """End of service"""

    eos: datetime | None = setting(DATE, None, doc="Date from which on every request is refused.")
    message: str | None = setting(
        OPTIONAL_TEXT, None, name="eos_message", doc="What users should know about it."
    )
    url: str | None = setting(OPTIONAL_TEXT, None, name="eos_url", doc="Where they can read more.")


@dataclass(frozen=True, slots=True)
class CorsSettings:
    """CORS"""

    origins: tuple[str, ...] = setting(
        WORDS,
        "*",
        name="cors_origins",
        doc="Origins that browsers may call from, with wildcards (*.example.org).",
    )
    max_age_seconds: int | None = setting(
        OPTIONAL_INT,
        3600,
        name="cors_max_age_seconds",
        doc="How long browsers keep a preflight answer.",
    )
    vary: tuple[str, ...] = setting(
        WORDS, "Authorization", doc="Headers named in Vary, on every response."
    )
