"""Settings of authentication and of the permissions that need no object."""

from dataclasses import dataclass

from kinto.core.settings.definitions import NotInCore, setting
from kinto.core.settings.kinds import (
    DOTTED,
    NATURAL,
    PRINCIPALS,
    TEXT,
    WORDS,
)


@dataclass(frozen=True, slots=True)
class AuthenticationSettings:
    """Authentication"""

    policies: tuple[str, ...] = setting(
        WORDS,
        "",
        name="multiauth.policies",
        doc="Names of the ways to authenticate, in the order of trying.",
    )
    basicauth_policy: str = setting(
        DOTTED,
        "kinto.core.authentication.BasicAuthAuthenticationPolicy",
        name="multiauth.policy.basicauth.use",
        doc="Class of a policy; other multiauth.policy.<name>.* are its arguments.",
    )
    groupfinder: str = setting(
        DOTTED,
        "kinto.core.authorization.groupfinder",
        name="multiauth.groupfinder",
        doc="Adds the groups of the user to the principals.",
    )
    authorization_policy: str = setting(
        DOTTED,
        "kinto.authorization.AuthorizationPolicy",
        name="multiauth.authorization_policy",
        core="kinto.core.authorization.AuthorizationPolicy",
        doc="Decides who may do what.",
    )
    userid_hmac_secret: str = setting(
        TEXT, "", secret=True, doc="Key that user ids of basicauth are made with."
    )
    default_bucket_hmac_secret: str = setting(
        TEXT,
        "",
        secret=True,
        doc="Key that ids of personal buckets are made with; default: userid_hmac_secret.",
    )


@dataclass(frozen=True, slots=True)
class AccountSettings:
    """Accounts"""

    cache_ttl_seconds: int = setting(
        NATURAL, 30, doc="How long a verified password stays in the cache."
    )
    login_max_failures: int = setting(
        NATURAL, 20, doc="Wrong passwords of one name from one address; 0 for no limit."
    )
    login_failures_window_seconds: int = setting(NATURAL, 60, doc="Within that time.")


@dataclass(frozen=True, slots=True)
class PrincipalsSettings:
    """Permissions from settings"""

    bucket_create: frozenset[str] = setting(
        PRINCIPALS,
        "system.Authenticated",
        name="bucket_create_principals",
        core=NotInCore,
        doc="Who may create buckets.",
    )
    bucket_read: frozenset[str] = setting(
        PRINCIPALS,
        None,
        name="bucket_read_principals",
        listed=False,
        doc="Who may read all buckets (likewise <object>_<permission>_principals).",
    )
    bucket_write: frozenset[str] = setting(
        PRINCIPALS, None, name="bucket_write_principals", listed=False, doc="Who may write them."
    )
    collection_create: frozenset[str] = setting(
        PRINCIPALS,
        None,
        name="collection_create_principals",
        listed=False,
        doc="Who may create collections in every bucket.",
    )
    collection_read: frozenset[str] = setting(
        PRINCIPALS,
        None,
        name="collection_read_principals",
        listed=False,
        doc="Who may read all collections.",
    )
    collection_write: frozenset[str] = setting(
        PRINCIPALS,
        None,
        name="collection_write_principals",
        listed=False,
        doc="Who may write them.",
    )
    group_create: frozenset[str] = setting(
        PRINCIPALS,
        None,
        name="group_create_principals",
        listed=False,
        doc="Who may create groups in every bucket.",
    )
    group_read: frozenset[str] = setting(
        PRINCIPALS, None, name="group_read_principals", listed=False, doc="Who may read them all."
    )
    group_write: frozenset[str] = setting(
        PRINCIPALS, None, name="group_write_principals", listed=False, doc="Who may write them."
    )
    record_create: frozenset[str] = setting(
        PRINCIPALS,
        None,
        name="record_create_principals",
        listed=False,
        doc="Who may create records in every collection.",
    )
    record_read: frozenset[str] = setting(
        PRINCIPALS, None, name="record_read_principals", listed=False, doc="Who may read them all."
    )
    record_write: frozenset[str] = setting(
        PRINCIPALS, None, name="record_write_principals", listed=False, doc="Who may write them."
    )
    account_create: frozenset[str] = setting(
        PRINCIPALS,
        None,
        name="account_create_principals",
        listed=False,
        doc="Who may create accounts; system.Everyone lets everybody sign up.",
    )
    account_read: frozenset[str] = setting(
        PRINCIPALS,
        None,
        name="account_read_principals",
        listed=False,
        doc="Who may read all accounts.",
    )
    account_write: frozenset[str] = setting(
        PRINCIPALS,
        None,
        name="account_write_principals",
        listed=False,
        doc="Administrators of all accounts.",
    )
    history_read: frozenset[str] = setting(
        PRINCIPALS,
        None,
        name="history_read_principals",
        listed=False,
        doc="Who may read the whole history.",
    )
    history_write: frozenset[str] = setting(
        PRINCIPALS,
        None,
        name="history_write_principals",
        listed=False,
        doc="Who may clear it.",
    )
    permissions_read: frozenset[str] = setting(
        PRINCIPALS,
        "system.Everyone",
        name="permissions_read_principals",
        core=NotInCore,
        doc="Who may list their own permissions.",
    )
