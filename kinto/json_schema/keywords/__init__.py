"""What each keyword of Draft 7 checks.

A keyword is a function from its value, the schema that it stands in, and ``compile``, which makes
an inner schema applicable, to a check. ``format`` is not asserted; other keywords are ignored.
"""

from typing import Any

from kinto.json_schema.keywords.arrays import ARRAYS
from kinto.json_schema.keywords.assertions import ASSERTIONS, AssertionKeyword
from kinto.json_schema.keywords.base import Compile, Keyword
from kinto.json_schema.keywords.combinations import COMBINATIONS
from kinto.json_schema.keywords.objects import OBJECTS
from kinto.json_schema.outcome import Check


__all__ = ["KEYWORDS", "Keyword"]


def _without_inner_schemas(keyword: AssertionKeyword) -> Keyword:
    # Any: a keyword's value is whatever JSON holds.
    def make(expected: Any, schema: dict[str, Any], _: Compile) -> Check:
        return keyword(expected, schema)

    return make


KEYWORDS: dict[str, Keyword] = {
    **{name: _without_inner_schemas(keyword) for name, keyword in ASSERTIONS.items()},
    **ARRAYS,
    **COMBINATIONS,
    **OBJECTS,
}
