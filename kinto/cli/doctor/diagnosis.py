"""The whole examination: facts gathered side by side, then judged."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from kinto.cli.doctor import caches, catalogue, database, disk, loading, monitoring
from kinto.cli.doctor.configuration import Configuration, read_configuration
from kinto.cli.doctor.database_facts import Place
from kinto.cli.doctor.findings import Check, Context, Problem, Result, Verdict, run_checks
from kinto.cli.doctor.gathering import Task, gather
from kinto.cli.doctor.redaction import Redaction


# Of start-up, which asks identity providers; and of all servers, side by side. A database is
# asked nothing new for the last seconds of these: what it has told by then is not lost.
START_SECONDS = 3.0
SERVERS_SECONDS = 7.0
_ASKING_SECONDS = 4.0


class Examined(NamedTuple):
    """Something that is asked: what it gives are the facts of these checks.

    :param task: gives the parts by name, or one :class:`Problem` for all of them.
    """

    title: str
    checks: tuple[Check, ...]
    task: Task


def examine(ini: Path) -> list[Result]:
    """Everything that can be found out about a configuration, in a few seconds."""
    configuration = read_configuration(ini)
    if isinstance(configuration, Problem):
        checks = [each for each in catalogue.SETTINGS_CHECKS if each.part == "file"]
        # Nothing in it is looked at; the file itself is all there is to tell.
        context: Any = None
        return list(run_checks(checks, {"file": configuration}, context))
    context = Context(
        configuration.file.path,
        configuration.settings,
        configuration.written,
        configuration.workload,
    )
    redaction = Redaction(configuration.written)
    return [_redacted(result, redaction) for result in _examine(configuration, context)]


def _examine(configuration: Configuration, context: Context) -> Iterator[Result]:
    application = _load(configuration)
    parts = {
        "file": configuration.file,
        "names": configuration.names,
        "values": configuration.problems,
        "settings": configuration.settings,
        "application": application,
    }
    yield from run_checks(catalogue.SETTINGS_CHECKS, parts, context)
    examined = list(_find_servers(configuration, application))
    names = [f"{number} {each.title}" for number, each in enumerate(examined)]
    tasks = {name: each.task for name, each in zip(names, examined, strict=True)}
    gathered = gather(tasks, seconds=SERVERS_SECONDS)
    for name, each in zip(names, examined, strict=True):
        yield from run_checks(
            each.checks, _parts_of(each, gathered[name]), context, subject=each.title
        )


def _parts_of(examined: Examined, found: Any) -> Mapping[str, Any]:
    if not isinstance(found, Problem):
        parts: Mapping[str, Any] = found
        return parts
    told = {check.part for check in examined.checks if check.tells_problem}
    others = Problem("nothing answered")
    return {check.part: found if check.part in told else others for check in examined.checks}


def _load(configuration: Configuration) -> loading.Application | Problem:
    """Start up, unless that fails for reasons told already, or starts a database."""
    if configuration.problems:
        return Problem("bad settings come first", verdict=Verdict.NOT_CHECKED)
    path = configuration.file.path
    places = database.find_places(configuration.written, path.parent)
    stopped = [
        place
        for place in places
        if isinstance(place, Problem) and place.verdict is Verdict.NOT_CHECKED
    ]
    if stopped:
        return stopped[0]
    found = gather({"start": partial(loading.load, path)}, seconds=START_SECONDS)["start"]
    if isinstance(found, Problem):
        return replace(found, fix=found.fix or f"kinto start --ini {path}, which says the same")
    application: loading.Application = found
    return application


def _find_servers(
    configuration: Configuration, application: loading.Application | Problem
) -> Iterator[Examined]:
    written, folder = configuration.written, configuration.file.path.parent
    versions = {} if isinstance(application, Problem) else application.plugin_versions
    for place in database.find_places(written, folder):
        if isinstance(place, Place):
            task: Task = partial(
                database.examine,
                place,
                written,
                plugin_versions=versions,
                seconds=_ASKING_SECONDS,
            )
            yield Examined(place.title, catalogue.DATABASE_CHECKS, task)
        else:
            yield Examined("", catalogue.DATABASE_CHECKS, partial(_itself, place))
    for each in disk.find_embedded_folders(written, folder):
        yield Examined("", catalogue.DISK_CHECKS, partial(_measure, each))
    for cache in caches.find_caches(written):
        yield Examined(cache.title, catalogue.CACHE_CHECKS, partial(_try_cache, cache))
    yield Examined("", catalogue.MONITORING_CHECKS, partial(_resolve, configuration))


def _itself(problem: Problem) -> Problem:
    return problem


def _measure(folder: Path) -> dict[str, Any]:
    return {"disk": disk.measure(folder)}


def _try_cache(place: caches.CachePlace) -> dict[str, Any]:
    return {"answer": caches.try_cache(place)}


def _resolve(configuration: Configuration) -> dict[str, Any]:
    settings = configuration.settings
    return {
        "statsd": monitoring.resolve_statsd(settings.monitoring.statsd_url),
        "settings": settings,
    }


def _redacted(result: Result, redaction: Redaction) -> Result:
    finding = result.finding
    return replace(
        result,
        finding=replace(finding, found=redaction(finding.found), fix=redaction(finding.fix)),
    )
