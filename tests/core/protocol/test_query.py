import pytest

from kinto.core.exceptions import InvalidParameter, InvalidParameters, InvalidRequest
from kinto.core.protocol.comparison import COMPARISON
from kinto.core.protocol.criteria import Filter, Sort
from kinto.core.protocol.pagination import PageToken, encode_token
from kinto.core.protocol.query import ListQuery, parse_list_query
from kinto.core.protocol.querystring import group_params


def parse(*params, reads_fields=True, known_field=lambda field: True):
    return parse_list_query(
        group_params(params),
        known_field=known_field,
        now_ms=1_795_450_216_694,
        list_timestamp=None,
        paginate_by=None,
        max_fetch_size=10_000,
        reads_fields=reads_fields,
    )


def test_empty_query():
    assert parse() == ListQuery(filters=[], sorting=[Sort("last_modified", -1)], limit=10_000)


def test_full_query():
    token = PageToken({"n": 1, "last_modified": 3}, offset=2, nonce="x")

    query = parse(
        ("_to", "5"),
        ("n", "1"),
        ("_sort", "n"),
        ("_fields", "n"),
        ("_limit", "2"),
        ("_token", encode_token(token)),
    )

    assert query.filters[0] == Filter("last_modified", 5, COMPARISON.LT)
    assert query.token == token
    assert query.rules
    assert query.fields == ("n",)
    assert query.limit == 2
    assert query.include_deleted
    assert query.uses_deprecated_to


def test_deletions_do_not_read_fields():
    assert parse(("_fields", "n"), reads_fields=False).fields is None


def test_all_type_errors_are_told_before_any_other():
    with pytest.raises(InvalidParameters) as caught:
        parse(("a", "\0"), ("_since", "x"), ("_limit", "y"))

    assert [error.name for error in caught.value.errors] == ["_since", "_limit"]


def test_other_errors_are_told_one_at_a_time():
    with pytest.raises(InvalidParameter) as caught:
        parse(("_token", "abc"), ("_sort", "zz"), known_field={"id"}.__contains__)

    assert str(caught.value) == "Unknown sort field 'zz'"
    assert isinstance(caught.value, InvalidRequest)
