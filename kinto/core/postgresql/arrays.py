"""Lists as the text of PostgreSQL arrays.

psycopg2 writes an expression, ``ARRAY['a', 'b']``: it looks at each member, and so does the
parser of the server. One text for the whole list spares both.
"""

from collections.abc import Sequence


# In no text that PostgreSQL can hold.
_NUL = "\0"

ArrayText = str | list[str | None] | list[int | None]


def text_array(texts: Sequence[str | None]) -> ArrayText:
    """A value for a placeholder of the type ``text[]``.

    :raises ValueError: a text holds a NUL character.
    """
    if not texts:
        return "{}"
    try:
        joined = _NUL.join(texts)  # type: ignore[arg-type]  # what raises when one is None
    except TypeError:
        return list(texts)
    if joined.count(_NUL) != len(texts) - 1:
        raise ValueError("A text of an array cannot contain NUL (0x00) characters.")
    if "\\" in joined or '"' in joined:
        joined = joined.replace("\\", "\\\\").replace('"', '\\"')
    return '{"' + joined.replace(_NUL, '","') + '"}'


def number_array(numbers: Sequence[int | None]) -> ArrayText:
    """The same, for the type ``bigint[]``."""
    return "{" + ",".join(["NULL" if each is None else str(each) for each in numbers]) + "}"
