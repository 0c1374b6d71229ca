"""Version of the deployment, as its pipeline wrote it into a file."""

from pathlib import Path
from typing import Any

import structlog
from pyramid.httpexceptions import HTTPNotFound
from pyramid.request import Request
from pyramid.security import NO_PERMISSION_REQUIRED

from kinto.core.protocol import json_codec
from kinto.core.registry import settings_of
from kinto.core.service import Service


log = structlog.get_logger(__name__)

_PACKAGE = Path(__file__).parents[2]

version = Service(name="version", path="/__version__", description="Version", tags=["Utilities"])


@version.get(permission=NO_PERMISSION_REQUIRED, operation_id="__version__")
def version_view(request: Request) -> Any:
    """The JSON of the version file, read once; 404 while there is none."""
    known: dict[Path, Any] = version_view.__dict__.setdefault("__json__", {})
    paths = _candidates(settings_of(request).project.version_json_path)
    for path in paths:
        if path not in known and path.is_file():
            known[path] = json_codec.loads(path.read_bytes())
        if path in known:
            return known[path]
    log.error(f"Version file missing from {', '.join(map(str, paths))}")
    raise HTTPNotFound()


def _candidates(configured: str) -> list[Path]:
    """The path from the current folder, then from that of the package."""
    path = Path(configured)
    if path.is_absolute():
        return [path]
    return [Path.cwd() / path, _PACKAGE / path]
