"""Generators of object identifiers."""

import re
import uuid
from functools import lru_cache
from typing import Any


class Generator:
    """Makes identifiers, which match :attr:`regexp`.

    :param config: the Pyramid configurator, for generators that read settings.
    :raises ValueError: a first identifier does not match the pattern.
    """

    regexp: str = r"^[a-zA-Z0-9][a-zA-Z0-9_-]*$"

    def __init__(self, config: Any = None) -> None:
        self.config = config
        self._check()

    def _check(self) -> None:
        sample = self()
        if not self.match(sample):
            raise ValueError(
                f"{type(self).__name__} generated {sample!r}, which its pattern"
                f" {self.regexp!r} does not match"
            )

    def match(self, object_id: str) -> bool:
        """Whether the whole of ``object_id`` matches the pattern."""
        return _compiled(self.regexp).fullmatch(object_id) is not None

    def __call__(self) -> str:
        """A new identifier."""
        raise NotImplementedError


_compiled = lru_cache(maxsize=64)(re.compile)


class UUID4(Generator):
    """Random UUIDs; any version or variant of UUID is accepted, in lower case."""

    regexp = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"

    def __call__(self) -> str:
        return str(uuid.uuid4())
