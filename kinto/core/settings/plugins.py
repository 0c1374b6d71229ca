"""Settings of client caching and of the plugins that are shipped."""

from dataclasses import dataclass

from kinto.core.settings.definitions import NotInCore, setting
from kinto.core.settings.kinds import (
    BOOL,
    INT,
    NATURAL,
    OPTIONAL_INT,
    OPTIONAL_TEXT,
    SECONDS,
    TEXT,
    TIME_LIMIT,
    WORDS,
)


@dataclass(frozen=True, slots=True)
class CacheControlSettings:
    """Client caching"""

    root_seconds: int | None = setting(
        OPTIONAL_INT,
        86400,
        name="root_cache_expires_seconds",
        doc="Root URL, on read-only servers.",
    )
    bucket_seconds: int | None = setting(
        OPTIONAL_INT,
        None,
        name="bucket_cache_expires_seconds",
        listed=False,
        doc="How long anonymous readers may keep buckets.",
    )
    group_seconds: int | None = setting(
        OPTIONAL_INT, None, name="group_cache_expires_seconds", listed=False, doc="Groups."
    )
    collection_seconds: int | None = setting(
        OPTIONAL_INT,
        None,
        name="collection_cache_expires_seconds",
        listed=False,
        doc="Collections.",
    )
    record_seconds: int | None = setting(
        OPTIONAL_INT,
        None,
        name="record_cache_expires_seconds",
        listed=False,
        doc="Records; for some only: <bucket>.<collection>.record_cache_expires_seconds.",
    )


@dataclass(frozen=True, slots=True)
class HistorySettings:
    """History"""

    exclude_resources: tuple[str, ...] = setting(
        WORDS, "", doc="URIs of objects whose changes are not recorded."
    )
    exclude_user_ids: tuple[str, ...] = setting(
        WORDS, "", doc="Users whose changes are not recorded."
    )
    auto_trim_max_count: int = setting(
        INT, -1, doc="Entries kept per bucket and type of object; -1 for all."
    )
    auto_trim_user_ids: tuple[str, ...] = setting(
        WORDS, "", doc="Only trim entries of these users."
    )
    auto_trim_threshold: int = setting(NATURAL, 100, doc="Trim when there are that many more.")


@dataclass(frozen=True, slots=True)
class AdminSettings:
    """Administration page"""

    assets_path: str | None = setting(
        OPTIONAL_TEXT,
        None,
        name="admin_assets_path",
        core=NotInCore,
        doc="Folder of the page, instead of the bundled one.",
    )


@dataclass(frozen=True, slots=True)
class FirefoxAccountsSettings:
    """Firefox Accounts"""

    cache_ttl_seconds: int = setting(NATURAL, 300, doc="How long a verified token is kept.")
    client_id: str | None = setting(OPTIONAL_TEXT, None, doc="Of the relying party.")
    client_secret: str | None = setting(
        OPTIONAL_TEXT, None, secret=True, doc="Of the relying party."
    )
    oauth_uri: str | None = setting(OPTIONAL_TEXT, None, doc="URL of the OAuth server.")
    requested_scope: str = setting(TEXT, "profile", doc="Asked for at login.")
    required_scope: str | None = setting(OPTIONAL_TEXT, None, doc="That a token must have.")
    scope: str | None = setting(
        OPTIONAL_TEXT, None, listed=False, doc="Old name of both, with a warning."
    )
    relier_enabled: bool = setting(
        BOOL, True, name="fxa-oauth.relier.enabled", doc="Have /fxa-oauth/login and /token."
    )
    authorized_domains: tuple[str, ...] = setting(
        WORDS,
        "",
        name="fxa-oauth.webapp.authorized_domains",
        doc="Domains that users may be sent back to, with wildcards.",
    )
    state_ttl_seconds: int = setting(
        NATURAL, 3600, name="fxa-oauth.state.ttl_seconds", doc="Time to log in."
    )
    heartbeat_timeout_seconds: float = setting(
        SECONDS, 3, doc="How long the heartbeat waits for the OAuth server."
    )
    timeout_seconds: float = setting(
        TIME_LIMIT, 3, doc="How long a request waits for the OAuth server; then the answer is 503."
    )
