"""A PostgreSQL of our own, for a service that was given no database.

:func:`resolve_url` is what the backends need, :func:`attach` with :func:`watch` what
``kinto start`` needs, :func:`release` what other commands need at their end, :func:`status`
with :func:`stop` what ``kinto db`` needs.
"""

from kinto.core.postgresql.embedded.attach import (
    EmbeddedServer,
    attach,
    release,
    resolve_url,
    status,
    stop,
)
from kinto.core.postgresql.embedded.errors import (
    EmbeddedPostgreSQLError,
    InitialisationFailed,
    InvalidEmbeddedURL,
    MissingBinaries,
    NotPermitted,
    StartFailed,
    TookTooLong,
    UnsupportedPlatform,
    WrongMajorVersion,
)
from kinto.core.postgresql.embedded.layout import (
    default_folder,
    is_embedded_url,
    parse_embedded_url,
)
from kinto.core.postgresql.embedded.status import State, Status
from kinto.core.postgresql.embedded.watch import watch


__all__ = [
    "EmbeddedPostgreSQLError",
    "EmbeddedServer",
    "InitialisationFailed",
    "InvalidEmbeddedURL",
    "MissingBinaries",
    "NotPermitted",
    "StartFailed",
    "State",
    "Status",
    "TookTooLong",
    "UnsupportedPlatform",
    "WrongMajorVersion",
    "attach",
    "default_folder",
    "is_embedded_url",
    "parse_embedded_url",
    "release",
    "resolve_url",
    "status",
    "stop",
    "watch",
]
