import pytest

from kinto.core.exceptions import InvalidParameter
from kinto.core.protocol.fields import MAX_FIELDS, extract_fields, project_fields
from kinto.core.protocol.querystring import group_params


def parse(*values, known_field=lambda field: True):
    return extract_fields(
        group_params([("_fields", value) for value in values]), known_field=known_field
    )


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], None),
        ([""], None),
        ([","], None),
        (["a,b.c,"], ("a", "b.c")),
        (["a", "b,a"], ("a", "b")),
    ],
)
def test_fields(values, expected):
    assert parse(*values) == expected


def test_unknown_fields_of_closed_kinds_are_sorted():
    with pytest.raises(InvalidParameter) as caught:
        parse("zz,id,aa", known_field={"id"}.__contains__)

    error = caught.value
    assert (error.location, error.name) == ("body", "Invalid _fields parameter")
    assert error.description == "Fields aa,zz do not exist"


@pytest.mark.parametrize("value", ["\0", ",".join(f"f{n}" for n in range(MAX_FIELDS + 1))])
def test_unreasonable_fields_are_refused(value):
    with pytest.raises(InvalidParameter):
        parse(value)


def test_projection_keeps_id_and_timestamp_and_prunes():
    obj = {"id": "a", "last_modified": 1, "n": 1, "o": {"x": 1, "y": 2}, "deleted": True}

    assert project_fields(obj, ("o.x", "nope")) == {"id": "a", "last_modified": 1, "o": {"x": 1}}
