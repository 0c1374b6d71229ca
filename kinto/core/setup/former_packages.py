"""Dotted names of add-ons that were packages of their own, and came along with the service since.

Source: "Firefox Accounts" in the settings documentation.
"""

from importlib.util import find_spec


_FORMER_PACKAGES = {"kinto_fxa": "kinto.plugins.fxa"}


def resolve_former_package(dotted: str) -> str:
    """Where a dotted name is found now; the name itself where its package is installed."""
    package, _, rest = dotted.partition(".")
    module = _FORMER_PACKAGES.get(package)
    if module is None or find_spec(package) is not None:
        return dotted
    return f"{module}.{rest}" if rest else module
