"""Checks of the disk below an embedded PostgreSQL."""

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kinto.cli.doctor.findings import Check, Context, Finding, Problem, failure, ok, warning
from kinto.core.postgresql.embedded import (
    EmbeddedPostgreSQLError,
    is_embedded_url,
    parse_embedded_url,
)


_GIB = 1024**3
_FAILURE_BYTES, _WARNING_BYTES = _GIB // 4, 2 * _GIB
_WARNING_SHARE = 0.05
_KINDS = ("storage", "permission", "cache")


@dataclass(frozen=True, slots=True)
class DiskSpace:
    """Room on the disk of a folder."""

    folder: Path
    total_bytes: int
    free_bytes: int


def find_embedded_folders(written: Mapping[str, Any], base_folder: Path) -> Iterator[Path]:
    """Each folder of an embedded PostgreSQL."""
    seen = set()
    for kind in _KINDS:
        url = str(written.get(f"{kind}_url") or "")
        if not is_embedded_url(url) or str(written.get(f"{kind}_backend")).endswith(".memory"):
            continue
        try:
            folder = parse_embedded_url(url, base_folder)
        except EmbeddedPostgreSQLError:  # told by another check
            continue
        if folder not in seen:
            seen.add(folder)
            yield folder


def measure(folder: Path) -> DiskSpace | Problem:
    """The room on the disk where the folder is, or will be."""
    existing = next(place for place in (folder, *folder.parents) if place.exists())
    try:
        usage = shutil.disk_usage(existing)
    except OSError as error:
        return Problem(f"{existing}: {error.strerror}")
    return DiskSpace(folder, usage.total, usage.free)


def judge_disk(space: DiskSpace, context: Context) -> Finding:
    """Is there room for more?"""
    free = f"{space.folder}: {space.free_bytes / _GIB:.1f} GiB free"
    fix = f"make room on the disk of {space.folder}"
    if space.free_bytes < _FAILURE_BYTES:
        return failure(f"{free}: writes fail when there is none", fix)
    if space.free_bytes < _WARNING_BYTES and space.free_bytes < _WARNING_SHARE * space.total_bytes:
        return warning(free, fix)
    return ok(free)


CHECKS = (
    Check(
        "database.disk",
        "An embedded PostgreSQL has room on its disk.",
        "disk",
        judge_disk,
        tells_problem=True,
    ),
)
