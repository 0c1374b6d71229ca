"""What is taken as it is without asking the schema is what the schema would have left alone."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kinto.core.resource.schema import find_errors
from kinto.core.views.batch import _PAYLOAD, _is_plain


ANYTHING: Any = st.sampled_from([None, True, 1, "GET", "/", "x", "", [], {}, ["/"], {"a": "b"}])
ITEMS = ANYTHING | st.fixed_dictionaries(
    {},
    optional={
        "method": st.sampled_from(["PUT", "put", "FETCH", None, 1]),
        "path": st.sampled_from(["/", "/a", "a", "\n/", "", None, 1, []]),
        "headers": ANYTHING | st.dictionaries(st.sampled_from(["a", "b"]), ANYTHING, max_size=2),
        "body": ANYTHING,
        "more": ANYTHING,
    },
)
PAYLOADS = ANYTHING | st.fixed_dictionaries(
    {},
    optional={
        "requests": ANYTHING | st.lists(ITEMS, max_size=3),
        "defaults": ITEMS,
        "more": ANYTHING,
    },
)


@given(payload=PAYLOADS)
def test_what_is_taken_as_it_is(payload: Any) -> None:
    if _is_plain(payload):
        assert find_errors(_PAYLOAD, payload) == (payload, [])


@given(headers=st.dictionaries(st.sampled_from(["a", "b"]), st.text()))
def test_usual_ones_are(headers: dict[str, str]) -> None:
    item = {"path": "/a", "method": "PUT", "headers": headers, "body": {"data": {"n": 1}}}

    assert _is_plain({"requests": [item, {"path": "/"}]})
    assert _is_plain({"requests": [item], "defaults": {"method": "PUT"}})
