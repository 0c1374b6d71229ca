"""Where a user may be sent back to after the login.

The token is handed over in that URL: what is not plainly one of the authorized domains is
refused.
"""

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from kinto.core.protocol.host import is_valid_host


# Browsers skip some of these, and take a backslash for a slash.
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f-\uffff\U00010000-\U0010ffff\\]")


def is_authorized(url: str, domains: Sequence[str]) -> bool:
    """Whether the host of the URL matches one of the patterns.

    :param domains: shell-style patterns of hosts, ``*.example.org``; of ``host:port`` as well.
    """
    if _FORBIDDEN.search(url):
        return False
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    # Neither user and password, which look like a host, nor anything else that is no host.
    if parts.scheme not in ("http", "https") or not is_valid_host(parts.netloc):
        return False
    host = (parts.hostname or "").rstrip(".")
    names = [host] if port is None else [host, f"{host}:{port}"]
    return any(fnmatchcase(name, pattern.lower()) for pattern in domains for name in names)
