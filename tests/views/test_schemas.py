"""The schemas that a bucket gives, wherever its content has to come from."""

from types import SimpleNamespace
from typing import Any

import pytest
from pyramid.httpexceptions import HTTPNotFound

from kinto.core.testing import DummyRequest
from kinto.core.types import KintoObject, ObjectKey
from kinto.views.schemas import bucket_schema
from tests.support.api import memory_app


SCHEMA = {"type": "object"}
KEY = ObjectKey("bucket", "", "b")


def request_with(above: dict[ObjectKey, KintoObject | None] | None) -> Any:
    """A request to something in a stored bucket, with what was read above its own list."""
    request = DummyRequest()
    request.registry.storage = memory_app().registry.storage
    request.registry.storage.create("bucket", "", {"id": "b", "record:schema": SCHEMA})
    request.matchdict = {"bucket_id": "b"}
    context = None if above is None else SimpleNamespace(above=lambda: above)
    request.context = SimpleNamespace(resource_context=context)
    return request


@pytest.mark.parametrize("above", [None, {}, {ObjectKey("thing", "", "b"): {}}])
def test_requests_of_plugins_have_the_bucket_read(above: Any) -> None:
    assert bucket_schema(request_with(above), "record:schema") == SCHEMA


def test_what_was_read_already_is_not_read_again() -> None:
    request = request_with({KEY: {"record:schema": {"title": "known"}}})
    assert bucket_schema(request, "record:schema") == {"title": "known"}


def test_a_bucket_that_has_gone_is_404() -> None:
    with pytest.raises(HTTPNotFound):
        bucket_schema(request_with({KEY: None}), "record:schema")
