from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from kinto.core.exceptions import InvalidRequest
from kinto.core.protocol.clock import msec_time
from kinto.core.registry import keep_settings
from kinto.core.resource import listing
from kinto.core.resource.resource import Resource
from kinto.core.resource.validation import validate_resource_request
from kinto.core.settings import parse_settings


def make_request(query_string: str, method: str = "GET") -> Any:
    request = SimpleNamespace(
        environ={"QUERY_STRING": query_string, "REQUEST_METHOD": method},
        context=None,
        matchdict={},
        validated={},
    )
    keep_settings(request, parse_settings({}))
    return request


def foresee(request: Any, *, as_text: bool = False) -> listing.ForeseenList:
    return listing.foresee_list(request, Resource, as_text=as_text)


def test_what_one_request_does_to_its_parameters_is_not_seen_by_the_next() -> None:
    first, second = make_request("tag=a&tag=b"), make_request("tag=a&tag=b")
    for request in (first, second):
        foresee(request)
        validate_resource_request(request)

    first.validated["querystring"]["tag"].append("c")
    first.validated["querystring"]["more"] = "d"

    assert second.validated["querystring"] == {"tag": ["a", "b"]}
    assert foresee(make_request("tag=a&tag=b")).grouped == {"tag": ["a", "b"]}


def test_a_list_is_foreseen_for_its_method_and_for_who_reads_its_objects() -> None:
    counted = foresee(make_request("_limit=5", "HEAD")).asked.page
    text = foresee(make_request("_limit=5"), as_text=True).asked.page
    page = foresee(make_request("_limit=5")).asked.page

    assert counted.counts
    assert (text.as_text, text.limit, text.counts) == (True, 6, False)
    assert page == replace(text, as_text=False)


def test_a_date_that_is_too_far_ahead_is_judged_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    in_a_week = msec_time() + 7 * 24 * 60 * 60 * 1000
    with pytest.raises(InvalidRequest):
        foresee(make_request(f"_since={in_a_week}"))

    monkeypatch.setattr(listing, "msec_time", lambda: in_a_week)

    asked = foresee(make_request(f"_since={in_a_week}")).asked
    assert [each.value for each in asked.page.filters] == [in_a_week]
