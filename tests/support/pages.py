"""Blocks of configuration in the documentation, for tests that run what the page shows."""

import re
import textwrap
from collections.abc import Mapping
from pathlib import Path


DOCS = Path(__file__).parent.parent.parent / "docs"
_BLOCK = re.compile(
    r"^\.\. code-block:: (\S+)\n((?:[ \t]+:.*\n)*)\n((?:(?:[ \t]+.*)?\n)+)", re.MULTILINE
)


def read_block(page: str, language: str, *, having: str) -> str:
    """The one block of a page in that language in which ``having`` occurs.

    :param page: below ``docs``.
    """
    text = (DOCS / page).read_text(encoding="utf-8") + "\n"
    blocks = [
        textwrap.dedent(match[3])
        for match in _BLOCK.finditer(text)
        if match[1] == language and having in match[3]
    ]
    assert len(blocks) == 1, f"{len(blocks)} blocks in {page} have {having!r}"
    return blocks[0]


def adapt(text: str, replacements: Mapping[str, object]) -> str:
    """The same, with places of this machine: each has to occur in the text."""
    for documented, here in replacements.items():
        assert documented in text, documented
        text = text.replace(documented, str(here))
    return text
