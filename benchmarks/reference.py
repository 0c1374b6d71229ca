"""The reference: the published package, in a virtual environment of its own."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path


VERSION = "26.5.0"
REQUIREMENTS = (f"kinto[postgresql]=={VERSION}", "pyuwsgi>=2.0.26,<3")
FOLDER_VARIABLE = "REFERENCE_VENV"
_DEFAULT_FOLDER = Path(__file__).parent.parent / ".venv-reference"


def reference_python() -> Path:
    """Its interpreter, made and filled at the first call.

    The folder is `.venv-reference`, or what the environment variable `REFERENCE_VENV` names.
    """
    folder = Path(os.environ.get(FOLDER_VARIABLE) or _DEFAULT_FOLDER).absolute()
    python = folder / "bin" / "python"
    stamp = folder / f"installed-{VERSION}"
    if stamp.exists():
        return python
    print(f"Installing Kinto {VERSION}, the reference, in {folder}", file=sys.stderr)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    options = ["--quiet", "--disable-pip-version-check", "--no-input", "--retries", "5"]
    subprocess.run(
        [*_pip(), "--python", str(python), "install", *options, *REQUIREMENTS],
        check=True,
        stdin=subprocess.DEVNULL,
    )
    stamp.touch()
    return python


def _pip() -> list[str]:
    """Any pip: this environment may have been made without one."""
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    return [shutil.which("python3", path=os.defpath) or "python3", "-m", "pip"]
