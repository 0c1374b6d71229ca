import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinto.core.exceptions import InvalidParameter
from kinto.core.protocol.comparison import COMPARISON
from kinto.core.protocol.criteria import Filter
from kinto.core.protocol.filters import (
    MAX_FILTER_VALUES,
    MAX_FILTERS,
    extract_filters,
    filters_on_timestamp,
    split_parameter,
)
from kinto.core.protocol.querystring import group_params


NOW = 1_795_450_216_694
ONE_DAY = 24 * 60 * 60 * 1000


def parse(*params, known_field=lambda field: True, list_timestamp=None):
    return extract_filters(
        group_params(params), known_field=known_field, now_ms=NOW, list_timestamp=list_timestamp
    )


def refusal(*params, **kwargs):
    with pytest.raises(InvalidParameter) as caught:
        parse(*params, **kwargs)
    error = caught.value
    assert error.location == "querystring"
    return error.name, error.description


@pytest.mark.parametrize(
    ("name", "field", "operator"),
    [
        ("n", "n", COMPARISON.EQ),
        ("eq_n", "n", COMPARISON.EQ),
        ("contains_any_x", "x", COMPARISON.CONTAINS_ANY),
        ("contains_x", "x", COMPARISON.CONTAINS),
        ("min_party.voters", "party.voters", COMPARISON.MIN),
        ("madmax_status", "madmax_status", COMPARISON.EQ),
        ("ne_n", "ne_n", COMPARISON.EQ),
        ("since", "since", COMPARISON.EQ),
        ("min_", "min_", COMPARISON.EQ),
    ],
)
def test_operators_are_prefixes(name, field, operator):
    assert split_parameter(name) == (field, operator)


@pytest.mark.parametrize(
    ("name", "raw", "value"),
    [
        ("n", "1", 1),
        ("n", '{"x":[1]}', {"x": [1]}),
        ("in_n", '1,null,"MoFo",mofoo', [1, None, "MoFo", "mofoo"]),
        ("exclude_n", "", [""]),
        ("contains_n", "red,blue", ["red,blue"]),
        ("contains_n", "[]", []),
        ("contains_any_n", '["a",1]', ["a", 1]),
        ("has_n", "", False),
        ("has_n", "0", False),
        ("has_n", "null", False),
        ("has_n", "false", False),
        ("has_n", "yes", True),
        ("has_n", '"false"', True),
        ("like_n", '"1"', "1"),
        ("like_n", "", ""),
        ("min_id", "12", "12"),
        ("not_id", "true", "true"),
        ("id", "null", None),
        ("has_id", "1", True),
        ("in_id", 'a,"12"', ["a", "12"]),
        ("like_id", "a*", "a*"),
    ],
)
def test_values_are_typed(name, raw, value):
    (found,) = parse((name, raw))

    assert (found.value, type(found.value)) == (value, type(value))


def test_repeated_filters_are_lists_of_texts():
    assert parse(("n", "1"), ("n", "2")) == [Filter("n", ["1", "2"], COMPARISON.EQ)]
    assert parse(("in_n", "1"), ("in_n", "2")) == [Filter("n", [1, 2], COMPARISON.IN)]


@pytest.mark.parametrize(
    ("name", "raw", "timestamp", "operator"),
    [
        ("_since", "12", 12, COMPARISON.GT),
        ("_before", '"12"', 12, COMPARISON.LT),
        ("_to", "1.5", 1, COMPARISON.LT),
        ("last_modified", " 0 ", 0, COMPARISON.EQ),
        ("not_last_modified", '"7"', 7, COMPARISON.NOT),
        ("_since", str(NOW + ONE_DAY), NOW + ONE_DAY, COMPARISON.GT),
    ],
)
def test_timestamps(name, raw, timestamp, operator):
    filters = parse((name, raw))

    assert filters == [Filter("last_modified", timestamp, operator)]
    assert filters_on_timestamp(filters)


def test_null_since_counts_as_absent_and_other_underscored_names_are_ignored():
    filters = parse(("_since", "null"), ("_foo", "\0"), ("__x", "1"), ("_sort", "a"), ("n", "1"))

    assert filters == [Filter("n", 1, COMPARISON.EQ)]
    assert not filters_on_timestamp(filters)


@pytest.mark.parametrize("name", ["_since", "last_modified", "max_last_modified"])
def test_far_future_is_refused_unless_the_list_is_there(name):
    future = NOW + ONE_DAY + 1

    assert refusal((name, str(future))) == (name, f"Invalid value for {name}")
    assert refusal((name, str(future)), list_timestamp=future - 1)[0] == name
    assert parse((name, str(future)), list_timestamp=future)[0].value == future
    assert parse((name, str(future)), list_timestamp=lambda: future)[0].value == future


def test_timestamp_of_the_list_is_not_asked_for_in_vain():
    def unexpected():
        raise AssertionError

    assert parse(("_since", str(NOW)), list_timestamp=unexpected)


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("_since", ""),
        ("_before", "{}"),
        ("_to", "[]"),
        ("last_modified", "null"),
        ("gt_last_modified", "null"),
        ("gt_last_modified", "abc"),
        ("gt_last_modified", "1.5"),
        ("gt_last_modified", "-1"),
        ("min_last_modified", "true"),
        ("eq_last_modified", "99999999999999999999999"),
        ("in_last_modified", "1"),
        ("has_last_modified", "1"),
        ("like_last_modified", "1"),
        ("contains_last_modified", "[1]"),
        ("in_id", "1,2"),
        ("exclude_id", "a,1"),
        ("like_id", "1"),
        ("like_title", "1"),
        ("max_id", "{}"),
        ("id", "[1]"),
        ("min_id", "9999999999999999999999999"),
    ],
)
def test_invalid_values(name, raw):
    assert refusal((name, raw)) == (name, f"Invalid value for {name}")


@pytest.mark.parametrize(
    ("name", "raw", "description"),
    [
        ("_since", "abc", '"abc" is not a number'),
        ("contains_id", "a", "Field 'id' is not an array"),
        ("contains_any_id", "a", "Field 'id' is not an array"),
        ("a\0b", "1", "Invalid character 0x00"),
        ("a", "\0", "Invalid character 0x00"),
        ("in_a", "1,\0", "Invalid character 0x00"),
        ("contains_a", '["\\u0000"]', "Invalid character 0x00"),
        ("in_id", "a\0", "Invalid character 0x00"),
        ("in_a", "," * MAX_FILTER_VALUES, "At most 10000 values"),
        ("a." * 200, "1", "Field names have at most 1000 characters and 100 parts"),
        ("a" * 2000, "1", "Field names have at most 1000 characters and 100 parts"),
    ],
)
def test_other_refusals(name, raw, description):
    assert refusal((name, raw)) == (name, description)


def test_unknown_fields_of_closed_kinds_are_named_by_their_parameter():
    known = {"id", "last_modified"}.__contains__

    assert refusal(("zz", "1"), ("aa", "1"), known_field=known) == (
        "zz",
        "Unknown filter field 'zz'",
    )
    assert refusal(("in_zz", "1"), known_field=known)[1] == "Unknown filter field 'in_zz'"


def test_number_of_filters_is_bounded():
    params = [(f"f{number}", "1") for number in range(MAX_FILTERS + 1)]

    assert len(parse(*params[:-1])) == MAX_FILTERS
    assert refusal(*params)[1] == "At most 100 filters"


@given(st.lists(st.tuples(st.text(), st.text()), max_size=5))
def test_any_query_is_read_or_refused(params):
    try:
        filters = parse(*params)
    except InvalidParameter:
        return
    assert len(filters) <= len(params)
