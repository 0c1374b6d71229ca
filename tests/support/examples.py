"""Shell sessions in the documentation: found, executed, compared with what they promise."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.support.pages import read_page
from tests.support.processes import daemon_user


DOCUMENTED_SERVER = "http://127.0.0.1:8888/v1"
# In an expected answer, stands for any value; at the end of a text, for any end; as a line of
# its own, for any lines.
ANYTHING = "..."
_MARKER = "--- end of a command ---"
TIMEOUT_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Example:
    """A command and the output that the page shows for it, if any."""

    command: str
    expected: str


def read_examples(page: Path) -> list[Example]:
    """The commands of a page's shell sessions, in order."""
    return [
        example
        for block in read_page(page).blocks_of("shell-session")
        for example in _split(block.text.splitlines())
    ]


def _split(lines: list[str]) -> Iterator[Example]:
    command: list[str] = []
    output: list[str] = []
    for line in lines:
        if line.startswith("$ "):
            if command:
                yield Example("\n".join(command), "\n".join(output).strip())
            command, output = [line[2:]], []
        elif line.startswith("> ") or line == ">":
            command.append(line[2:])
        elif command[-1].endswith("\\"):
            command.append(line)
        else:
            output.append(line)
    if command:
        yield Example("\n".join(command), "\n".join(output).strip())


def run_examples(
    examples: list[Example],
    *,
    server: str,
    directory: Path,
    variables: Mapping[str, str] | None = None,
) -> list[str]:
    """Execute the commands in one shell, with the Python and the ``kinto`` of the tests.

    :param variables: of its environment, on top of ours.
    :returns: what each printed.
    """
    script = "\n".join(f"{example.command}\necho\necho '{_MARKER}'" for example in examples)
    script = script.replace(DOCUMENTED_SERVER, server)
    folders = [str(Path(sys.executable).parent), os.environ.get("PATH", "")]
    environment = {"PATH": os.pathsep.join(folders), "NO_PROXY": "127.0.0.1"}
    if user := daemon_user():
        environment["KINTO_EMBEDDED_USER"] = user
    done = subprocess.run(
        ["bash", "-s"],
        input=f"set -e\n{script}\n",
        capture_output=True,
        text=True,
        cwd=directory,
        env={**os.environ, **environment, **(variables or {})},
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return [output.strip() for output in done.stdout.split(_MARKER)[:-1]]


def check_output(example: Example, output: str) -> None:
    """Fail unless the command printed what the page says.

    Of JSON objects the page may show a part, and of the headers of an answer; other text has to
    be the same.
    """
    if not example.expected:
        return
    expected_headers, expected = _split_answer(example.expected)
    headers, body = _split_answer(output)
    for header in expected_headers:
        found = any(_matches(header.lower(), line.lower()) for line in headers)
        assert found, f"{example.command}\nno {header}\n{output}"
    if (wanted := _parse_json(expected)) is not None:
        problem = find_difference(wanted, json.loads(body))
        assert problem is None, f"{example.command}\n{problem}\n{output}"
    elif expected or not expected_headers:
        assert _matches(expected, body), f"{example.command}\n{output}"


def _split_answer(text: str) -> tuple[list[str], str]:
    """Status line and headers, if ``curl -i`` showed them; and the rest."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not text.startswith("HTTP/1."):
        return [], text
    head, _, body = text.partition("\n\n")
    return head.splitlines(), body.strip()


def _parse_json(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _matches(expected: str, actual: str) -> bool:
    pattern = "\n".join(
        # A line that is nothing but dots stands for lines.
        "(?s:.*)" if line == ANYTHING else re.escape(line).replace(re.escape(ANYTHING), ".*")
        for line in expected.split("\n")
    )
    return bool(re.fullmatch(pattern, actual))


def find_difference(expected: object, actual: object, *, path: str = "$") -> str | None:
    """Where ``actual`` lacks something of ``expected``, ``None`` if nowhere."""
    if expected == ANYTHING:
        return None
    if isinstance(expected, dict) and isinstance(actual, dict):
        for key, value in expected.items():
            if key not in actual:
                return f"{path}.{key} is missing"
            if problem := find_difference(value, actual[key], path=f"{path}.{key}"):
                return problem
        return None
    if isinstance(expected, list) and isinstance(actual, list):
        if len(expected) != len(actual):
            return f"{path} has {len(actual)} items instead of {len(expected)}"
        for number, (first, second) in enumerate(zip(expected, actual, strict=True)):
            if problem := find_difference(first, second, path=f"{path}[{number}]"):
                return problem
        return None
    if isinstance(expected, str) and isinstance(actual, str) and expected.endswith(ANYTHING):
        is_same = actual.startswith(expected.removesuffix(ANYTHING))
    else:
        is_same = expected == actual
    return None if is_same else f"{path} is {actual!r} instead of {expected!r}"
