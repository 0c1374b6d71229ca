"""Bodies that are taken as they are: Colander would leave them so."""

from typing import Any

import colander
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinto.core.resource.schema import (
    BodySchema,
    ResourceSchema,
    find_errors,
    object_body_schema,
    patch_body_schema,
)


PERMISSIONS = ("read", "write")
scalars = st.none() | st.booleans() | st.integers() | st.text(max_size=3)
values = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=3), inner)
)
names = st.sampled_from(["read", "write", "own"])
bodies = st.fixed_dictionaries(
    {},
    optional={
        "data": st.dictionaries(st.text(max_size=3), values) | scalars,
        "permissions": st.dictionaries(names, st.lists(st.text(max_size=2)) | scalars) | scalars,
        "more": scalars,
    },
)


def by_colander(schema: Any, body: Any) -> Any:
    """What Colander makes of it; its error otherwise."""
    try:
        return colander.SchemaNode.deserialize(schema, body)
    except colander.Invalid as error:
        return error


@pytest.mark.parametrize(
    "schema",
    [
        object_body_schema(ResourceSchema(), PERMISSIONS, is_data_required=False),
        patch_body_schema(PERMISSIONS),
        patch_body_schema(()),
    ],
    ids=["object", "patch", "patch without permissions"],
)
@given(body=bodies)
def test_what_is_taken_as_it_is_would_stay_as_it_is(schema: BodySchema, body: Any) -> None:
    if schema.accepts_as_is(body):
        assert by_colander(schema, body) == body


def test_usual_bodies_are_taken_as_they_are() -> None:
    schema = object_body_schema(ResourceSchema(), PERMISSIONS, is_data_required=False)
    body = {"data": {"a": [1]}, "permissions": {"read": ["system.Everyone"]}}

    value, errors = find_errors(schema, body)

    assert value is body
    assert not errors


class Closed(ResourceSchema):
    class Options:
        preserve_unknown = False


class Described(ResourceSchema):
    title = colander.SchemaNode(colander.String())


class Checked(ResourceSchema):
    validator = staticmethod(lambda node, value: None)


@pytest.mark.parametrize("cls", [Closed, Described, Checked])
def test_schemas_of_their_own_are_left_to_colander(cls: type[ResourceSchema]) -> None:
    schema = object_body_schema(cls(), PERMISSIONS, is_data_required=False)

    assert not schema.accepts_as_is({"data": {"title": "x"}})


@given(attributes=st.dictionaries(st.text(max_size=3) | st.just("id"), values))
def test_open_attributes_are_copied_as_colander_does(attributes: dict[str, Any]) -> None:
    class CopiedByColander(ResourceSchema):
        def deserialize(self, cstruct: Any = colander.null) -> Any:
            return super().deserialize(cstruct)

    copied = ResourceSchema().deserialize(attributes)

    assert list(copied.items()) == list(CopiedByColander().deserialize(attributes).items())
    inner = [(copied[name], value) for name, value in attributes.items()]
    assert all(one is not other for one, other in inner if isinstance(other, (dict, list)))
