"""What the page about Firefox Accounts says."""

import configparser
import re
import textwrap
from collections.abc import Callable
from pathlib import Path

from tests.support.examples import check_output, read_examples, run_examples
from tests.support.oauth import running_oauth_server
from tests.support.processes import find_program


PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "firefox-accounts.rst"
_INI = re.compile(r"^\.\. code-block:: ini\n\n((?:(?:   .*)?\n)+)", re.MULTILINE)


def settings_of(page: Path) -> dict[str, str]:
    """What all the blocks of a page set."""
    parser = configparser.RawConfigParser(delimiters=("=",))
    blocks = _INI.findall(page.read_text(encoding="utf-8") + "\n")
    parser.read_string("[app:main]\n" + "\n".join(textwrap.dedent(block) for block in blocks))
    return dict(parser["app:main"])


def test_the_configuration_of_the_page_answers_what_the_page_says(
    kinto_server: Callable[..., str], tmp_path: Path
) -> None:
    find_program("curl", package="curl")
    with running_oauth_server() as oauth:
        oauth.know("tok3n", "0a1b2c3d", "profile")
        settings = {**settings_of(PAGE), "fxa-oauth.oauth_uri": oauth.uri}
        server = kinto_server(settings)
        examples = read_examples(PAGE)

        outputs = run_examples(
            examples, server=server, directory=tmp_path, variables={"TOKEN": "tok3n"}
        )

    assert len(outputs) == len(examples) == 5
    for example, output in zip(examples, outputs, strict=True):
        check_output(example, output)
