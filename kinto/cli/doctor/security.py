"""Secrets, and who may write without being known."""

import re
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

from kinto.cli.doctor.findings import (
    Check,
    Context,
    Finding,
    Findings,
    failure,
    ok,
    warning,
)
from kinto.core.settings import CoreSettings


_FEWEST_CHARACTERS = 20
_FEWEST_DISTINCT = 8
# What examples have in the place of a secret.
_EXAMPLE = re.compile(
    r"some[-_ ]|random|secret|change|replace|example|sample|default|test|todo|xxx|1234|password",
    re.IGNORECASE,
)
_HEXADECIMAL = re.compile(r"[0-9a-f]{32,}", re.IGNORECASE)
_MAKE_SECRET = 'python3 -c "import secrets; print(secrets.token_hex(32))"'
_BASIC_AUTH = "BasicAuthAuthenticationPolicy"
# As words they stand everywhere: they are not masked either.
USUAL_PASSWORDS = frozenset(
    {"admin", "changeme", "kinto", "pass", "password", "postgres", "postgresql", "secret", "test"}
)
_EVERYBODY = {"system.Everyone": "anybody", "system.Authenticated": "anybody who signs in"}


def judge_secrets(settings: CoreSettings, context: Context) -> Findings:
    """Can others make the ids of users, or of personal buckets?"""
    return list(_judge_secrets(settings, context)) or ok("long and random")


def _judge_secrets(settings: CoreSettings, context: Context) -> Iterator[Finding]:
    authentication = settings.authentication
    main, bucket = authentication.userid_hmac_secret, authentication.default_bucket_hmac_secret
    if not main and not settings.storage.url.startswith("embedded:"):
        # Ids of others are guessed where these are hashes of names and passwords alone.
        judge = failure if has_basic_auth(context) else warning
        yield judge("kinto.userid_hmac_secret is empty", _fix("userid_hmac_secret"))
    for name, secret in (("userid_hmac_secret", main), ("default_bucket_hmac_secret", bucket)):
        if secret and (reason := find_weakness(secret)):
            yield failure(f"kinto.{name} {reason}", _fix(name))


def _fix(name: str) -> str:
    return f"kinto.{name} = … of {_MAKE_SECRET} (ids of users change with it)"


def find_weakness(secret: str) -> str | None:
    """Why a secret is none; ``None`` for one that nobody guesses."""
    if _HEXADECIMAL.fullmatch(secret) and len(set(secret.lower())) >= _FEWEST_DISTINCT:
        return None
    if _EXAMPLE.search(secret):
        return "looks like that of an example"
    if len(secret) < _FEWEST_CHARACTERS:
        return f"has fewer than {_FEWEST_CHARACTERS} characters"
    if len(set(secret)) < _FEWEST_DISTINCT:
        return f"has fewer than {_FEWEST_DISTINCT} different characters"
    return None


def judge_passwords(settings: CoreSettings, context: Context) -> Findings:
    """Is the password of a database one that is tried first?"""
    kinds = ("storage", "permission", "cache")
    found = [
        warning(f"the password in kinto.{kind}_url is {reason}", "ALTER ROLE … PASSWORD '…';")
        for kind in kinds
        if (reason := find_password_weakness(getattr(settings, kind).url))
    ]
    return found or ok("none that is tried first")


def find_password_weakness(url: str) -> str | None:
    """Why the password in a URL is none; ``None`` also where there is no password."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    if not parts.password:
        return None
    password = unquote(parts.password)
    if password == unquote(parts.username or ""):
        return "the name of its user"
    return "one of the usual ones" if password.lower() in USUAL_PASSWORDS else None


def has_basic_auth(context: Context) -> bool:
    """Is one of the policies that which takes every name and password?"""
    authentication = context.settings.authentication
    return any(
        str(context.written.get(f"multiauth.policy.{name}.use", "")).endswith(_BASIC_AUTH)
        or (name == "basicauth" and authentication.basicauth_policy.endswith(_BASIC_AUTH))
        for name in authentication.policies
    )


def judge_open_writing(settings: CoreSettings, context: Context) -> Finding:
    """Who may create buckets?"""
    principals = settings.principals.bucket_create
    fix = "kinto.bucket_create_principals = account:admin"
    if "system.Everyone" in principals:
        return warning("anybody may create buckets, without signing in", fix)
    if "system.Authenticated" in principals and has_basic_auth(context):
        return warning(
            "basicauth takes every name and password, and who signs in may create buckets",
            f"{fix}, or multiauth.policies without basicauth",
        )
    return ok(f"buckets are created by {_describe(principals)}")


def judge_open_objects(settings: CoreSettings, context: Context) -> Findings:
    """What may everybody write, by settings?"""
    return list(_judge_open_objects(settings)) or ok("nothing is open by settings")


def _judge_open_objects(settings: CoreSettings) -> Iterator[Finding]:
    for name in ("bucket_write", "collection_write", "group_write", "record_write"):
        for principal in sorted(getattr(settings.principals, name) & _EVERYBODY.keys()):
            yield failure(
                f"kinto.{name}_principals has {principal}:"
                f" {_EVERYBODY[principal]} may change what belongs to others",
                f"kinto.{name}_principals without {principal}",
            )
    if settings.principals.account_write & _EVERYBODY.keys():
        yield failure(
            "kinto.account_write_principals: anybody may change the accounts of others",
            "kinto.account_write_principals = account:admin",
        )


def judge_policies(settings: CoreSettings, context: Context) -> Finding:
    """Can anybody sign in?"""
    policies = settings.authentication.policies
    if policies:
        return ok(", ".join(policies))
    return warning("there are none: nobody can sign in", "multiauth.policies = account")


def _describe(principals: frozenset[str]) -> str:
    if not principals:
        return "nobody, but who has the permission"
    return ", ".join(_EVERYBODY.get(name, name) for name in sorted(principals))


CHECKS = (
    Check("security.secrets", "Secrets are long, random, your own.", "settings", judge_secrets),
    Check(
        "security.passwords",
        "Databases have passwords that are not tried first.",
        "settings",
        judge_passwords,
    ),
    Check("security.policies", "Somebody can sign in.", "settings", judge_policies),
    Check(
        "security.open",
        "Buckets are not created by just anybody.",
        "settings",
        judge_open_writing,
    ),
    Check(
        "security.others",
        "No setting lets everybody change what belongs to others.",
        "settings",
        judge_open_objects,
    ),
)
