"""What a check is, and what it finds.

Facts are gathered first, in few questions and within time limits; a check is a pure function
of one part of them.
"""

import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from kinto.core.settings import CoreSettings


class Verdict(Enum):
    """What a check says."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found.

    :param found: in a few words.
    :param fix: the setting, the command or the SQL that mends it; empty where there is none.
    """

    verdict: Verdict
    found: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """Stands in the place of facts that could not be gathered.

    :param verdict: of the check that asks whether they can be; the others were not checked.
    """

    text: str
    fix: str = ""
    verdict: Verdict = Verdict.FAILURE


@dataclass(frozen=True, slots=True)
class Workload:
    """How the service is run, as far as the configuration file says.

    :param processes: ``None``: not known.
    :param threads: of each process, that answer requests; ``None``: not known.
    :param source: the section of the file that says so.
    """

    processes: int | None
    threads: int | None
    source: str


@dataclass(frozen=True, slots=True)
class Context:
    """What is known before anything is asked.

    :param settings: with their real types; a bad one has its default here.
    :param written: by name without prefix, from the file, the environment, the defaults.
    """

    ini: Path
    settings: CoreSettings
    written: Mapping[str, Any]
    workload: Workload

    def command(self, text: str) -> str:
        """A command of ours, for this configuration."""
        return f"kinto {text} --ini {shlex.quote(str(self.ini))}"


Findings = Finding | Sequence[Finding]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that is looked at.

    :param name: stays the same for ever: scripts read it.
    :param subject: what it looks at, for the documentation.
    :param part: the name of the facts that it judges.
    :param judge: called with that part (of whatever type it has) and the context.
    :param tells_problem: it is the one to say why there are no facts.
    """

    name: str
    subject: str
    part: str
    judge: Callable[[Any, Context], Findings]
    tells_problem: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """A finding, with where it belongs.

    :param subject: which database or server, where there may be several; else empty.
    """

    check: str
    subject: str
    finding: Finding

    @property
    def verdict(self) -> Verdict:
        return self.finding.verdict


def run_checks(
    checks: Sequence[Check], parts: Mapping[str, Any], context: Context, *, subject: str = ""
) -> Iterator[Result]:
    """Judge these facts.

    :param parts: by name; a :class:`Problem` where there are none.
    """
    for check in checks:
        part = parts[check.part]
        if isinstance(part, Problem):
            findings: Findings = _without_facts(check, part)
        else:
            findings = check.judge(part, context)
        for finding in [findings] if isinstance(findings, Finding) else findings:
            yield Result(check.name, subject, finding)


def _without_facts(check: Check, problem: Problem) -> Finding:
    if check.tells_problem:
        return Finding(problem.verdict, problem.text, problem.fix)
    return not_checked(problem.text)


def ok(found: str, fix: str = "") -> Finding:
    """It is as it should be.

    :param fix: a hint.
    """
    return Finding(Verdict.OK, found, fix)


def warning(found: str, fix: str) -> Finding:
    """It works, and could go wrong."""
    return Finding(Verdict.WARNING, found, fix)


def failure(found: str, fix: str) -> Finding:
    """It does not work, or is not safe."""
    return Finding(Verdict.FAILURE, found, fix)


def not_checked(found: str) -> Finding:
    """Nothing can be said.

    :param found: why.
    """
    return Finding(Verdict.NOT_CHECKED, found)
