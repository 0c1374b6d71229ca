"""Pages of the documentation as tests see them: code blocks, and who tests these."""

import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


ROOT = Path(__file__).parent.parent.parent
_METADATA = re.compile(r"\A((?::[\w-]+:.*\n)+)")
_BLOCK = re.compile(
    r"^(?P<indent>[ ]*)\.\. code-block::[ ]?(?P<language>\S*)\n"
    r"(?P<options>(?:(?P=indent)[ ]+:.*\n)*)"
    r"(?P<text>(?:[ \t]*\n|(?P=indent)[ ]+.*\n)+)",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Block:
    """A ``code-block`` of a page.

    :param options: those of the directive: ``caption`` is the name of the file that it holds.
    """

    language: str
    options: dict[str, str]
    text: str


@dataclass(frozen=True, slots=True)
class Page:
    """A page, with its code blocks in order.

    :param tested_by: the module that executes its examples, from the field ``:tested-by:`` at its
        top; "" where tests/docs/test_examples.py does.
    """

    path: Path
    tested_by: str
    blocks: tuple[Block, ...]

    @property
    def name(self) -> str:
        """Path below the root of the project."""
        return self.path.relative_to(ROOT).as_posix()

    def blocks_of(self, language: str) -> list[Block]:
        return [block for block in self.blocks if block.language == language]


def all_pages() -> list[Page]:
    """The README and every page below docs/."""
    paths = sorted((ROOT / "docs").rglob("*.rst"))
    return [
        read_page(path)
        for path in [ROOT / "README.rst", *paths]
        if "_build" not in path.relative_to(ROOT).parts
    ]


def read_page(path: Path) -> Page:
    """The page in a file."""
    text = path.read_text(encoding="utf-8") + "\n"
    metadata = _METADATA.match(text)
    blocks = (
        Block(
            match["language"],
            dict(re.findall(r":([\w-]+):[ ]*(.*)\n", match["options"])),
            textwrap.dedent(match["text"]).strip("\n") + "\n",
        )
        for match in _BLOCK.finditer(text)
    )
    fields = dict(re.findall(r":([\w-]+):[ ]*(.*)\n", metadata[1])) if metadata else {}
    return Page(path, fields.get("tested-by", ""), tuple(blocks))


def read_block(page: str, language: str, *, having: str) -> str:
    """The one block of a page in that language in which ``having`` occurs.

    :param page: below ``docs``.
    """
    blocks = [
        block.text
        for block in read_page(ROOT / "docs" / page).blocks_of(language)
        if having in block.text
    ]
    assert len(blocks) == 1, f"{len(blocks)} blocks in {page} have {having!r}"
    return blocks[0]


def adapt(text: str, replacements: Mapping[str, object]) -> str:
    """The same, with places of this machine: each has to occur in the text."""
    for documented, here in replacements.items():
        assert documented in text, documented
        text = text.replace(documented, str(here))
    return text
