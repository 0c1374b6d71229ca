"""Relying parties: for whom a token has to be good.

Source: "Firefox Accounts" in the settings documentation.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from pyramid.exceptions import ConfigurationError

from kinto.core.settings import FirefoxAccountsSettings


log = structlog.get_logger(__name__)

_PREFIX = "fxa-oauth.clients."
# It becomes a part of user ids.
_NAME = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Client:
    """A relying party.

    :param name: ``""`` for that of ``fxa-oauth.client_id``.
    :param required_scope: what a token must give; empty for nothing.
    """

    name: str
    client_id: str | None
    client_secret: str | None = field(repr=False)
    required_scope: frozenset[str]

    def accepts(self, scope: Iterable[str]) -> bool:
        """Whether a token of that scope is one for this client."""
        given = list(scope)
        return all(any(_gives(one, needed) for one in given) for needed in self.required_scope)


def _gives(given: str, needed: str) -> bool:
    """``profile`` gives ``profile:email``, but never the right to write."""
    if given == needed:
        return True
    is_path = "://" in needed
    return not is_path and needed.startswith(f"{given}:") and not needed.endswith(":write")


def find_client(
    clients: Sequence[Client], scope: Sequence[str], client_id: str | None
) -> Client | None:
    """The client that a token was made for, ``None`` when it is good for none of them.

    Of several it is the one with the token's client id, then the one that requires most.
    """
    accepting = [client for client in clients if client.accepts(scope)]
    if not accepting:
        return None
    return max(
        accepting,
        key=lambda client: (
            client_id is not None and client.client_id == client_id,
            len(client.required_scope),
            client.name,
        ),
    )


def required_scope(fxa: FirefoxAccountsSettings) -> str:
    """Of the client that has no name; ``fxa-oauth.scope`` is the older name."""
    return fxa.required_scope or fxa.scope or ""


def requested_scope(fxa: FirefoxAccountsSettings) -> str:
    """What is asked for at login; ``fxa-oauth.scope`` is the older name."""
    is_default = fxa.requested_scope == FirefoxAccountsSettings().requested_scope
    return fxa.scope if fxa.scope and is_default else fxa.requested_scope


def read_clients(settings: Mapping[str, Any], fxa: FirefoxAccountsSettings) -> tuple[Client, ...]:
    """The clients of the settings, that without a name first.

    :param settings: ``registry.settings``.
    :raises ConfigurationError: one of them lacks a scope, or two require the same.
    """
    named = [_read_client(name, values) for name, values in _named(settings).items()]
    scope = frozenset(required_scope(fxa).split())
    nameless = Client("", fxa.client_id, fxa.client_secret, scope)
    # Without a scope of its own it would take the tokens of all the others.
    clients = [nameless, *named] if scope or not named else named
    _refuse_conflicts(clients)
    return tuple(clients)


def _named(settings: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for setting, value in settings.items():
        name, _, key = setting.removeprefix(_PREFIX).rpartition(".")
        if setting.startswith(_PREFIX) and name:
            found.setdefault(name, {})[key] = str(value)
    return found


def _read_client(name: str, values: Mapping[str, str]) -> Client:
    if not _NAME.fullmatch(name):
        raise ConfigurationError(
            f"Invalid name in setting '{_PREFIX}{name}.*': expected letters, digits, '-', '_'."
        )
    scope = frozenset(values.get("required_scope", "").split())
    if not scope:
        raise ConfigurationError(
            f"Setting '{_PREFIX}{name}.required_scope' is missing: the scope of a token tells"
            " for which client it is."
        )
    return Client(name, values.get("client_id"), values.get("client_secret"), scope)


def _refuse_conflicts(clients: Sequence[Client]) -> None:
    known: dict[frozenset[str], str] = {}
    for client in clients:
        prefix = f"{_PREFIX}{client.name}." if client.name else "fxa-oauth."
        other = known.setdefault(client.required_scope, prefix)
        if other != prefix:
            scope = " ".join(sorted(client.required_scope))
            raise ConfigurationError(
                f"Setting '{prefix}required_scope': '{scope}' is already required for another"
                f" config ('{other}required_scope')."
            )


def warn_about(fxa: FirefoxAccountsSettings, clients: Sequence[Client]) -> None:
    """Log what an operator should know about these settings."""
    if fxa.scope:
        log.warning(
            "Setting 'fxa-oauth.scope' is deprecated, use 'fxa-oauth.requested_scope' and"
            " 'fxa-oauth.required_scope' instead."
        )
    if not fxa.oauth_uri:
        log.warning("Setting 'fxa-oauth.oauth_uri' is empty: no token is accepted.")
    if any(not client.required_scope for client in clients):
        log.warning(
            "Setting 'fxa-oauth.required_scope' is empty: tokens made for any other service are"
            " accepted."
        )
