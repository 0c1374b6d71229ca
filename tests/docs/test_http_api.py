"""The reference of the HTTP API is complete, and its examples answer what it says."""

import json
import re
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from kinto.core.errors import ERRORS
from tests.support.examples import check_output, read_examples, run_examples
from tests.support.pages import ROOT
from tests.support.processes import find_program, service_directory
from tests.support.services import postgresql_settings


REFERENCE = ROOT / "docs" / "reference"
# `utilities.rst` ends with a flush.
NAMES = [
    "http-api.rst",
    "objects.rst",
    "lists.rst",
    "batch.rst",
    "permissions.rst",
    "utilities.rst",
]
VERSION_FILE = {"name": "kinto", "version": "27.0.0", "commit": "0123456"}
_ENDPOINT = re.compile(r"^``(/\S*)``[ ]+([A-Z, ]+[A-Z])[ ]+:doc:`(\w+)`$", re.MULTILINE)


@dataclass(frozen=True)
class Service:
    """A server with every endpoint of the reference."""

    url: str
    folder: Path

    @property
    def called(self) -> set[tuple[str, str]]:
        """Methods and paths of the requests so far."""
        lines = (self.folder / "routes").read_text(encoding="utf-8").splitlines()
        return {
            (method, path.removeprefix("v1"))
            for method, path in (line.split(" ") for line in lines)
        }

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(f"{self.url}{path}", timeout=30) as answer:
            return json.load(answer)


@pytest.fixture(scope="module")
def service(
    kinto_server: Callable[..., str], new_database: Callable[[], str]
) -> Iterator[Service]:
    with service_directory("reference") as folder:
        (folder / "version.json").write_text(json.dumps(VERSION_FILE), encoding="utf-8")
        settings = {
            **postgresql_settings(new_database()),
            "kinto.includes": "kinto.plugins.flush tests.support.route_log",
            "kinto.experimental_permissions_endpoint": "true",
            "kinto.version_json_path": folder / "version.json",
            "kinto.route_log.file": folder / "routes",
        }
        yield Service(kinto_server(settings, PYTHONPATH=str(ROOT)), folder)


@pytest.fixture(scope="module")
def outputs(service: Service) -> dict[str, list[str]]:
    """What the examples of each page print, all of them run, in order."""
    find_program("curl", package="curl")
    return {
        name: run_examples(
            read_examples(REFERENCE / name), server=service.url, directory=service.folder
        )
        for name in NAMES
    }


@pytest.fixture(scope="module")
def operations(service: Service) -> dict[tuple[str, str], dict[str, Any]]:
    """Method and path of everything in the OpenAPI document."""
    return {
        (method.upper(), path): operation
        for path, item in service.get("/__api__")["paths"].items()
        for method, operation in item.items()
        if method != "parameters"
    }


@pytest.mark.parametrize("name", NAMES)
def test_examples_answer_what_the_page_says(name: str, outputs: dict[str, list[str]]) -> None:
    examples = read_examples(REFERENCE / name)

    assert len(outputs[name]) == len(examples)
    for example, output in zip(examples, outputs[name], strict=True):
        check_output(example, output)


def test_every_endpoint_has_its_row_and_no_other(
    operations: dict[tuple[str, str], dict[str, Any]],
) -> None:
    rows = _ENDPOINT.findall((REFERENCE / "http-api.rst").read_text(encoding="utf-8"))

    described = {(method, path) for path, methods, _ in rows for method in methods.split(", ")}
    served = operations.keys() | {("HEAD", path) for method, path in operations if method == "GET"}
    assert described == served
    assert {f"{page}.rst" for _, _, page in rows} <= set(NAMES)


def test_every_method_of_every_endpoint_has_an_example(
    operations: dict[tuple[str, str], dict[str, Any]],
    outputs: dict[str, list[str]],
    service: Service,
) -> None:
    assert outputs
    wanted = operations.keys() | {("HEAD", path) for method, path in operations if method == "GET"}
    assert wanted - service.called == set()


def test_every_parameter_and_status_is_described(
    operations: dict[tuple[str, str], dict[str, Any]],
) -> None:
    text = "".join((REFERENCE / name).read_text(encoding="utf-8") for name in NAMES)
    errors = (REFERENCE / "errors.rst").read_text(encoding="utf-8")

    for key, operation in operations.items():
        for parameter in operation.get("parameters", []):
            if parameter["in"] in ("query", "header") and not parameter["name"].islower():
                assert f"``{parameter['name']}" in text, (key, parameter["name"])
        for status in operation["responses"].keys() - {"default"}:
            assert status in text + errors, (key, status)


def test_every_header_that_browsers_may_read_is_described(service: Service) -> None:
    text = (REFERENCE / "http-api.rst").read_text(encoding="utf-8")
    exposed = set()
    for method, path in (("GET", "/buckets/x"), ("GET", "/buckets"), ("HEAD", "/buckets")):
        request = urllib.request.Request(f"{service.url}{path}", method=method)
        try:
            answer = urllib.request.urlopen(request, timeout=30)
        except urllib.error.HTTPError as error:
            answer = error
        exposed |= set(re.split(r", ?", answer.headers["Access-Control-Expose-Headers"]))

    assert {name for name in exposed - {"Content-Length"} if f"``{name}``" not in text} == set()


def test_every_error_number_has_its_row() -> None:
    text = (REFERENCE / "errors.rst").read_text(encoding="utf-8")
    numbers = {
        int(number) for number in re.findall(r"^(?:\d{3}|—)[ ]+(\d{3}) ", text, re.MULTILINE)
    }
    assert numbers == {error.value for error in ERRORS}
