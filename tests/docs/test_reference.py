"""The reference speaks of what there is, and of all of it."""

import ast
import importlib
import inspect
import re
import warnings
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import pytest

from docs._ext.layers_diagram import draw_layers, read_layers, short_name
from tests.support.pages import ROOT


REFERENCE = ROOT / "docs" / "reference"
_NAME = re.compile(r"``(kinto\.[\w.]+)(?:\(([^`]*)\))?``")
PLUGIN_NAMES = sorted(set(_NAME.findall((REFERENCE / "plugins.rst").read_text(encoding="utf-8"))))
# Settings, which look like names.
SETTINGS = {"kinto.includes", "kinto.activity.keep"}


def resolve(dotted: str) -> Any:
    """The object of a dotted name."""
    module, _, name = dotted.rpartition(".")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return getattr(importlib.import_module(module), name)


@pytest.mark.parametrize(
    ("dotted", "arguments"), [pair for pair in PLUGIN_NAMES if pair[0] not in SETTINGS]
)
def test_plugins_find_each_name_with_its_arguments(dotted: str, arguments: str) -> None:
    found = resolve(dotted)

    if arguments and "**viewset" not in arguments:
        shown = ast.parse(f"def f({arguments}): ...").body[0].args
        names = [argument.arg for argument in shown.args]
        target = found.__init__ if inspect.isclass(found) else found
        real = [name for name in inspect.signature(target).parameters if name != "self"]
        assert real[: len(names)] == names


def calls_of(name: str, folder: str) -> Iterator[ast.Call]:
    """Where a function or a method of this name is called below a folder of the package."""
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == name:
                yield node


def test_every_endpoint_of_a_plugin_is_named() -> None:
    text = (REFERENCE / "http-api.rst").read_text(encoding="utf-8")
    paths = {
        keyword.value.value
        for call in calls_of("Service", "kinto/plugins")
        for keyword in call.keywords
        if keyword.arg == "path" and isinstance(keyword.value, ast.Constant)
    }
    assert paths
    assert {path for path in paths if f"``{path}``" not in text} == set()


def test_every_capability_has_its_row() -> None:
    text = (REFERENCE / "capabilities.rst").read_text(encoding="utf-8")
    announced = {
        call.args[0].value
        for call in calls_of("add_api_capability", "kinto")
        if isinstance(call.args[0], ast.Constant)
    }
    assert announced
    assert {name for name in announced if f"* - ``{name}``" not in text} == set()


def test_pages_are_tutorial_guide_reference_or_explanation() -> None:
    folders = {path.parent.name for path in (ROOT / "docs").glob("*/*.rst")}
    assert folders - {"_build"} == {"tutorials", "how-to", "reference", "explanation"}


def test_the_picture_of_the_layers_has_every_module_of_their_table() -> None:
    layers = read_layers((ROOT / "tests" / "test_architecture.py").read_text(encoding="utf-8"))

    picture = ElementTree.fromstring(draw_layers(layers))
    words = " ".join(picture.itertext())
    assert [name for name, _ in layers if name not in words] == []
    assert {m for _, modules in layers for m in modules if short_name(m) not in words} == set()
