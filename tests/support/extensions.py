"""An application whose configurator still takes directives, as a plugin's tests build it."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
import webtest
from pyramid.config import Configurator

from kinto import main
from kinto.core.events import (
    AfterResourceChanged,
    AfterResourceRead,
    ResourceChanged,
    ResourceRead,
)
from kinto.core.testing import get_user_headers
from tests.support.services import MEMORY_SETTINGS


ALICE = get_user_headers("alice")
BUCKET = "/v1/buckets/b"
COLLECTION = f"{BUCKET}/collections/c"
RECORDS = f"{COLLECTION}/records"


class Extended:
    """The application with its ``config``, a client, the events that it sent."""

    def __init__(self, settings: Mapping[str, Any] | None = None) -> None:
        self.config = Configurator(settings={**MEMORY_SETTINGS, **(settings or {})})
        self.client = webtest.TestApp(main(None, config=self.config))
        self.registry = self.config.registry
        self.events: list[Any] = []

    def subscribe(self, func: Any, *args: Any, **predicates: Any) -> None:
        """``config.add_subscriber``, in effect at once."""
        self.config.add_subscriber(func, *args, **predicates)
        self.config.commit()

    def record_events(self) -> None:
        """Keep all events from now on in ``events``."""
        for event_class in (
            ResourceRead,
            ResourceChanged,
            AfterResourceRead,
            AfterResourceChanged,
        ):
            self.subscribe(self.events.append, event_class)

    def make_collection(self) -> None:
        """An empty collection of Alice's."""
        self.client.put_json(BUCKET, {}, headers=ALICE)
        self.client.put_json(COLLECTION, {}, headers=ALICE)
        self.events.clear()

    def call(
        self, method: str, path: str, body: Any = None, **kwargs: Any
    ) -> webtest.TestResponse:
        """Send a request of Alice's."""
        headers = {**ALICE, **kwargs.pop("headers", {})}
        function = getattr(self.client, method if body is None else f"{method}_json")
        arguments = (path,) if body is None else (path, body)
        return function(*arguments, headers=headers, **kwargs)

    def batch(self, *requests: tuple[str, str, Any], status: Any = None) -> webtest.TestResponse:
        """Send one batch of (method, path, body)."""
        items = [
            {"method": method, "path": path} | ({"body": body} if body is not None else {})
            for method, path, body in requests
        ]
        return self.call("post", "/v1/batch", {"requests": items}, status=status)


@contextmanager
def warns_once(text: str) -> Iterator[None]:
    """The block emits exactly one warning, of a deprecation, with this text."""
    with pytest.warns(DeprecationWarning, match=re.escape(text)) as warned:
        yield
    assert [str(warning.message) for warning in warned] == [text]
