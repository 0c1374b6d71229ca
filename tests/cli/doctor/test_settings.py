"""Checks of settings that are fine for a try, and not on the open internet."""

from collections.abc import Callable
from typing import Any

import pytest

from kinto.cli.doctor import deployment, monitoring, security
from kinto.cli.doctor.findings import Context, Findings, Verdict
from tests.support.doctor import SECRET, make_context, only


OK, WARNING, FAILURE = Verdict.OK, Verdict.WARNING, Verdict.FAILURE
Judge = Callable[[Any, Context], Findings]
POSTGRESQL = {
    f"{kind}_{name}": value
    for kind in ("storage", "permission", "cache")
    for name, value in (
        ("backend", f"kinto.core.{kind}.postgresql"),
        ("url", "postgresql://kinto:a-good-one@db/kinto"),
    )
}
BASIC = {"multiauth__policies": "basicauth"}
ELSEWHERE = {
    "multiauth__policies": "ldap",
    "multiauth__policy__ldap__use": "kinto.core.authentication.BasicAuthAuthenticationPolicy",
}

CASES: list[tuple[Judge, dict[str, Any], Verdict, str]] = [
    # What is set, the verdict, a part of the fix (or the hint).
    (deployment.judge_scheme, {"http_scheme": "https"}, OK, ""),
    (deployment.judge_scheme, {"http_scheme": "http"}, WARNING, "kinto.http_scheme = https"),
    (deployment.judge_scheme, {}, WARNING, "kinto.http_scheme = https"),
    (deployment.judge_host, {"http_host": "cdn.example.org"}, OK, ""),
    (deployment.judge_host, {}, OK, "kinto.http_host = "),
    (deployment.judge_flush, {}, OK, ""),
    (deployment.judge_flush, {"includes": "kinto.plugins.flush"}, FAILURE, "= false"),
    (deployment.judge_flush, {"flush_endpoint_enabled": "true"}, FAILURE, "= false"),
    (
        deployment.judge_flush,
        {"flush_endpoint_enabled": "false", "includes": "kinto.plugins.flush"},
        OK,
        "",
    ),
    (deployment.judge_memory, POSTGRESQL, OK, ""),
    (
        deployment.judge_memory,
        {**POSTGRESQL, "storage_backend": "kinto.core.storage.memory"},
        WARNING,
        "kinto.storage_backend = kinto.core.storage.postgresql",
    ),
    (
        deployment.judge_memory,
        {**POSTGRESQL, "storage_backend": "kinto.core.storage.memory", "processes": 3},
        FAILURE,
        "kinto.storage_backend = kinto.core.storage.postgresql",
    ),
    (
        deployment.judge_memory,
        {**POSTGRESQL, "cache_backend": "kinto.core.cache.memory"},
        OK,
        "",
    ),
    (
        deployment.judge_memory,
        {**POSTGRESQL, "cache_backend": "kinto.core.cache.memory", "processes": None},
        FAILURE,
        "kinto.cache_backend",
    ),
    (deployment.judge_limits, POSTGRESQL, OK, ""),
    (
        deployment.judge_limits,
        {**POSTGRESQL, "storage_statement_timeout": "0"},
        WARNING,
        "kinto.storage_statement_timeout = 5",
    ),
    (
        deployment.judge_limits,
        {**POSTGRESQL, "cache_lock_timeout": "600"},
        WARNING,
        "kinto.cache_lock_timeout = 3",
    ),
    (deployment.judge_limits, {"storage_statement_timeout": "0"}, OK, ""),
    (deployment.judge_heartbeat, {}, OK, ""),
    (deployment.judge_heartbeat, {"heartbeat_timeout_seconds": "0"}, FAILURE, "= 10"),
    (deployment.judge_heartbeat, {"heartbeat_timeout_seconds": "120"}, WARNING, "= 10"),
    (deployment.judge_body_size, {}, OK, ""),
    (deployment.judge_body_size, {"max_body_size_bytes": "0"}, WARNING, "max_body_size_bytes"),
    (deployment.judge_page_size, {}, OK, "kinto.paginate_by = 100"),
    (deployment.judge_page_size, {"paginate_by": "100"}, OK, ""),
    (security.judge_secrets, {"userid_hmac_secret": SECRET, **BASIC}, OK, ""),
    (security.judge_secrets, BASIC, FAILURE, "kinto.userid_hmac_secret = "),
    (security.judge_secrets, ELSEWHERE, FAILURE, "kinto.userid_hmac_secret = "),
    (security.judge_secrets, {"multiauth__policies": "x"}, WARNING, "kinto.userid_hmac_secret"),
    (security.judge_secrets, {"storage_url": "embedded:", **BASIC}, OK, ""),
    (security.judge_secrets, {"userid_hmac_secret": "short"}, FAILURE, "userid_hmac_secret"),
    (
        security.judge_secrets,
        {"userid_hmac_secret": SECRET, "default_bucket_hmac_secret": "some-secret-string"},
        FAILURE,
        "default_bucket_hmac_secret",
    ),
    (security.judge_passwords, POSTGRESQL, OK, ""),
    (
        security.judge_passwords,
        {"storage_url": "postgresql://postgres:postgres@localhost/postgres"},
        WARNING,
        "ALTER ROLE",
    ),
    (security.judge_passwords, {"cache_url": "redis://:secret@cache/0"}, WARNING, "ALTER ROLE"),
    (security.judge_passwords, {"cache_url": "redis://[broken"}, OK, ""),
    (security.judge_policies, BASIC, OK, ""),
    (security.judge_policies, {}, WARNING, "multiauth.policies"),
    (security.judge_open_writing, BASIC, WARNING, "kinto.bucket_create_principals"),
    (security.judge_open_writing, ELSEWHERE, WARNING, "kinto.bucket_create_principals"),
    (security.judge_open_writing, {"multiauth__policies": "account"}, OK, ""),
    (security.judge_open_writing, {**BASIC, "bucket_create_principals": "account:a"}, OK, ""),
    (security.judge_open_writing, {"bucket_create_principals": ""}, OK, ""),
    (
        security.judge_open_writing,
        {"bucket_create_principals": "system.Everyone"},
        WARNING,
        "kinto.bucket_create_principals",
    ),
    (security.judge_open_objects, {}, OK, ""),
    (
        security.judge_open_objects,
        {"record_write_principals": "system.Authenticated account:a"},
        FAILURE,
        "kinto.record_write_principals without system.Authenticated",
    ),
    (
        security.judge_open_objects,
        {"account_write_principals": "system.Everyone"},
        FAILURE,
        "kinto.account_write_principals = account:admin",
    ),
    (monitoring.judge_sentry, {}, OK, "kinto.sentry_dsn"),
    (monitoring.judge_sentry, {"sentry_dsn": "https://key@sentry.example/12"}, OK, ""),
    (monitoring.judge_sentry, {"sentry_dsn": "https://sentry.example/12"}, FAILURE, "sentry_dsn"),
    (monitoring.judge_profiler, {}, OK, ""),
    (monitoring.judge_profiler, {"profiler_enabled": "true"}, WARNING, "= false"),
]


@pytest.mark.parametrize(
    ("judge", "settings", "expected", "fix"),
    CASES,
    ids=[f"{judge.__name__}-{number}" for number, (judge, *_) in enumerate(CASES)],
)
def test_settings_are_judged(
    judge: Judge, settings: dict[str, Any], expected: Verdict, fix: str
) -> None:
    context = make_context(**settings)

    found = only(judge(context.settings, context))

    assert found.verdict is expected
    assert fix in found.fix
    assert bool(found.fix) == bool(fix)


@pytest.mark.parametrize(
    ("secret", "is_weak"),
    [
        (SECRET, False),
        (SECRET.upper(), False),
        ("0" * 64, True),
        ("64 random characters", True),
        ("some-secret-string", True),
        ("correct horse battery staple!", False),
        ("abababababababababababab", True),
        ("h2Gd8!kz", True),
    ],
)
def test_secrets_that_somebody_guesses(secret: str, is_weak: bool) -> None:
    assert bool(security.find_weakness(secret)) is is_weak


@pytest.mark.parametrize(
    ("dsn", "problem"),
    [
        ("https://key@sentry.example/1", None),
        ("http://key:secret@sentry.example/path/12", None),
        ("udp://key@sentry.example/1", "scheme"),
        ("https://sentry.example/1", "key"),
        ("https://key@/1", "host"),
        ("https://key@sentry.example/project", "project"),
    ],
)
def test_addresses_of_sentry(dsn: str, problem: str | None) -> None:
    found = monitoring.find_dsn_problem(dsn)
    assert (found is None) if problem is None else (problem in str(found))


def test_no_finding_shows_a_secret() -> None:
    context = make_context(
        userid_hmac_secret="short-one",
        default_bucket_hmac_secret="b",
        sentry_dsn="https://dsnkey@sentry.example/x",
        storage_url="postgresql://kinto:kinto@db/kinto",
    )
    for judge in (security.judge_secrets, security.judge_passwords, monitoring.judge_sentry):
        findings = judge(context.settings, context)
        assert "short-one" not in str(findings)
        assert "dsnkey" not in str(findings)
