import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinto.core.protocol.ids import (
    PLAIN_ID_PATTERN,
    MalformedParent,
    find_id_mismatch,
    find_list,
    invalid_object_id,
    is_account_id,
    is_plain_id,
    judge_malformed_parent,
)


@given(st.from_regex(PLAIN_ID_PATTERN.replace("$", r"\Z")))
def test_ids_of_the_pattern_are_plain(object_id):
    assert is_plain_id(object_id)
    assert is_account_id(object_id)


@pytest.mark.parametrize(
    "object_id", ["a.b", "-a", "_a", "a b", "é", "a@b", "a:b", "", "a\n", None, 12, True, ["a"]]
)
def test_other_ids_are_not_plain(object_id):
    assert not is_plain_id(object_id)


def test_long_ids_are_plain():
    assert is_plain_id("a" * 256)


@pytest.mark.parametrize("name", ["me@mo-zilla.com", "a.b+c_d"])
def test_account_ids_may_be_addresses(name):
    assert is_account_id(name)


@pytest.mark.parametrize("name", ["", "@a", "a b", "a/b", None])
def test_other_account_ids_are_refused(name):
    assert not is_account_id(name)


def test_invalid_object_id_is_about_the_path():
    error = invalid_object_id()

    assert (error.location, error.name, str(error)) == ("path", None, "Invalid object id")
    assert error.errors == (error,)


@pytest.mark.parametrize("data", [{}, {"id": "a"}, None, [1]])
def test_same_or_absent_id_is_no_mismatch(data):
    assert find_id_mismatch(data, "a", id_field="id") is None


@pytest.mark.parametrize("given_id", ["b", 1, None, {}])
def test_other_id_in_the_body_is_a_mismatch(given_id):
    error = find_id_mismatch({"id": given_id}, "a", id_field="id")

    assert error.description == "Object id does not match existing object"
    assert (error.location, error.name) == ("body", "id")


@pytest.mark.parametrize(
    ("parent_id", "kind", "method", "is_plural", "expected"),
    [
        ("*", "bucket", "POST", True, MalformedParent.NOT_FOUND),
        ("a'", "bucket", "PUT", False, MalformedParent.NOT_FOUND),
        ("a'", "collection", "DELETE", False, MalformedParent.NOT_FOUND),
        ("b*", "bucket", "GET", True, MalformedParent.NOT_FOUND_WHEN_SIGNED_IN),
        ("b*", "bucket", "DELETE", True, MalformedParent.NOT_FOUND_WHEN_SIGNED_IN),
        ("a'", "bucket", "DELETE", True, MalformedParent.AS_UNKNOWN),
        ("*", "bucket", "GET", False, MalformedParent.AS_UNKNOWN),
        ("*", "collection", "GET", True, MalformedParent.AS_UNKNOWN),
    ],
)
def test_malformed_parents(parent_id, kind, method, is_plural, expected):
    answer = judge_malformed_parent(parent_id, kind, method=method, is_plural=is_plural)

    assert answer is expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/buckets", ("bucket", "")),
        ("/buckets/a?_fields=b/c", ("bucket", "")),
        ("/buckets/a/groups/", ("group", "/buckets/a")),
        ("/buckets/a/groups/g", ("group", "/buckets/a")),
        ("/buckets/a/collections/c", ("collection", "/buckets/a")),
        ("/buckets/a/collections/c/records", ("record", "/buckets/a/collections/c")),
        ("/buckets/a/collections/c/records/r", ("record", "/buckets/a/collections/c")),
        ("/buckets/a\0/groups", None),
        ("/buckets//groups", None),
        ("/accounts/a", None),
        ("buckets", None),
        ("/", None),
        ("", None),
    ],
)
def test_a_path_tells_which_list_it_is_about(path, expected):
    assert find_list(path) == expected
