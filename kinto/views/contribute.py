"""How to take part in the project."""

from typing import Any

from pyramid.request import Request
from pyramid.security import NO_PERMISSION_REQUIRED

from kinto.core.service import Service


contribute = Service(
    name="contribute", path="/contribute.json", description="How to contribute", tags=["Utilities"]
)

_REPOSITORY = "https://github.com/Kinto/kinto"
_CONTRIBUTE = {
    "name": "Kinto",
    "description": "A JSON storage, synchronisation and sharing service.",
    "repository": {"url": _REPOSITORY, "license": "Apache-2.0", "tests": f"{_REPOSITORY}/actions"},
    "participate": {
        "home": _REPOSITORY,
        "docs": "https://kinto.readthedocs.io/",
        "irc": "irc://irc.freenode.net/#kinto",
        "irc-contacts": [],
    },
    "bugs": {"list": f"{_REPOSITORY}/issues", "report": f"{_REPOSITORY}/issues/new"},
    "keywords": ["JSON", "storage", "synchronisation", "permissions"],
}


@contribute.get(permission=NO_PERMISSION_REQUIRED, operation_id="contribute")
def get_contribute(request: Request) -> dict[str, Any]:
    """The contribution file."""
    return _CONTRIBUTE
