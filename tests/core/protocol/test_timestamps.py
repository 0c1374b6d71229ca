import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinto.core.exceptions import InvalidParameter
from kinto.core.protocol.etag import MAX_TIMESTAMP, MIN_TIMESTAMP
from kinto.core.protocol.timestamps import client_timestamp, deletion_timestamp


@pytest.mark.parametrize("value", [12, 0, -1, MIN_TIMESTAMP, MAX_TIMESTAMP])
def test_creation_keeps_any_date(value):
    assert client_timestamp(value, current=None) == value


@pytest.mark.parametrize("value", ["abc", 1.5, "1795450216694", True, None, [], {}])
def test_what_is_no_integer_is_ignored(value):
    assert client_timestamp(value, current=None) is None
    assert client_timestamp(value, current=12) is None


@pytest.mark.parametrize(("value", "kept"), [(13, 13), (12, None), (11, None)])
def test_only_newer_timestamps_are_kept(value, kept):
    assert client_timestamp(value, current=12) == kept
    assert deletion_timestamp(str(value), current=12) == kept


@pytest.mark.parametrize(
    "value", [12345678901234567, 9999999999999999999, 2**70, MAX_TIMESTAMP + 1, MIN_TIMESTAMP - 1]
)
def test_integers_that_are_no_date_are_refused(value):
    with pytest.raises(InvalidParameter) as caught:
        client_timestamp(value, current=None)

    assert (caught.value.location, caught.value.name) == ("body", "last_modified")
    with pytest.raises(InvalidParameter):
        deletion_timestamp(str(value), current=12)


@pytest.mark.parametrize("raw", ["abc", "", "true", "null", "1.5", '"12', ["1", "2"], "1" * 99])
def test_deletions_refuse_what_is_no_whole_number(raw):
    with pytest.raises(InvalidParameter) as caught:
        deletion_timestamp(raw, current=1)

    error = caught.value
    assert (error.location, error.name) == ("querystring", "last_modified")
    assert error.description == "Invalid value for last_modified"


def test_deletions_accept_quotes_or_nothing():
    assert deletion_timestamp(' "13" ', current=12) == 13
    assert deletion_timestamp("-5", current=12) is None
    assert deletion_timestamp(None, current=12) is None


@given(st.integers(MIN_TIMESTAMP, MAX_TIMESTAMP), st.integers(0, MAX_TIMESTAMP))
def test_a_kept_timestamp_is_the_one_given_and_rises(value, current):
    kept = client_timestamp(value, current=current)

    assert kept is None or kept == value > current
