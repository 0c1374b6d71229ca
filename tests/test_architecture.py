"""Layers, cycles, late imports, sizes: the shape of the package, checked from its source."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest


ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "kinto"
MAX_MODULE_LINES = 400
MAX_FUNCTION_LINES = 60

# Lowest first. A module belongs to the longest name that it begins with, and imports from
# its own layer and from those above it in this table.
LAYERS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("types", ("kinto.core.types",)),
    ("exceptions", ("kinto.core.exceptions", "kinto.core.storage.exceptions")),
    (
        "protocol",
        (
            "kinto.core.protocol",
            "kinto.core.decorators",
            "kinto.core.deprecation",
            "kinto.core.schema",
            "kinto.json_schema",
        ),
    ),
    (
        "settings",
        (
            "kinto.core.settings",
            "kinto.core.registry",
            "kinto.core.metrics",
            "kinto.core.logs",
            "kinto.core.outgoing",
        ),
    ),
    ("contracts", ("kinto.core.storage", "kinto.core.cache", "kinto.core.permission")),
    (
        "backends",
        (
            "kinto.core.migrations",
            "kinto.core.postgresql",
            "kinto.core.storage.memory",
            "kinto.core.storage.postgresql",
            "kinto.core.cache.memory",
            "kinto.core.cache.memcached",
            "kinto.core.cache.redis",
            "kinto.core.cache.postgresql",
            "kinto.core.permission.memory",
            "kinto.core.permission.postgresql",
        ),
    ),
    ("events", ("kinto.core.events", "kinto.core.listeners", "kinto.events")),
    ("errors", ("kinto.core.errors", "kinto.core.openapi")),
    (
        "authentication, authorization",
        (
            "kinto.core.authentication",
            "kinto.core.authorization",
            "kinto.core.prepared_requests",
            "kinto.core.request",
            "kinto.core.posted",
            "kinto.core.request_context",
            "kinto.core.response",
            "kinto.core.security_policy",
            "kinto.core.shared_objects",
            "kinto.core.stored_context",
            "kinto.core.subrequests",
            "kinto.authorization",
        ),
    ),
    (
        "service",
        (
            "kinto.core.autocommit",
            "kinto.core.cornice",
            "kinto.core.cors",
            "kinto.core.dispatch",
            "kinto.core.endpoint",
            "kinto.core.execution",
            "kinto.core.headers",
            "kinto.core.health",
            "kinto.core.origin",
            "kinto.core.request_log",
            "kinto.core.route_mapper",
            "kinto.core.routing",
            "kinto.core.service",
            "kinto.core.tweens",
            "kinto.core.view_derivers",
        ),
    ),
    ("resource", ("kinto.core.resource", "kinto.schema_validation")),
    ("views", ("kinto.core.views", "kinto.views")),
    (
        "setup",
        (
            "kinto.core.application",
            "kinto.core.initialization",
            "kinto.core.middlewares",
            "kinto.core.setup",
            "kinto.core.statsd",
        ),
    ),
    # What plugins import: re-exports, nothing of their own.
    ("public names", ("kinto.core", "kinto.core.utils")),
    ("plugins", ("kinto.plugins",)),
    (
        "main",
        ("kinto", "kinto.config", "kinto.cli", "kinto.__main__", "kinto.app", "kinto.wsgi"),
    ),
    (
        "suites for plugins",
        (
            "kinto.core.testing",
            "kinto.core.storage.testing",
            "kinto.core.cache.testing",
            "kinto.core.permission.testing",
        ),
    ),
)
RANKS = {prefix: rank for rank, (_name, prefixes) in enumerate(LAYERS) for prefix in prefixes}

# Packages of an extra: only what needs one of them imports it, when it is needed.
OPTIONAL_PACKAGES = {
    "newrelic", "prometheus_client", "psycopg2", "pymemcache", "raven", "redis", "sentry_sdk",
    "sqlalchemy", "statsd", "werkzeug", "zope",
}  # fmt: skip
# Modules that compose SQL from their own closed tables of identifiers.
SQL_BUILDERS = (
    "kinto.core.storage.postgresql",
    "kinto.core.permission.postgresql",
    "kinto.core.cache.postgresql",
    "kinto.core.postgresql",
)


@dataclass(frozen=True, slots=True)
class Import:
    """One module imported by another."""

    importer: str
    imported: str
    line: int
    is_late: bool
    is_guarded: bool

    def __str__(self) -> str:
        return f"{self.importer}:{self.line} imports {self.imported}"


@cache
def modules() -> dict[str, Path]:
    """Every module of the package, by dotted name."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def parsed(name: str) -> ast.Module:
    return ast.parse(modules()[name].read_text(encoding="utf-8"))


@cache
def imports_of(name: str) -> tuple[Import, ...]:
    """The imports of one module, `from package import module` resolved to the module."""
    return tuple(_walk(name, parsed(name), is_late=False, is_guarded=False))


def _walk(name: str, node: ast.AST, *, is_late: bool, is_guarded: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            for imported in _imported(name, child):
                yield Import(name, imported, child.lineno, is_late, is_guarded)
        else:
            late = is_late or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
            guarded = is_guarded or (isinstance(child, ast.Try) and _catches_import_error(child))
            yield from _walk(name, child, is_late=late, is_guarded=guarded)


def _imported(name: str, node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    base = node.module or ""
    if node.level:
        package = name.split(".")
        if modules()[name].name != "__init__.py":
            package = package[:-1]
        package = package[: len(package) - node.level + 1]
        base = ".".join([*package, base]).rstrip(".")
    for alias in node.names:
        submodule = f"{base}.{alias.name}"
        yield submodule if submodule in modules() else base


def _catches_import_error(node: ast.Try) -> bool:
    return any(
        isinstance(handler.type, ast.Name)
        and handler.type.id in {"ImportError", "ModuleNotFoundError"}
        for handler in node.handlers
    )


def layer_of(name: str) -> int:
    """Rank of the layer of a module.

    :raises LookupError: it begins with no name of the table.
    """
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        prefix = ".".join(parts[:length])
        # A package that only holds others speaks for none of them.
        if prefix in RANKS and (length == len(parts) or prefix not in {"kinto", "kinto.core"}):
            return RANKS[prefix]
    raise LookupError(name)


def internal_imports() -> Iterator[Import]:
    for name in modules():
        yield from (entry for entry in imports_of(name) if entry.imported in modules())


def test_every_module_has_a_layer() -> None:
    unknown = []
    for name in modules():
        try:
            layer_of(name)
        except LookupError:
            unknown.append(name)
    assert not unknown, "Add these to LAYERS"


def test_no_module_imports_from_a_higher_layer() -> None:
    upward = [
        f"{entry} ({LAYERS[layer_of(entry.importer)][0]} < {LAYERS[layer_of(entry.imported)][0]})"
        for entry in internal_imports()
        if layer_of(entry.importer) < layer_of(entry.imported)
    ]
    assert not upward, "\n".join(upward)


def test_no_modules_import_each_other() -> None:
    graph = {name: {entry.imported for entry in imports_of(name)} for name in modules()}
    cycles = [" -> ".join(cycle) for cycle in find_cycles(graph)]
    assert not cycles, "\n".join(cycles)


def find_cycles(graph: dict[str, set[str]]) -> Iterator[list[str]]:
    """One cycle for each edge that leads back to a node on the way."""
    done: set[str] = set()
    way: list[str] = []

    def visit(node: str) -> Iterator[list[str]]:
        way.append(node)
        for following in sorted(graph[node] & graph.keys()):
            if following in way:
                if following != node:
                    yield [*way[way.index(following) :], following]
            elif following not in done:
                yield from visit(following)
        way.pop()
        done.add(node)

    for start in sorted(graph):
        if start not in done:
            yield from visit(start)


def test_late_imports_are_of_optional_packages() -> None:
    late = [
        str(entry)
        for name in modules()
        for entry in imports_of(name)
        if entry.is_late
        and not entry.is_guarded
        and entry.imported.split(".")[0] not in OPTIONAL_PACKAGES
    ]
    assert not late, "\n".join(late)


def test_modules_are_short() -> None:
    long = {
        name: lines
        for name, path in modules().items()
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > MAX_MODULE_LINES
    }
    assert not long, f"Split what is over {MAX_MODULE_LINES} lines"


def test_functions_are_short() -> None:
    long = [
        f"{name}:{node.lineno} {node.name}: {length} lines"
        for name in modules()
        for node in ast.walk(parsed(name))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := _length(node)) > MAX_FUNCTION_LINES
    ]
    assert not long, "\n".join(long)


def _length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function, its docstring aside."""
    assert node.end_lineno is not None
    lines = node.end_lineno - node.lineno + 1
    if ast.get_docstring(node) is not None:
        docstring = node.body[0]
        assert docstring.end_lineno is not None
        lines -= docstring.end_lineno - docstring.lineno + 1
    return lines


def test_every_module_says_what_it_is_for() -> None:
    missing = [name for name in modules() if not ast.get_docstring(parsed(name))]
    assert not missing


@pytest.mark.parametrize("word", ["SELECT ", "INSERT INTO", "UPDATE ", "DELETE FROM"])
def test_sql_is_never_built_by_formatting(word: str) -> None:
    built = [
        f"{name}:{node.lineno}"
        for name in modules()
        for node in ast.walk(parsed(name))
        if isinstance(node, ast.JoinedStr)
        and any(
            isinstance(part, ast.Constant) and str(part.value).lstrip().startswith(word)
            for part in node.values
        )
        and not name.startswith(SQL_BUILDERS)
    ]
    assert not built, "\n".join(built)
