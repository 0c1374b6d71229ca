"""The configuration file: where it is, who may read it, what its names and values are."""

import os
import re
import shlex
import stat
from collections.abc import Mapping
from configparser import RawConfigParser
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kinto.cli.doctor.findings import (
    Check,
    Context,
    Finding,
    Findings,
    Problem,
    Workload,
    failure,
    ok,
    warning,
)
from kinto.config.inifile import MissingIniError, load_server_options, read_app_settings
from kinto.core.settings import (
    CORE_DEFAULT_SETTINGS,
    DEFINITIONS,
    KINTO_DEFAULT_SETTINGS,
    CoreSettings,
    find_kind,
    find_odd_names,
    inspect_settings,
    read_settings,
)


# Of waitress, where the file says nothing.
_WAITRESS_THREADS = "4"
_UWSGI_PROCESSES = ("processes", "workers", "p")
_SECRET_NAME = re.compile(r"secret|password|dsn", re.IGNORECASE)
_PASSWORD_IN_URL = re.compile(r"://[^/?#]*:[^/?#]+@|password=", re.IGNORECASE)
_LISTED_NAMES = 5


@dataclass(frozen=True, slots=True)
class FileFacts:
    """The file itself.

    :param mode: permission bits.
    """

    path: Path
    mode: int
    holds_secrets: bool


@dataclass(frozen=True, slots=True)
class NameFacts:
    """Names of settings.

    :param odd: a line about each that was misspelled, or is spelled as in Kinto 3.
    :param unknown: those with our prefix that only a plugin can know.
    """

    odd: tuple[str, ...]
    unknown: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Configuration:
    """What the file and the environment say.

    :param settings: with their real types; a bad one has its default.
    :param written: as they are written, by name without prefix.
    :param problems: a line about each bad setting.
    """

    file: FileFacts
    settings: CoreSettings
    written: Mapping[str, Any]
    names: NameFacts
    problems: tuple[str, ...]
    workload: Workload


def read_configuration(path: Path) -> Configuration | Problem:
    """Everything that the file says, or why it says nothing."""
    path = path.absolute()
    try:
        raw = read_app_settings(_require_file(path))
        sections = _read_sections(path)
        defaults = {**CORE_DEFAULT_SETTINGS, **KINTO_DEFAULT_SETTINGS}
        written = read_settings(raw, prefix="kinto", defaults=defaults, environ=os.environ)
        workload = find_workload(sections, _server_options(path))
        mode = stat.S_IMODE(path.stat().st_mode)
    except MissingIniError as error:
        fix = f"kinto init --ini {path}, or name another file with --ini or KINTO_INI"
        return Problem(str(error), fix)
    except OSError as error:
        return Problem(f"{path}: {error.strerror}", f"chown or chmod {path}")
    except Exception as error:  # noqa: BLE001  # of three parsers, each with errors of its own
        text = " ".join(str(error).split())
        return Problem(f"{path}: {text}", "mend the file: docs, Reference, Settings")
    settings, problems = inspect_settings(written)
    names = NameFacts(tuple(find_odd_names(written)), tuple(_find_unknown(raw)))
    file = FileFacts(path, mode, holds_secrets=any(map(is_secret, raw, raw.values())))
    return Configuration(file, settings, written, names, tuple(problems), workload)


def _require_file(path: Path) -> Path:
    if not path.is_file():
        raise MissingIniError(path)
    with path.open("rb"):  # configparser takes a file that cannot be read for an empty one
        return path


def _read_sections(path: Path) -> RawConfigParser:
    parser = RawConfigParser(strict=False)
    parser.read(path, encoding="utf-8")
    return parser


def _server_options(path: Path) -> Mapping[str, str]:
    try:
        options: Mapping[str, str] = load_server_options(path).local_conf
    except LookupError:
        return {}
    return options


def find_workload(sections: RawConfigParser, server_options: Mapping[str, str]) -> Workload:
    """How many processes and threads serve: those of uWSGI where its section is there."""
    if not sections.has_section("uwsgi"):
        return Workload(
            1, _number(server_options.get("threads", _WAITRESS_THREADS)), "[server:main]"
        )
    uwsgi = dict(sections.items("uwsgi"))
    processes = next((uwsgi[name] for name in _UWSGI_PROCESSES if name in uwsgi), "1")
    return Workload(_number(processes), _number(uwsgi.get("threads", "1")), "[uwsgi]")


def _number(text: str) -> int | None:
    """A number; ``None`` for what only uWSGI can compute (``%k``)."""
    return int(text) if text.strip().isdecimal() else None


def is_secret(name: str, value: object) -> bool:
    """Does this setting hold what others must not read?"""
    if not value:
        return False
    if _SECRET_NAME.search(name):
        return True
    return name.endswith(("url", "uri")) and bool(_PASSWORD_IN_URL.search(str(value)))


def _find_unknown(raw: Mapping[str, Any]) -> list[str]:
    names = (name for name in raw if name.startswith("kinto."))
    return [name for name in names if not _is_known(name.removeprefix("kinto."))]


def _is_known(name: str) -> bool:
    groups = ("storage_", "cache_", "permission_", "multiauth.", "event_listeners.")
    return name in DEFINITIONS or find_kind(name) is not None or name.startswith(groups)


def judge_file(facts: FileFacts, context: Context) -> Finding:
    """May others read it?"""
    mode = f"{facts.path} has mode {facts.mode:04o}"
    fix = f"chmod 600 {shlex.quote(str(facts.path))}"
    if facts.mode & 0o022:
        return failure(f"{mode}: others may change it", fix)
    if facts.mode & 0o004 and facts.holds_secrets:
        return failure(f"{mode}: everybody may read the secrets in it", fix)
    if facts.mode & 0o040 and facts.holds_secrets:
        return ok(f"{mode}: its group may read the secrets in it")
    return ok(mode)


def judge_names(facts: NameFacts, context: Context) -> Findings:
    """Is each name one that is read?"""
    odd = [warning(line, "correct the name: docs, Reference, Settings") for line in facts.odd]
    if odd:
        return odd
    if facts.unknown:
        shown = ", ".join(facts.unknown[:_LISTED_NAMES])
        return ok(f"known to plugins alone, if at all: {shown}")
    return ok("all are known")


def judge_values(problems: tuple[str, ...], context: Context) -> Findings:
    """Does each value make sense?"""
    if problems:
        return [failure(line, "correct the value: docs, Reference, Settings") for line in problems]
    return ok("all make sense")


CHECKS = (
    Check(
        "configuration.file",
        "The configuration file is there, can be read, and nobody else reads its secrets.",
        "file",
        judge_file,
        tells_problem=True,
    ),
    Check(
        "configuration.names",
        "No setting is misspelled, or spelled as in Kinto 3.",
        "names",
        judge_names,
    ),
    Check("configuration.values", "Each value is of its type.", "values", judge_values),
)
