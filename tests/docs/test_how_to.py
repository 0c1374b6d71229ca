"""What how-to guides tell people to configure and to type answers what they say."""

import configparser
import re
import textwrap
from collections.abc import Callable
from pathlib import Path

from tests.support.examples import Example, check_output, read_examples, run_examples
from tests.support.oauth import running_oauth_server
from tests.support.processes import find_program


HOW_TO = Path(__file__).parents[2] / "docs" / "how-to"
_INI = re.compile(r"^\.\. code-block:: ini\n\n((?:(?:   .*)?\n)+)", re.MULTILINE)


def settings_of(page: Path) -> dict[str, str]:
    """What all the blocks of a page set."""
    parser = configparser.RawConfigParser(delimiters=("=",))
    blocks = _INI.findall(page.read_text(encoding="utf-8") + "\n")
    parser.read_string("[app:main]\n" + "\n".join(textwrap.dedent(block) for block in blocks))
    return dict(parser["app:main"])


def check(page: Path, *, server: str, directory: Path, **variables: str) -> list[Example]:
    """Execute the examples of a page, compare."""
    find_program("curl", package="curl")
    examples = read_examples(page)
    outputs = run_examples(examples, server=server, directory=directory, variables=variables)
    for example, output in zip(examples, outputs, strict=True):
        check_output(example, output)
    return examples


def test_firefox_accounts(kinto_server: Callable[..., str], tmp_path: Path) -> None:
    page = HOW_TO / "firefox-accounts.rst"
    with running_oauth_server() as oauth:
        oauth.know("tok3n", "0a1b2c3d", "profile")
        server = kinto_server({**settings_of(page), "fxa-oauth.oauth_uri": oauth.uri})

        assert len(check(page, server=server, directory=tmp_path, TOKEN="tok3n")) == 5


def test_cdn(kinto_server: Callable[..., str], tmp_path: Path) -> None:
    page = HOW_TO / "cdn.rst"
    settings = settings_of(page)
    # The page comes to it at its end.
    assert settings.pop("kinto.readonly") == "true"

    assert len(check(page, server=kinto_server(settings), directory=tmp_path)) == 9
