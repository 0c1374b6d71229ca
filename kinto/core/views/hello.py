"""Hello view: what this server is, and who asks.

Source: "Hello view and capabilities" of the HTTP API, section 14.
"""

import hashlib
import os
from datetime import datetime
from functools import lru_cache
from time import monotonic
from typing import Any

from pyramid.request import Request
from pyramid.security import NO_PERMISSION_REQUIRED

from kinto.core.origin import own_url
from kinto.core.registry import settings_of
from kinto.core.service import Service


hello = Service(name="hello", path="/", description="Welcome", tags=["Utilities"])

_DESCRIBED_FOR_SECONDS = 1.0
_DEFAULT_INI = os.path.join("config", "kinto.ini")


@hello.get(permission=NO_PERMISSION_REQUIRED, operation_id="server_info")
def get_hello(request: Request) -> dict[str, Any]:
    """Identity of the server and of the user."""
    settings = settings_of(request)
    project = settings.project
    given = request.registry.settings
    version = given.get("http_api_version")
    # Under Apache, the variable is that of the request.
    ini = request.environ.get("KINTO_INI") or os.environ.get("KINTO_INI") or _DEFAULT_INI
    data: dict[str, Any] = {
        "project_name": given.get("project_name"),
        "project_version": given.get("project_version"),
        "http_api_version": str(version),
        "project_docs": project.docs_url,
        "url": own_url(request),
        "config": describe_config_file(ini),
    }
    eos = given.get("eos")
    if eos:
        data["eos"] = str(eos)
    data["settings"] = {
        name.replace("public.", "", 1): given.get(name)
        for name in request.registry.public_settings
    }
    if request.prefixed_userid is not None:
        data["user"] = request.get_user_info()
    data["capabilities"] = request.registry.api_capabilities
    if settings.features.is_readonly:
        request.response.cache_expires(settings.cache_control.root_seconds)
    return data


def describe_config_file(path: str) -> dict[str, str] | None:
    """Path, digest and modification time of the configuration file; ``None`` without one."""
    return _describe(path, int(monotonic() / _DESCRIBED_FOR_SECONDS))


@lru_cache(maxsize=16)
def _describe(path: str, _period: int) -> dict[str, str] | None:
    """As above; the file is looked at once in a period."""
    try:
        modified = os.path.getmtime(path)
    except OSError:
        return None
    return {
        "path": path,
        "hash": _digest(path),
        "modified": datetime.fromtimestamp(modified).isoformat(),
    }


def _digest(path: str) -> str:
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
