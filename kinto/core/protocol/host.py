"""The ``Host`` header.

Source: RFC 3986 section 3.2.2.
"""

import re
from functools import lru_cache


_MAX_LENGTH = 261  # a name of 255 characters, a colon, a port
_HOST = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?")


@lru_cache(maxsize=256)
def is_valid_host(text: str) -> bool:
    """Whether this is a name or an address, perhaps with a port, that links may show."""
    if len(text) > _MAX_LENGTH:
        return False
    match = _HOST.fullmatch(text)
    return match is not None and int(match["port"] or 0) <= 65_535
