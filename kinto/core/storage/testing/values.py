"""Storage suite: values in their order."""

from typing import Any


# Groups of equal values, from the least to the greatest; absent fields come after all of them.
ORDERED_VALUES: tuple[tuple[Any, ...], ...] = (
    (None,),
    ("",),
    (" ",),
    ("-1",),
    ("1",),
    ("10",),
    ("2",),
    ("B",),
    ("a",),
    ("ab",),
    ("b",),
    ("\u00e9",),
    ("\uffee",),
    ("\U0001f600",),
    (-(10**30),),
    (-1.5,),
    (-1,),
    (0,),
    (0.1,),
    (1, 1.0),
    (2,),
    (10,),
    (2**53,),
    (2**53 + 1,),
    (10**30,),
    (False,),
    (True,),
    ([1], [1.0]),
    ([1, 2],),
    ({"a": 1}, {"a": 1.0}),
    ({"a": 1, "b": [2]}, {"b": [2], "a": 1}),
)
