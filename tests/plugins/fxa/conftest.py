"""An OAuth server, and applications that ask it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.api import Client, memory_app
from tests.support.oauth import OAuthDouble, running_oauth_server


FXA_SETTINGS = {
    "kinto.includes": "kinto.plugins.fxa",
    "multiauth.policies": "fxa basicauth",
    "multiauth.policy.fxa.use": "kinto.plugins.fxa.authentication.FxAOAuthAuthenticationPolicy",
    "fxa-oauth.client_id": "89513028159972bc",
    "fxa-oauth.client_secret": "a-secret-of-the-client",
    "fxa-oauth.required_scope": "profile",
    "fxa-oauth.cache_ttl_seconds": "3600",
}

MakeClient = Callable[..., Client]


@pytest.fixture(scope="module")
def oauth_server() -> Iterator[OAuthDouble]:
    with running_oauth_server() as double:
        yield double


@pytest.fixture
def oauth(oauth_server: OAuthDouble) -> Iterator[OAuthDouble]:
    """The server of the module, as if new."""
    oauth_server.reset()
    yield oauth_server
    oauth_server.reset()


@pytest.fixture
def make_client(oauth: OAuthDouble) -> MakeClient:
    """A client of an application in memory, without credentials of its own."""

    def make(settings: dict[str, Any] | None = None) -> Client:
        return Client(memory_app(with_fxa(oauth, settings)), user=None)

    return make


def with_fxa(oauth: OAuthDouble, settings: dict[str, Any] | None = None) -> dict[str, Any]:
    """Settings of an application that asks this server."""
    return {**FXA_SETTINGS, "fxa-oauth.oauth_uri": oauth.uri, **(settings or {})}


def bearer(token: str) -> dict[str, str]:
    """Headers with a token."""
    return {"Authorization": f"Bearer {token}"}
