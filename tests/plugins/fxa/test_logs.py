"""What the logs say of users of Firefox Accounts, and what they never say."""

import logging

import pytest

from tests.plugins.fxa.conftest import MakeClient, bearer
from tests.plugins.fxa.test_relier import RELIER, finish_login, start_login
from tests.support.oauth import OAuthDouble


SECRETS = (
    "s3same-token",
    "s3same-wrong",
    "s3same-code",
    "s3same-traded",
    "a-secret-of-the-client",
)


def everything_logged(caplog: pytest.LogCaptureFixture) -> str:
    """Messages, tracebacks, and the fields that formatters may show."""
    return caplog.text + "\n".join(repr(vars(record)) for record in caplog.records)


def test_no_token_nor_code_nor_secret_is_logged(
    make_client: MakeClient, oauth: OAuthDouble, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    client = make_client(RELIER)
    oauth.know("s3same-token", "abcdef")
    oauth.codes["s3same-code"] = "s3same-traded"

    assert client.get("/", headers=bearer("s3same-token")).status == 200
    assert client.get("/buckets/b", headers=bearer("s3same-wrong")).status == 401
    state = start_login(client)
    assert finish_login(client, state, "s3same-code").status == 302
    oauth.answer = (500, b"")
    assert client.get("/", headers=bearer("s3same-wrong")).status == 503
    assert finish_login(client, start_login(client), "s3same-code").status == 503
    items = [{"path": "/", "headers": bearer("s3same-wrong")}]
    assert client.call("POST", "/batch", {"requests": items}).status == 503

    logged = everything_logged(caplog)
    assert "fxa" in logged
    assert not [secret for secret in (*SECRETS, state) if secret in logged]


def test_each_failure_is_logged_once_with_its_reason(
    make_client: MakeClient, oauth: OAuthDouble, caplog: pytest.LogCaptureFixture
) -> None:
    client = make_client()
    oauth.answer = (502, {})
    caplog.clear()

    client.call("POST", "/batch", {"requests": [{"path": "/"}] * 3}, bearer("t"))

    failures = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(failures) == 1
    assert f"OAuth server {oauth.uri}: status 502" in caplog.text
