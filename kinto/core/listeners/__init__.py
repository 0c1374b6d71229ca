"""Base class of the listeners that settings name."""

from typing import Any


class ListenerBase:
    """Called with each event that its settings select."""

    def __init__(self, *args: Any, **kwargs: Any) -> None: ...

    def __call__(self, event: Any) -> None:
        raise NotImplementedError
