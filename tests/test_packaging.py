"""The distribution holds what it needs, the clone has what operators type."""

import ast
import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest


ROOT = Path(__file__).parent.parent
VERSION = re.search(r'version="([^"]+)"', (ROOT / "setup.py").read_text(encoding="utf-8"))[1]
PACKAGE_DATA = (
    "kinto/config/kinto.tpl",
    "kinto/app.wsgi",
    "kinto/app.py",
    "kinto/core/storage/postgresql/schema.sql",
    "kinto/core/permission/postgresql/schema.sql",
    "kinto/core/cache/postgresql/schema.sql",
)
TARGETS = (
    "install", "install-monitoring", "install-postgres", "install-dev", "serve", "migrate", "test",
    "tests", "lint", "format", "types", "architecture", "docs", "clean", "constraints", "help",
)  # fmt: skip
# Imported where it is there, by a server or an add-on that brings it.
EXTERNAL_ADD_ONS = {"mod_wsgi", "uwsgi", "kinto_redis", "kinto_fxa"}


def pip_command() -> list[str]:
    """pip for this environment, which may have been made without one."""
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    outer = shutil.which("python3", path=os.defpath) or "python3"
    return [outer, "-m", "pip", "--python", sys.executable]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built distribution."""
    source = tmp_path_factory.mktemp("source") / "kinto"
    shutil.copytree(
        ROOT,
        source,
        ignore=shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "tests", "var"),
    )
    target = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [*pip_command(), "wheel", "--quiet", "--no-deps", "--wheel-dir", target, source],
        check=True,
        stdin=subprocess.DEVNULL,
        timeout=240,
    )
    return next(target.glob("kinto-*.whl"))


@pytest.mark.online
@pytest.mark.slow
def test_the_wheel_holds_every_file_of_the_package(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())

    in_clone = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "kinto").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert in_clone <= names
    assert names.issuperset(PACKAGE_DATA)


@pytest.mark.online
@pytest.mark.slow
def test_the_wheel_runs_elsewhere(wheel: Path, tmp_path: Path) -> None:
    installed = tmp_path / "installed"
    zipfile.ZipFile(wheel).extractall(installed)
    environment = {**os.environ, "PYTHONPATH": str(installed)}

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=tmp_path,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    assert Path(run("-c", "import kinto; print(kinto.__file__)")).is_relative_to(installed)
    assert run("-m", "kinto", "version") == VERSION
    run(
        "-m",
        "kinto",
        "init",
        "--ini",
        "kinto.ini",
        "--backend",
        "memory",
        "--cache-backend",
        "memory",
    )
    assert (tmp_path / "kinto.ini").exists()


@pytest.mark.guide("upgrade the package")
@pytest.mark.online
@pytest.mark.slow
def test_pip_upgrades_an_older_kinto(wheel: Path, tmp_path: Path) -> None:
    older = tmp_path / "kinto-26.5.0-py3-none-any.whl"
    with zipfile.ZipFile(older, "w") as archive:
        about = "kinto-26.5.0.dist-info"
        contents = {
            "kinto/__init__.py": "",
            "kinto/gone_since.py": "",
            f"{about}/METADATA": "Metadata-Version: 2.1\nName: kinto\nVersion: 26.5.0\n",
            f"{about}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        }
        for name, content in contents.items():
            archive.writestr(name, content)
        archive.writestr(f"{about}/RECORD", "".join(f"{name},,\n" for name in contents))
    environment = tmp_path / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    install = [
        *pip_command()[:1], "-m", "pip", "--python", environment / "bin" / "python", "install",
        "--quiet", "--no-deps", "--no-index",
    ]  # fmt: skip

    subprocess.run([*install, older], check=True)
    subprocess.run([*install, "--upgrade", "--find-links", wheel.parent, "kinto"], check=True)

    packages = next((environment / "lib").glob("python*/site-packages"))
    assert {path.name for path in packages.glob("kinto-*")} == {f"kinto-{VERSION}.dist-info"}
    assert not (packages / "kinto" / "gone_since.py").exists()
    assert (environment / "bin" / "kinto").exists()


@pytest.mark.guide("make install-monitoring")
def test_make_install_monitoring_adds_what_monitoring_needs() -> None:
    done = subprocess.run(
        ["make", "--no-print-directory", "--always-make", "--dry-run", "install-monitoring"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "--editable '.[monitoring]'" in done.stdout
    extra = {
        re.split(r"[\[<>=;]", requirement)[0]
        for requirement in importlib.metadata.requires("kinto")
        if 'extra == "monitoring"' in requirement
    }
    assert {"statsd", "prometheus-client", "newrelic", "werkzeug", "sentry-sdk", "raven"} == extra
    for name in extra:
        assert importlib.metadata.version(name)


def test_make_help_lists_the_targets() -> None:
    done = subprocess.run(
        ["make", "--no-print-directory", "help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    listed = set(re.findall(r"^  ([a-z-]+) ", done.stdout, re.MULTILINE))
    assert listed.issuperset(TARGETS)


@pytest.mark.guide("version numbers")
def test_the_changelog_begins_with_this_version() -> None:
    changelog = (ROOT / "CHANGELOG.rst").read_text(encoding="utf-8")
    assert re.search(r"^(\d+\.\d+\.\d+.*)\n-+$", changelog, re.MULTILINE)[1].startswith(VERSION)


def test_scripts_of_operators_are_the_same_in_the_clone_and_in_the_package() -> None:
    contents = {
        path.read_text(encoding="utf-8")
        for path in (
            ROOT / "app.wsgi",
            ROOT / "app.py",
            ROOT / "kinto" / "app.wsgi",
            ROOT / "kinto" / "app.py",
        )
    }
    assert len(contents) == 1


def test_constraints_pin_what_setup_asks_for() -> None:
    pinned = {
        normalised(line.split("==")[0])
        for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
        if "==" in line
    }
    assert required_names() <= pinned


def test_every_package_that_is_imported_is_asked_for() -> None:
    distributions = importlib.metadata.packages_distributions()
    imported = {
        name
        for path in (ROOT / "kinto").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for name in top_level_names(node)
    }
    unknown = {
        name
        for name in imported - sys.stdlib_module_names - {"kinto"} - EXTERNAL_ADD_ONS
        if not required_names() & {normalised(found) for found in distributions.get(name, [])}
    }
    assert not unknown


def top_level_names(node: ast.AST) -> set[str]:
    """What an import statement imports, packages only."""
    if isinstance(node, ast.Import):
        return {alias.name.split(".")[0] for alias in node.names}
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        return {node.module.split(".")[0]}
    return set()


def required_names() -> set[str]:
    """Distributions named in setup.py, in requirements or extras."""
    tree = ast.parse((ROOT / "setup.py").read_text(encoding="utf-8"))
    texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    pattern = re.compile(r"([A-Za-z][A-Za-z0-9._-]*)(\[[a-z,]+\])?(>=|==)[0-9]")
    return {
        normalised(match[1])
        for text in texts
        if isinstance(text, str) and (match := pattern.match(text))
    }


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
