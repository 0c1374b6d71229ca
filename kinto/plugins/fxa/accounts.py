"""What the settings say about Firefox Accounts, ready for use."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from pyramid.exceptions import ConfigurationError

from kinto.core.registry import current_settings
from kinto.core.settings import FirefoxAccountsSettings
from kinto.plugins.fxa.clients import Client, read_clients, warn_about
from kinto.plugins.fxa.oauth import OAuthServer
from kinto.plugins.fxa.tokens import TokenVerifier


@dataclass(frozen=True, slots=True)
class FirefoxAccounts:
    """What belongs to one application.

    :param server: ``None`` where no address is set; then no token is accepted.
    """

    settings: FirefoxAccountsSettings
    clients: tuple[Client, ...]
    server: OAuthServer | None
    verifier: TokenVerifier | None


def find_accounts(registry: Any) -> FirefoxAccounts:  # a Pyramid registry
    """Those of an application, made by the first call.

    :raises ConfigurationError: the settings contradict each other.
    """
    accounts: FirefoxAccounts | None = getattr(registry, "firefox_accounts", None)
    if accounts is None:
        accounts = registry.firefox_accounts = _make_accounts(registry)
    return accounts


def _make_accounts(registry: Any) -> FirefoxAccounts:
    settings = current_settings(registry).fxa
    clients = read_clients(registry.settings, settings)
    server = verifier = None
    if settings.oauth_uri:
        server = OAuthServer(_checked_url(settings.oauth_uri))
        verifier = TokenVerifier(
            server,
            ttl_seconds=settings.cache_ttl_seconds,
            timeout_seconds=settings.timeout_seconds,
        )
    warn_about(settings, clients)
    return FirefoxAccounts(settings, clients, server, verifier)


def _checked_url(text: str) -> str:
    try:
        parts = urlsplit(text)
        is_url = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        is_url = False
    if not is_url or parts.query or parts.fragment:
        raise ConfigurationError(
            "Invalid value for setting 'fxa-oauth.oauth_uri': expected an http or https URL."
        )
    return text.rstrip("/")


def require_server(accounts: FirefoxAccounts) -> OAuthServer:
    """The server, for views that are only there when there is one."""
    assert accounts.server is not None
    return accounts.server
