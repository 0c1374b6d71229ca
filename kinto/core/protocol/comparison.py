"""The operators of filters."""

from enum import Enum


class COMPARISON(Enum):
    """What a filter asks of a field.

    The texts are what backends and plugins see; the prefixes of the query string are the
    lower-cased names. A prefix is looked for in the order of declaration, hence
    ``CONTAINS_ANY`` before ``CONTAINS``.
    """

    LT = "<"
    MIN = ">="
    MAX = "<="
    NOT = "!="
    EQ = "=="
    GT = ">"
    IN = "in"
    EXCLUDE = "exclude"
    LIKE = "like"
    HAS = "has"
    CONTAINS_ANY = "contains_any"
    CONTAINS = "contains"
