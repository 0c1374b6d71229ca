"""No link of the documentation is dead, nor a path that it names."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.support.pages import ROOT, all_pages


# Files of a clone that pages speak of: they begin with one of its folders.
_PATH = re.compile(r"``((?:docs|tests|kinto|config|benchmarks)/[\w./-]+)``")
# Links of the README, which is read in a browser of repositories too.
_RELATIVE_LINK = re.compile(r"<([\w./-]+)>`_")
# Made by the reader, or by a command.
MADE = {"config/kinto.ini", "docs/_build/html"}


class LinkParser(HTMLParser):
    """Collects what a page links to, and what can be linked to in it."""

    def __init__(self) -> None:
        super().__init__()
        self.targets: set[str] = set()
        self.anchors: set[str] = {""}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.anchors.update(filter(None, [attributes.get("id"), attributes.get("name")]))
        self.targets.update(filter(None, [attributes.get("href"), attributes.get("src")]))


@pytest.fixture(scope="module")
def html(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, LinkParser]:
    """The documentation, built with every warning an error."""
    folder = tmp_path_factory.mktemp("html")
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", "docs", folder],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    parsed = {}
    for path in folder.rglob("*.html"):
        parsed[path.resolve()] = parser = LinkParser()
        parser.feed(path.read_text(encoding="utf-8"))
    return parsed


def test_every_link_has_its_target(html: dict[Path, LinkParser]) -> None:
    dead = []
    for page, parser in html.items():
        for target in sorted(parser.targets):
            url = urlsplit(target)
            if url.scheme or url.netloc:
                continue
            path = (page.parent / unquote(url.path)).resolve() if url.path else page
            anchors = html[path].anchors if path in html else {""}
            if not path.exists() or unquote(url.fragment) not in anchors:
                dead.append(f"{page.name} -> {target}")
    assert not dead


def test_every_page_can_be_reached_from_the_first(html: dict[Path, LinkParser]) -> None:
    first = min(
        (page for page in html if page.name == "index.html"), key=lambda page: len(str(page))
    )
    reached, waiting = set(), [first]
    while waiting:
        page = waiting.pop()
        if page in reached or page not in html:
            continue
        reached.add(page)
        paths = (urlsplit(target).path for target in html[page].targets if ":" not in target)
        waiting += [(page.parent / unquote(path)).resolve() for path in paths if path]
    assert {page.name for page in html.keys() - reached} <= {"genindex.html", "search.html"}


def test_every_path_that_is_named_exists() -> None:
    named = {
        match
        for path in [*(page.path for page in all_pages()), ROOT / "CHANGELOG.rst"]
        for match in _PATH.findall(path.read_text(encoding="utf-8"))
    }
    named |= set(_RELATIVE_LINK.findall((ROOT / "README.rst").read_text(encoding="utf-8")))
    assert {name for name in named - MADE if not (ROOT / name).exists()} == set()
