"""What the backends raise: storage, permission, cache alike."""

from typing import Any


class BackendError(Exception):
    """The service behind a backend failed.

    :param original: the exception of the driver, if any.
    :param message: the text of this exception; by default that of ``original``.
    """

    # Whoever raised it has told the operator.
    is_logged = False

    def __init__(
        self, original: Any = None, message: str | None = None, *args: Any, **kwargs: Any
    ) -> None:
        self.original = original
        if message is None:
            message = "" if original is None else f"{type(original).__name__}: {original}"
        self.message = message
        super().__init__(message, *args)

    def __str__(self) -> str:
        return self.message


class ReadonlyError(BackendError):
    """Something had to be written in read-only mode."""


class IntegrityError(BackendError):
    """A constraint of the stored data refuses the write."""


class UnicityError(IntegrityError):
    """An object of that identifier is there already.

    :param field: the field that must be unique.
    :param original: the stored object when it is at hand, else the exception of the driver.
    """

    def __init__(self, field: str, original: Any = None, *args: Any, **kwargs: Any) -> None:
        self.field = field
        self.msg = f"{field} is not unique: an object that has it is stored already"
        super().__init__(original, self.msg, *args, **kwargs)


class ConcurrentWriteError(BackendError):
    """Somebody else wrote meanwhile: the whole request has to be tried again."""


class UnsuitableDatabaseError(BackendError):
    """The database cannot take the tables, for a reason that its operator can remove."""


class RecordNotFoundError(Exception):
    """No such object (the older of two names)."""


class ObjectNotFoundError(RecordNotFoundError):
    """No such object; the identifier is the first argument."""
