import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinto.core.protocol.permissions import PermissionChange, changed_permissions


CREATE, REPLACE = PermissionChange.CREATE, PermissionChange.REPLACE
PATCH, MERGE = PermissionChange.PATCH, PermissionChange.MERGE_PATCH


def change(kind, requested, current=None, **kwargs):
    return changed_permissions(
        kind,
        current=current if current is not None else {"read": {"a"}, "write": {"b"}},
        requested=requested,
        **{"current_principal": "me", **kwargs},
    )


@pytest.mark.parametrize(
    ("kind", "requested", "read"),
    [
        (REPLACE, {"read": ["c"]}, {"c"}),
        (REPLACE, {"read": []}, set()),
        (REPLACE, {"read": None}, set()),
        (REPLACE, {"write": ["c"]}, set()),
        (REPLACE, {}, {"a"}),
        (REPLACE, None, {"a"}),
        (PATCH, {"read": ["c"]}, {"c"}),
        (PATCH, {"read": []}, set()),
        (PATCH, {"read": None}, {"a"}),
        (PATCH, {"write": ["c"]}, {"a"}),
        (PATCH, {}, {"a"}),
        (MERGE, {"read": ["c"]}, {"c"}),
        (MERGE, {"read": None}, set()),
        (MERGE, {"write": None}, {"a"}),
        (PermissionChange.JSON_PATCH, {"write": {"c"}}, {"a"}),
        (PermissionChange.JSON_PATCH, {"read": {"c"}}, {"c"}),
    ],
)
def test_table_of_changes(kind, requested, read):
    assert change(kind, requested)["read"] == read


def test_creation_sets_what_is_asked_for():
    requested = {"read": ["c"], "write": None, "record:create": []}

    assert change(CREATE, requested, current={}) == {
        "read": {"c"},
        "write": {"me"},
        "record:create": set(),
    }


def test_nobody_is_added_without_explicit_permissions():
    assert change(CREATE, None, current={}, explicit=False) == {}
    assert change(CREATE, None, current={}, current_principal=None) == {}


@given(
    st.sampled_from(PermissionChange),
    st.none()
    | st.dictionaries(st.sampled_from(["read", "write"]), st.none() | st.lists(st.text())),
)
def test_the_writer_may_always_write_and_nothing_is_altered(kind, requested):
    current = {"read": {"a"}, "write": {"b"}}

    result = change(kind, requested, current=current)

    assert "me" in result["write"]
    assert current == {"read": {"a"}, "write": {"b"}}
