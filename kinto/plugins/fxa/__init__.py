"""Firefox Accounts: users sign in with bearer tokens of its OAuth server."""

from collections.abc import Callable

from pyramid.config import Configurator
from pyramid.events import NewRequest
from pyramid.exceptions import ConfigurationError
from pyramid.request import Request

from kinto.core.openapi import OpenAPI
from kinto.plugins.fxa.accounts import FirefoxAccounts, find_accounts
from kinto.plugins.fxa.batches import verify_tokens_of_batch
from kinto.plugins.fxa.clients import requested_scope


_DOCS = "https://kinto.readthedocs.io/en/latest/how-to/firefox-accounts.html"


def includeme(config: Configurator) -> None:
    """Announce the plugin, check its settings, add its endpoints and its heartbeat.

    :raises ConfigurationError: the settings contradict each other.
    """
    accounts = find_accounts(config.registry)
    config.add_api_capability(
        "fxa", description="Users of Firefox Accounts sign in with bearer tokens.", url=_DOCS
    )
    config.registry.heartbeats["oauth"] = _heartbeat(accounts)
    config.scan("kinto.plugins.fxa.views")
    if accounts.server is None:
        return
    config.add_subscriber(verify_tokens_of_batch, NewRequest)
    if accounts.settings.relier_enabled:
        _require_cache(config)
        config.scan("kinto.plugins.fxa.relier")
    _describe_security(accounts, accounts.server.uri)


def _require_cache(config: Configurator) -> None:
    if getattr(config.registry, "cache", None) is None:
        raise ConfigurationError(
            "Setting 'fxa-oauth.relier.enabled': logins are kept in a cache, and"
            " 'kinto.cache_backend' is empty."
        )


def _heartbeat(accounts: FirefoxAccounts) -> Callable[[Request], bool | None]:
    def ping(request: Request) -> bool | None:
        """Whether the OAuth server is fine; ``None`` where there is none."""
        if accounts.server is None:
            return None
        seconds = accounts.settings.heartbeat_timeout_seconds
        return accounts.server.is_healthy(timeout_seconds=seconds)

    return ping


def _describe_security(accounts: FirefoxAccounts, oauth_uri: str) -> None:
    scopes = requested_scope(accounts.settings).split()
    OpenAPI.expose_authentication_method(
        "fxa",
        {
            "type": "oauth2",
            "flow": "implicit",
            "authorizationUrl": f"{oauth_uri}/authorization",
            "scopes": {scope: f"Asked for at login: {scope}" for scope in scopes},
        },
    )
