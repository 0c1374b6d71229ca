"""Rows of the operator's guide, and the tests that are marked as their proof.

A test says which rows it proves with ``@pytest.mark.guide("name of a row", ...)``: on a function,
on a class, in ``pytestmark`` of a module, in ``pytest.param(..., marks=...)``. The files are
parsed, never imported.
"""

import ast
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


MARK = "guide"


@dataclass(frozen=True, slots=True)
class Row:
    """One promise of the guide."""

    number: int
    name: str
    promise: str


@dataclass(frozen=True, slots=True)
class Proof:
    """A test, or a class or module of tests, with the rows that its marks name.

    :param test: name of the function, of ``Class.function``, of the class; "" for a module.
    """

    path: str
    test: str
    rows: tuple[str, ...]


def read_rows(path: Path) -> dict[str, list[Row]]:
    """The rows of each section, in order."""
    sections = tomllib.loads(path.read_text(encoding="utf-8"))["section"]
    return {section["title"]: [Row(**row) for row in section["rows"]] for section in sections}


def collect_proofs(tests: Path) -> list[Proof]:
    """Every marked test below a folder, in the order of files and lines."""
    return [
        Proof(path.relative_to(tests.parent).as_posix(), test, rows)
        for path in sorted(tests.rglob("*.py"))
        if f"mark.{MARK}" in (source := path.read_text(encoding="utf-8"))
        for test, rows in _marked_tests(ast.parse(source, str(path)))
    ]


def proofs_by_row(proofs: list[Proof]) -> dict[str, list[Proof]]:
    """The proofs of each row that has any."""
    found: dict[str, list[Proof]] = {}
    for proof in proofs:
        for row in proof.rows:
            found.setdefault(row, []).append(proof)
    return found


def _marked_tests(module: ast.Module) -> Iterator[tuple[str, tuple[str, ...]]]:
    constants = _assigned_names(module)
    if rows := _named_rows(constants.get("pytestmark"), {}):
        yield "", rows
    for node in module.body:
        yield from _marked_definitions(node, constants)


def _marked_definitions(
    node: ast.stmt, constants: dict[str, ast.expr], prefix: str = ""
) -> Iterator[tuple[str, tuple[str, ...]]]:
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return
    rows = [row for each in node.decorator_list for row in _named_rows(each, constants)]
    if rows:
        yield prefix + node.name, tuple(dict.fromkeys(rows))
    if isinstance(node, ast.ClassDef):
        for child in node.body:
            yield from _marked_definitions(child, constants, f"{prefix}{node.name}.")


def _assigned_names(module: ast.Module) -> dict[str, ast.expr]:
    """Constants of the module: a table of cases may be one."""
    return {
        target.id: node.value
        for node in module.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _named_rows(node: ast.expr | None, constants: dict[str, ast.expr]) -> tuple[str, ...]:
    """What the marks within an expression name; constants that it mentions are looked into."""
    if node is None:
        return ()
    rows: list[str] = []
    for part in ast.walk(node):
        if isinstance(part, ast.Name) and part.id in constants:
            rows += _named_rows(constants[part.id], {})
        elif isinstance(part, ast.Call) and ast.unparse(part.func) == f"pytest.mark.{MARK}":
            rows += [ast.literal_eval(argument) for argument in part.args]
    return tuple(dict.fromkeys(rows))
