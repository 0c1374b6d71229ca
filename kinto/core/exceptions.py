"""Errors of the domain: facts about what went wrong, without a word of HTTP.

Each layer that needs more kinds of errors derives them from :class:`DomainError`.
"""


class DomainError(Exception):
    """Something that this application refuses or cannot do, described by its attributes."""


class InvalidRequest(DomainError):
    """A request that can never succeed as it was sent.

    :param errors: one entry for each thing that is wrong, in order of detection.
    """

    errors: "tuple[InvalidParameter, ...]" = ()


class InvalidParameter(InvalidRequest):
    """One wrong part of a request.

    :param location: ``querystring``, ``header``, ``body`` or ``path``.
    :param name: the parameter, the header or the path of the attribute (``data.a``); ``""``
        for the whole, ``None`` where the documentation gives ``null``.
    :param description: what was wrong, shown to the client.
    """

    def __init__(self, location: str, name: str | None, description: str) -> None:
        super().__init__(location, name, description)
        self.location = location
        self.name = name
        self.description = description
        self.errors = (self,)

    def __str__(self) -> str:
        return self.description


class InvalidParameters(InvalidRequest):
    """Several wrong parts of one request."""

    def __init__(self, errors: "tuple[InvalidParameter, ...]") -> None:
        super().__init__(errors)
        self.errors = errors

    def __str__(self) -> str:
        return "; ".join(error.description for error in self.errors)


class InvalidETag(DomainError, ValueError):
    """A precondition that is neither ``*`` nor a whole number between double quotes."""

    def __init__(self, header: str) -> None:
        super().__init__("The value should be integer between double quotes.")
        self.header = header


class JSONError(DomainError, ValueError):
    """Text that is not the JSON this server accepts."""


class UnstorableText(DomainError, ValueError):
    """A value that PostgreSQL cannot hold: a NUL, a lone surrogate, a number without JSON form.

    :param path: where it is: ``("data", "tags", 0)``; empty for the value itself.
    :param reason: what is wrong there.
    """

    def __init__(self, path: tuple[str | int, ...], reason: str) -> None:
        where = ".".join(map(str, path)).encode("utf-8", "replace").decode().replace("\0", "\\0")
        super().__init__(f"{where}: {reason}" if path else reason)
        self.path = path
        self.reason = reason


class PatchError(DomainError, ValueError):
    """A patch that cannot be applied to the object at hand.

    :param reason: shown to the client after ``JSON Patch operation failed:``.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
