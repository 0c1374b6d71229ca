"""What a check of one value spends, finds, or gives up on."""

from collections.abc import Callable
from typing import Any

from jsonschema import ValidationError

from kinto.core.types import JSONValue


# About half a second of one core: an array of 100,000 numbers is far below.
MAX_STEPS = 300_000
# Subschemas within subschemas. Every level is two Python frames of the thousand that there are.
MAX_DEPTH = 300

Schema = dict[str, Any] | bool  # Any: keywords of a schema hold whatever JSON holds
_TOO_LONG = "a value too long to show"


class UnusableSchema(Exception):
    """The schema, or what it refers to, cannot be applied to this value.

    The text says why: an unresolvable reference, a reference to itself, too much work.
    """


class Work:
    """Bounded effort: one instance for each value that is checked from the top."""

    __slots__ = ("depth", "steps_left")

    def __init__(self, steps: int = MAX_STEPS) -> None:
        self.steps_left = steps
        self.depth = 0

    def spend(self, steps: int) -> None:
        """Account for a loop of that many steps.

        :raises UnusableSchema: there is nothing left to spend.
        """
        self.steps_left -= steps
        if self.steps_left < 0:
            raise UnusableSchema("Checking takes too many steps")


class Failure:
    """The first thing that is wrong, with a message that is only made when somebody asks.

    The schema ``false`` fails without a keyword: ``None``.
    """

    __slots__ = ("describe", "instance", "keyword", "path", "schema", "schema_path", "value")

    def __init__(
        self,
        keyword: str | None,
        value: JSONValue,
        *,
        instance: JSONValue,
        schema: Schema,
        describe: Callable[[], str],
    ) -> None:
        self.keyword = keyword
        self.value = value
        self.instance = instance
        self.schema = schema
        self.describe = describe
        # Innermost first: every level appends its own.
        self.path: list[str | int] = []
        self.schema_path: list[str | int] = []

    def as_error(self) -> ValidationError:
        try:
            message = self.describe()
        except ValueError:  # Python writes no integer of more than 4,300 digits
            message = f"{_TOO_LONG} does not match {self.keyword!r}"
        return ValidationError(
            message,
            validator=self.keyword,
            validator_value=self.value,
            instance=self.instance,
            schema=self.schema,
            path=self.path[::-1],
            schema_path=self.schema_path[::-1],
        )


# What a keyword of a schema becomes: the first failure of a value, if any.
Check = Callable[[JSONValue, Work], Failure | None]
