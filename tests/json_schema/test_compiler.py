"""Our validator says what ``jsonschema`` says, and gives up where that would not end."""

import time
from typing import Any

import jsonschema
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from kinto.json_schema.cache import SizedCache
from kinto.json_schema.compiler import CompiledSchema, compile_schema
from kinto.json_schema.keywords import KEYWORDS
from kinto.json_schema.meta_schema import find_schema_error, verify
from kinto.json_schema.outcome import Failure, UnusableSchema, Work


NAMES = st.sampled_from(["a", "b", "ab", ""])
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 4),
    st.sampled_from([0.5, 1.0, -2.0, 1e300, 10**40]),
    st.sampled_from(["", "a", "ab", "b"]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=3)
    ),
    max_leaves=8,
)
TYPES = st.sampled_from(["array", "boolean", "integer", "null", "number", "object", "string"])
SIZES = st.integers(0, 3)
ASSERTIONS: dict[str, st.SearchStrategy[Any]] = {
    "type": st.one_of(TYPES, st.lists(TYPES, min_size=1, max_size=3, unique=True)),
    "enum": st.lists(VALUES, max_size=3),
    "const": VALUES,
    "minimum": st.integers(-2, 3),
    "maximum": st.integers(-2, 3),
    "exclusiveMinimum": st.integers(-2, 3),
    "exclusiveMaximum": st.integers(-2, 3),
    "multipleOf": st.sampled_from([1, 2, 0.5, 0.01, 10**20, 1e-300]),
    "minLength": SIZES,
    "maxLength": SIZES,
    "minItems": SIZES,
    "maxItems": SIZES,
    "minProperties": SIZES,
    "maxProperties": SIZES,
    "pattern": st.sampled_from(["^a", "b$", "", "^(?!a)"]),
    "required": st.lists(NAMES, max_size=2, unique=True),
    "$ref": st.sampled_from(["#", "#/definitions/a", "#/definitions/nowhere"]),
}


def _extend(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    many = st.lists(inner, min_size=1, max_size=2)
    named = st.dictionaries(NAMES, inner, max_size=2)
    keywords = {
        **ASSERTIONS,
        **dict.fromkeys(["not", "if", "then", "else", "contains", "propertyNames"], inner),
        **dict.fromkeys(["additionalItems", "additionalProperties"], inner),
        **dict.fromkeys(["allOf", "anyOf", "oneOf"], many),
        "items": st.one_of(inner, many),
        "properties": named,
        "patternProperties": st.dictionaries(st.sampled_from(["^a", "b$"]), inner, max_size=2),
        "dependencies": st.dictionaries(
            NAMES, st.one_of(inner, st.lists(NAMES, max_size=2, unique=True)), max_size=2
        ),
        "definitions": st.fixed_dictionaries({"a": inner}),
    }
    return st.sets(st.sampled_from(sorted(keywords)), max_size=4).flatmap(
        lambda names: st.fixed_dictionaries({name: keywords[name] for name in sorted(names)})
    )


SCHEMAS = st.recursive(st.one_of(st.booleans(), _extend(st.booleans())), _extend, max_leaves=6)


def compiled(schema: Any) -> CompiledSchema:
    return compile_schema(schema, KEYWORDS, verify=verify)


def first_failure(schema: Any, value: Any) -> Failure | None:
    return compiled(schema).check(value, Work())


def find_expected_error(schema: Any, value: Any) -> jsonschema.ValidationError | None:
    """The first error as ``jsonschema`` has it.

    :raises RecursionError: it would not end.
    """
    try:
        return next(jsonschema.Draft7Validator(schema).iter_errors(value), None)
    except BaseException as error:
        # Its part in Rust panics when the stack ends there; that class has no public name.
        if type(error).__name__ == "PanicException":
            raise RecursionError from error
        raise


def _has_order_of_its_own(schema: Any) -> bool:
    """``jsonschema`` looks at additional properties in the order of a set; false has no path."""
    return "additionalProperties" in repr(schema) or "False" in repr(schema)


@settings(max_examples=500, deadline=None)
@given(schema=SCHEMAS, value=VALUES)
def test_the_first_error_is_that_of_jsonschema(schema: Any, value: Any) -> None:
    assert find_schema_error(schema) is None
    try:
        expected = find_expected_error(schema, value)
    except (RecursionError, jsonschema.exceptions._WrappedReferencingError):
        with pytest.raises((UnusableSchema, RecursionError)):
            first_failure(schema, value)
        return
    except TypeError:  # its own: `additionalItems` beside `items` of true or false
        reject()

    failure = first_failure(schema, value)

    assert (failure is None) is (expected is None)
    if failure and expected and not _has_order_of_its_own(schema):
        error = failure.as_error()
        assert error.message == expected.message
        assert list(error.path) == list(expected.path)
        assert list(error.schema_path) == list(expected.schema_path)
        assert error.validator == expected.validator


@pytest.mark.parametrize("depth", range(10))
def test_endless_schemas_are_known_at_every_depth_of_the_stack(depth: int) -> None:
    def descend(levels: int) -> None:
        if levels:
            descend(levels - 1)
        else:
            find_expected_error({"not": {"$ref": "#"}}, 1)

    with pytest.raises(RecursionError):
        descend(depth)


@settings(max_examples=300, deadline=None)
@given(schema=st.dictionaries(st.sampled_from(sorted(KEYWORDS)), VALUES, max_size=3))
def test_schemas_are_refused_as_by_jsonschema(schema: dict[str, Any]) -> None:
    validator = jsonschema.Draft7Validator(
        jsonschema.Draft7Validator.META_SCHEMA,
        format_checker=jsonschema.FormatChecker(["regex"]),
    )

    error = find_schema_error(schema)

    # Of several properties, `jsonschema` takes any first.
    expected = {(each.message, tuple(each.path)) for each in validator.iter_errors(schema)}
    assert (error is None) is (not expected)
    if error:
        assert (error.message, tuple(error.path)) in expected


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"allOf": [{"$ref": "#"}, {"$ref": "#"}]},
        {"properties": {"a": {"$ref": "#/properties/b"}, "b": {"$ref": "#/properties/a"}}},
        {"definitions": {"a": {"not": {"$ref": "#/definitions/a"}}}, "$ref": "#/definitions/a"},
    ],
    ids=["itself", "itself twice", "each other", "its own opposite"],
)
def test_cycles_end(schema: Any) -> None:
    with pytest.raises((UnusableSchema, RecursionError)):
        first_failure(schema, {"a": 1})


def test_recursive_schema_for_trees_works() -> None:
    schema = {
        "properties": {"name": {"type": "string"}, "children": {"items": {"$ref": "#"}}},
        "required": ["name"],
    }
    tree: dict[str, Any] = {"name": "leaf"}
    for _ in range(50):
        tree = {"name": "node", "children": [tree]}

    assert first_failure(schema, tree) is None
    tree["children"][0]["children"][0]["name"] = 3
    failure = first_failure(schema, tree)
    assert failure is not None
    assert list(failure.as_error().path) == ["children", 0, "children", 0, "name"]


def test_references_that_double_at_each_step_end_soon() -> None:
    definitions: dict[str, Any] = {
        f"d{level}": {"allOf": [{"$ref": f"#/definitions/d{level + 1}"}] * 2}
        for level in range(40)
    }
    schema = {"definitions": {**definitions, "d40": {}}, "allOf": [{"$ref": "#/definitions/d0"}]}
    started = time.process_time()

    with pytest.raises(UnusableSchema, match="too many steps"):
        first_failure(schema, 1)

    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ({"$ref": "#/definitions/t"}, "PointerToNowhere: '/definitions/t' does not exist within"),
        ({"$ref": "#t"}, "NoSuchAnchor: 't' does not exist within"),
        ({"$ref": "http://127.0.0.1:1/x.json"}, "Unresolvable: http://127.0.0.1:1/x.json"),
        ({"$ref": "file:///etc/passwd"}, "Unresolvable: file:///etc/passwd"),
        ({"$ref": "x.json"}, "Unresolvable: x.json"),
        ({"$ref": "http://["}, "Unresolvable: http://["),
        ({"$ref": "#/title/0", "title": "abc"}, "Invalid schema"),
        ({"$ref": "#/title/x", "title": "abc"}, "Unresolvable"),
        ({"$ref": "#/maximum/x", "maximum": 1}, "Unresolvable"),
        ({"$ref": "#/x", "x": {"required": 3}}, "Invalid schema"),
    ],
)
def test_references_that_lead_nowhere(schema: Any, reason: str) -> None:
    with pytest.raises(UnusableSchema) as error:
        first_failure(schema, {})

    assert str(error.value).startswith(reason)


@pytest.mark.parametrize(
    "schema",
    [
        {
            "$id": "http://x/y",
            "definitions": {"q": {"type": "string"}},
            "allOf": [{"$ref": "y#/definitions/q"}],
        },
        {"definitions": {"s": {"$id": "#foo", "type": "string"}}, "allOf": [{"$ref": "#foo"}]},
        {"definitions": {"a%b": {"type": "string"}}, "allOf": [{"$ref": "#/definitions/a%25b"}]},
        {"$id": "http://[", "allOf": [{"$id": "http://[", "type": "string"}]},
    ],
    ids=["relative URI", "name", "escaped pointer", "invalid URI"],
)
def test_references_within_the_schema(schema: Any) -> None:
    assert first_failure(schema, "text") is None
    assert first_failure(schema, 3) is not None


def test_published_meta_schemas_can_be_referred_to() -> None:
    for draft in ("draft-04", "draft-06", "draft-07"):
        schema = {"$ref": f"http://json-schema.org/{draft}/schema#"}

        assert first_failure(schema, {"type": "string"}) is None
        assert first_failure(schema, {"type": "zz"}) is not None


def test_numbers_beyond_floats() -> None:
    assert first_failure({"multipleOf": 0.5}, 10**400) is None
    assert first_failure({"multipleOf": 10**400}, 1e300) is not None
    assert first_failure({"maximum": 1e308}, 10**400) is not None
    failure = first_failure({"maximum": 3}, 10**5000)
    assert failure is not None
    assert "too long to show" in failure.as_error().message


def test_large_arrays_of_objects_can_be_unique() -> None:
    items = [{"n": n, "f": float(n)} for n in range(30_000)]

    assert first_failure({"uniqueItems": True}, items) is None
    assert first_failure({"uniqueItems": True}, [*items, {"f": 0, "n": 0.0}]) is not None


def test_large_schema_is_cheap_once_compiled() -> None:
    schema = {
        "properties": {f"p{n}": {"type": "string"} for n in range(20_000)},
        "required": [f"p{n}" for n in range(20_000)],
    }
    assert find_schema_error(schema) is None
    ready = compiled(schema)
    ready.check({"p0": "x"}, Work())
    started = time.process_time()

    failure = ready.check({"p0": "x", "p19999": 3}, Work())

    assert time.process_time() - started < 0.05
    assert failure is not None
    assert list(failure.as_error().path) == ["p19999"]


def test_deep_schemas_are_refused() -> None:
    schema: dict[str, Any] = {}
    for _ in range(900):
        schema = {"not": schema}

    with pytest.raises(UnusableSchema):
        find_schema_error(schema)


def test_cache_keeps_what_was_used_last_within_its_size() -> None:
    cache: SizedCache[str] = SizedCache(max_count=3, max_size=10)
    made: list[str] = []

    def make(name: str, size: int) -> str:
        return cache.get_or_make(name, lambda: made.append(name) or name, size=size)

    for name, size in [("a", 4), ("b", 4), ("a", 4), ("c", 4), ("a", 4), ("b", 4), ("big", 11)]:
        assert make(name, size) == name

    assert made == ["a", "b", "c", "b", "big"]
    assert len(cache) == 2
