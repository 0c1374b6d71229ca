"""Removal of what lives below an object that is deleted."""

from collections.abc import Iterable

from pyramid.request import Request

from kinto.core.storage.protocols import SubtreeRemover


def remove_subtrees(request: Request, uris: Iterable[str]) -> None:
    """Remove every object, tombstone, timestamp and permission below these URIs.

    Members of the groups below lose them: a bucket made again under the same name must not
    let them in.
    """
    registry = request.registry
    for uri in uris:
        _remove_group_principals(registry, uri)
        if isinstance(registry.storage, SubtreeRemover):
            registry.storage.remove_subtree(uri)
        else:
            for parent_id in (uri, f"{uri}/*"):
                registry.storage.delete_all(None, parent_id, with_deleted=False)
                registry.storage.purge_deleted(None, parent_id)
        registry.permission.delete_object_permissions(f"{uri}/*")


def _remove_group_principals(registry: object, uri: str) -> None:
    permission = registry.permission  # type: ignore[attr-defined]  # set on Pyramid's registry
    remove_below = getattr(permission, "remove_principals_below", None)
    if remove_below is not None:
        remove_below(f"{uri}/groups/")
        return
    for group in registry.storage.list_all("group", uri):  # type: ignore[attr-defined]
        permission.remove_principal(f"{uri}/groups/{group['id']}")
