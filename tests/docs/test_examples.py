"""What the README, the tutorials tell people to type works, and answers what they say."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.examples import (
    Example,
    check_output,
    find_difference,
    read_examples,
    run_examples,
)
from tests.support.processes import find_program
from tests.support.services import START_SETTINGS, postgresql_settings


ROOT = Path(__file__).parent.parent.parent
PAGES = [ROOT / "README.rst", *sorted((ROOT / "docs" / "tutorials").glob("*.rst"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_examples_answer_what_the_page_says(
    page: Path,
    kinto_server: Callable[..., str],
    new_database: Callable[[], str],
    tmp_path: Path,
) -> None:
    find_program("curl", package="curl")
    server = kinto_server({**postgresql_settings(new_database()), **START_SETTINGS})
    examples = read_examples(page)

    outputs = run_examples(examples, server=server, directory=tmp_path)

    assert examples
    assert len(outputs) == len(examples)
    for example, output in zip(examples, outputs, strict=True):
        check_output(example, output)


def test_sessions_are_split_into_commands_and_outputs(tmp_path: Path) -> None:
    page = tmp_path / "page.rst"
    page.write_text(
        "Text\n\n.. code-block:: shell-session\n\n   $ A=1\n   $ echo \\\n       two\n   two\n\n"
        ".. code-block:: shell-session\n\n   $ cat <<END\n   > x\n   > END\n   x\n\nEnd.\n",
        encoding="utf-8",
    )

    assert read_examples(page) == [
        Example("A=1", ""),
        Example("echo \\\n    two", "two"),
        Example("cat <<END\nx\nEND", "x"),
    ]


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"a": "..."}, {"a": [1]}),
        (["user:..."], ["user:bob"]),
        ([{"a": 1}], [{"a": 1, "b": 2}]),
    ],
)
def test_a_part_of_an_object_is_enough(expected: object, actual: object) -> None:
    assert find_difference(expected, actual) is None


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ({"a": 1}, {"a": 2}),
        ({"a": 1}, {"b": 1}),
        ([1], [1, 2]),
        ([1], {"a": 1}),
        ("user:...", "group:x"),
    ],
)
def test_a_difference_is_found(expected: object, actual: object) -> None:
    assert find_difference(expected, actual)
