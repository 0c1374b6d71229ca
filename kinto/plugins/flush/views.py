"""The endpoint that removes everything."""

from typing import Any

from pyramid.request import Request
from pyramid.security import NO_PERMISSION_REQUIRED

from kinto.core.service import Service
from kinto.core.storage.protocols import SubtreeRemover
from kinto.core.types import ListKey
from kinto.events import ServerFlushed


flush = Service(
    name="flush", path="/__flush__", description="Clear database content", tags=["Flush"]
)


@flush.post(permission=NO_PERMISSION_REQUIRED, operation_id="create_flush")
def flush_post(request: Request) -> dict[str, Any]:
    """Empty the storage, the permissions, the cache."""
    registry = request.registry
    for backend in (registry.storage, registry.permission, registry.cache):
        backend.flush()
    if isinstance(registry.storage, SubtreeRemover):
        # The list of buckets lives on: its timestamp must not go back.
        registry.storage.add_lists([ListKey("bucket", "")])
    registry.notify(ServerFlushed(request))
    request.response.status = 202
    return {}
