"""Shell sessions in the documentation: found, executed, compared with what they promise."""

import json
import os
import re
import subprocess
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path


DOCUMENTED_SERVER = "http://127.0.0.1:8888/v1"
# In an expected answer, stands for any value; at the end of a text, for any end.
ANYTHING = "..."
_BLOCK = re.compile(
    r"^\.\. code-block:: shell-session\n((?:[ \t]+:.*\n)*)\n((?:(?:[ \t]+.*)?\n)+)", re.MULTILINE
)
_MARKER = "--- end of a command ---"


@dataclass(frozen=True, slots=True)
class Example:
    """A command and the output that the page shows for it, if any."""

    command: str
    expected: str


def read_examples(page: Path) -> list[Example]:
    """The commands of a page, in order."""
    text = page.read_text(encoding="utf-8") + "\n"
    return [
        example
        for match in _BLOCK.finditer(text)
        for example in _split(textwrap.dedent(match[2]).splitlines())
    ]


def _split(lines: list[str]) -> Iterator[Example]:
    command: list[str] = []
    output: list[str] = []
    for line in lines:
        if line.startswith("$ "):
            if command:
                yield Example("\n".join(command), "\n".join(output).strip())
            command, output = [line[2:]], []
        elif line.startswith("> "):
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
    """Execute the commands in one shell.

    :param variables: of its environment, on top of ours.
    :returns: what each printed.
    """
    script = "\n".join(f"{example.command}\necho\necho '{_MARKER}'" for example in examples)
    script = script.replace(DOCUMENTED_SERVER, server)
    done = subprocess.run(
        ["bash", "-s"],
        input=f"set -e\n{script}\n",
        capture_output=True,
        text=True,
        cwd=directory,
        env={**os.environ, **(variables or {})},
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return [output.strip() for output in done.stdout.split(_MARKER)[:-1]]


def check_output(example: Example, output: str) -> None:
    """Fail unless the command printed what the page says.

    Of JSON objects the page may show a part; text has to be the same.
    """
    if not example.expected:
        return
    try:
        expected = json.loads(example.expected)
    except ValueError:
        assert output == example.expected, example.command
        return
    problem = find_difference(expected, json.loads(output))
    assert problem is None, f"{example.command}\n{problem}\n{output}"


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
