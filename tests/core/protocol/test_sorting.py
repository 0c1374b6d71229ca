import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinto.core.exceptions import InvalidParameter
from kinto.core.protocol.criteria import Sort
from kinto.core.protocol.querystring import group_params
from kinto.core.protocol.sorting import MAX_SORT_FIELDS, extract_sorting


NEWEST_FIRST = Sort("last_modified", -1)


def parse(*values, known_field=lambda field: True):
    return extract_sorting(
        group_params([("_sort", value) for value in values]), known_field=known_field
    )


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], [NEWEST_FIRST]),
        ([""], [NEWEST_FIRST]),
        ([",-,+, "], [NEWEST_FIRST]),
        (["title"], [Sort("title", 1), NEWEST_FIRST]),
        ([" +title , -o.x"], [Sort("title", 1), Sort("o.x", -1), NEWEST_FIRST]),
        (["title", "id"], [Sort("title", 1), Sort("id", 1), NEWEST_FIRST]),
        (["last_modified"], [Sort("last_modified", 1)]),
        (["n,-n"], [Sort("n", 1), NEWEST_FIRST]),
    ],
)
def test_sorting(values, expected):
    assert parse(*values) == expected


def test_unknown_field_of_closed_kinds():
    with pytest.raises(InvalidParameter) as caught:
        parse("-zz", known_field={"id"}.__contains__)

    assert (caught.value.name, str(caught.value)) == (None, "Unknown sort field 'zz'")
    assert parse("id,last_modified", known_field={"id"}.__contains__)


@pytest.mark.parametrize("value", ["\0", ",".join(f"f{n}" for n in range(MAX_SORT_FIELDS + 1))])
def test_unreasonable_sorting_is_refused(value):
    with pytest.raises(InvalidParameter) as caught:
        parse(value)

    assert caught.value.name == "_sort"


@given(st.lists(st.text(alphabet="ab.-+, "), max_size=3))
def test_order_is_always_total(values):
    sorting = parse(*values)

    fields = [sort.field for sort in sorting]
    assert "last_modified" in fields
    assert len(set(fields)) == len(fields)
