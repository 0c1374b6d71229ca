"""Configuration of Sphinx."""

import re
import sys
from pathlib import Path


DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS / "_ext"))
sys.path.insert(0, str(DOCS.parent))

_SETUP = (DOCS.parent / "setup.py").read_text(encoding="utf-8")

project = "Kinto"
author = "Kinto contributors"
copyright = "Kinto contributors, Apache License 2.0"  # noqa: A001  # the name Sphinx wants
release = re.search(r'version="([^"]+)"', _SETUP)[1]
version = release

# Ours: what in _ext is an extension, and no helper of one.
extensions = sorted(
    path.stem
    for path in (DOCS / "_ext").glob("*.py")
    if "\ndef setup(" in path.read_text(encoding="utf-8")
)
exclude_patterns = ["_build", "_ext", "explanation/performance-table.rst"]
highlight_language = "none"
nitpicky = True

html_theme = "alabaster"
html_theme_options = {
    "description": "JSON storage, synchronisation, sharing",
    "fixed_sidebar": True,
    "show_powered_by": False,
}
html_copy_source = False
html_show_sourcelink = False
