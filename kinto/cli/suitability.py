"""First look at the PostgreSQL servers of a service that is being started."""

import logging

from kinto.cli.application import naming_backend
from kinto.core.postgresql.client import PostgreSQLClient
from kinto.core.postgresql.statements import Statement
from kinto.core.storage.exceptions import BackendError, UnsuitableDatabaseError
from kinto.core.types import Registry


logger = logging.getLogger(__name__)

_NOTHING = Statement("kinto_start", "SELECT 1")


def refuse_unsuitable_databases(registry: Registry) -> None:
    """Connect once to each PostgreSQL.

    One that is out of reach is waited for by the service, as it is later on; the tables are
    looked at with this connection, so that an operator reads at once that they are outdated.

    :raises CommandError: a server is too old.
    """
    seen: list[PostgreSQLClient] = []
    for kind in ("storage", "permission", "cache"):
        client = getattr(getattr(registry, kind, None), "client", None)
        if not isinstance(client, PostgreSQLClient) or client in seen:
            continue
        seen.append(client)
        with naming_backend(registry, kind):
            _connect(client, kind)


def _connect(client: PostgreSQLClient, kind: str) -> None:
    try:
        with client.read() as connection:
            connection.fetch_one(_NOTHING, {})
    except UnsuitableDatabaseError:
        raise
    except BackendError as error:
        logger.error("The %s backend does not work yet: %s", kind, error)
