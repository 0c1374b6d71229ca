from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinto.core.exceptions import InvalidParameter
from kinto.core.protocol.comparison import COMPARISON
from kinto.core.protocol.criteria import MISSING, Filter, Sort
from kinto.core.protocol.dicts import find_nested_value
from kinto.core.protocol.json_codec import dumps, dumps_bytes
from kinto.core.protocol.pagination import (
    PageToken,
    decode_token,
    encode_token,
    extract_limit,
    make_token,
    new_nonce,
    next_page_params,
    pagination_rules,
)


BY_TIME = [Sort("last_modified", -1)]
BY_N = [Sort("n", 1), *BY_TIME]


def rank(value):
    """Place of a value in the order of the API: null, texts, numbers, booleans, lists, missing."""
    if value is MISSING:
        return (9,)
    if value is None:
        return (0,)
    if isinstance(value, bool):
        return (3, value)
    if isinstance(value, str):
        return (1, value)
    if isinstance(value, (int, float)):
        return (2, value)
    return (4, dumps(value))


def matches(condition, obj):
    """A small storage: what a backend does with the operators that rules use."""
    stored = rank(find_nested_value(obj, condition.field, MISSING))
    wanted = rank(condition.value)
    if condition.operator is COMPARISON.EQ:
        return stored == wanted
    return stored < wanted if condition.operator is COMPARISON.LT else stored > wanted


def in_order(objects, sorting):
    result = list(objects)
    for sort in reversed(sorting):
        result.sort(
            key=lambda obj, field=sort.field: rank(find_nested_value(obj, field, MISSING)),
            reverse=sort.direction < 0,
        )
    return result


values = st.sampled_from([None, "", "a", "é", 0, 1, 1.5, True, False, [1], MISSING])
objects = st.lists(st.fixed_dictionaries({"n": values, "x": values}), max_size=12)
sortings = st.lists(
    st.builds(Sort, st.sampled_from(["n", "o.x"]), st.sampled_from([-1, 1])),
    max_size=2,
    unique_by=lambda sort: sort.field,
)


@given(objects, sortings, st.sampled_from([-1, 1]), st.integers(1, 4))
def test_pages_hold_every_object_exactly_once(drawn, sorting, direction, limit):
    stored = []
    for number, fields in enumerate(drawn):
        obj = {"last_modified": number}
        if fields["n"] is not MISSING:
            obj["n"] = fields["n"]
        if fields["x"] is not MISSING:
            obj["o"] = {"x": fields["x"]}
        stored.append(obj)
    sorting = [*sorting, Sort("last_modified", direction)]

    seen, rules = [], None
    while True:
        rest = [
            obj
            for obj in in_order(stored, sorting)
            if rules is None or any(all(matches(f, obj) for f in rule) for rule in rules)
        ]
        seen += rest[:limit]
        if len(rest) <= limit:
            break
        token = make_token(rest[limit - 1], sorting, offset=len(seen), nonce=new_nonce())
        decoded = decode_token(encode_token(token), sorting)
        assert decoded == token
        rules = pagination_rules(sorting, decoded.last_object)

    assert seen == in_order(stored, sorting)


def test_rules_of_missing_and_null_values():
    assert pagination_rules(BY_N, {"last_modified": 3}) == [
        [Filter("n", MISSING, COMPARISON.EQ), Filter("last_modified", 3, COMPARISON.LT)]
    ]
    assert pagination_rules([Sort("n", -1)], {"n": None}) == [[Filter("n", None, COMPARISON.LT)]]


def token_of(document):
    return b64encode(dumps_bytes(document)).decode()


def document(**changes):
    return {"last_object": {"n": 1, "last_modified": 2}, "offset": 3, "nonce": "x", **changes}


def test_tokens_are_understood_whoever_made_them():
    token = decode_token(token_of(document(unknown=1, composite=3)), BY_N)

    assert token == PageToken({"n": 1, "last_modified": 2}, offset=3, nonce="x")


def test_fields_outside_the_order_are_left_out_and_absent_ones_accepted():
    last_object = {"zz": [], "last_modified": 5.0}

    token = decode_token(token_of(document(last_object=last_object, offset=0)), BY_N)

    assert token.last_object == {"last_modified": 5}


@pytest.mark.parametrize(
    "content",
    [
        document(last_object=[]),
        document(last_object={"n": 1}),
        document(last_object={"last_modified": "1"}),
        document(last_object={"last_modified": True}),
        document(last_object={"last_modified": -1}),
        document(last_object={"last_modified": 2**63}),
        document(last_object={"last_modified": 1, "n": [1]}),
        document(last_object={"last_modified": 1, "n": {}}),
        document(last_object={"last_modified": 1, "n": "\0"}),
        document(offset="1"),
        document(offset=1.5),
        document(offset=True),
        document(offset=-1),
        document(nonce=3),
        {"last_object": {"last_modified": 1}, "offset": 1},
        {"last_object": {"last_modified": 1}, "nonce": "x"},
        [1],
        "x",
    ],
)
def test_invalid_contents(content):
    with pytest.raises(InvalidParameter) as caught:
        decode_token(token_of(content), BY_N)

    assert (caught.value.location, caught.value.name) == ("querystring", None)
    assert str(caught.value) == "_token has invalid content"


@given(st.text())
def test_any_text_is_a_token_or_refused(text):
    with pytest.raises(InvalidParameter):
        decode_token(text, BY_TIME)


@pytest.mark.parametrize(
    ("requested", "paginate_by", "size"),
    [(None, None, 10), (0, None, 10), (5, None, 5), (5, 3, 3), (None, 3, 3), (50, 30, 10)],
)
def test_page_size_is_the_smallest(requested, paginate_by, size):
    assert extract_limit(requested, paginate_by=paginate_by, max_fetch_size=10) == size


def test_next_page_repeats_every_parameter():
    params = [("_limit", "5"), ("_sort", "n"), ("_sort", "id"), ("_limit", "6"), ("a", "1")]

    assert next_page_params(params, limit=3, token="T") == [
        ("_limit", "3"),
        ("_sort", "n"),
        ("_sort", "id"),
        ("a", "1"),
        ("_token", "T"),
    ]


def test_pages_may_end_at_an_object_whose_sort_value_is_an_array():
    token = make_token({"n": [1], "last_modified": 2}, BY_N, offset=1, nonce="x")

    assert decode_token(encode_token(token), BY_N) == token
