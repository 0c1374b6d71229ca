"""Hypothesis strategies: what may be asked of a storage."""

from typing import Any, NamedTuple

from hypothesis import strategies as st

from kinto.core.protocol.comparison import COMPARISON
from kinto.core.storage import MISSING, Filter, Sort


class TimestampOf(NamedTuple):
    """The timestamp of the n-th oldest object of the list, in whichever backend it is."""

    position: int


RESOURCES = ("r", "s")
PARENTS = ("/a", "/a/b", "/ab", "_")
PATTERNS = ("*", "/a*", "/a/*", "*b", "_*", "%", "/_")
IDENTIFIERS = ("a", "b", "c", "1", "_")

resources = st.sampled_from(RESOURCES)
parents = st.sampled_from(PARENTS)
parents_or_patterns = st.sampled_from(PARENTS + PATTERNS)
identifiers = st.sampled_from(IDENTIFIERS)

_texts = st.text(alphabet="aAb_%*.\\é1 ", max_size=3)
_numbers = st.sampled_from([0, 1, 1.0, -1, 1.5, 10, 2**53 + 1, 10**30, 1e30, -0.5])
_scalars = st.none() | st.booleans() | _numbers | _texts
values = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=2),
    max_leaves=4,
)

_given_timestamps = st.integers(1, 15) | st.builds(TimestampOf, st.integers(0, 3))
given_timestamps = st.none() | _given_timestamps

objects = st.fixed_dictionaries(
    {},
    optional={
        "v": values,
        "w": st.dictionaries(st.sampled_from(["x", "x.y", "y"]), values, max_size=2),
        "w.x": values,
        "deleted": st.booleans(),
        "last_modified": _given_timestamps,
    },
)

_fields = st.sampled_from(["v", "w", "w.x", "w.x.y", "w.y.0", "id", "deleted", "absent"])
_ordered = st.sampled_from(
    [
        COMPARISON.LT,
        COMPARISON.MAX,
        COMPARISON.GT,
        COMPARISON.MIN,
        COMPARISON.EQ,
        COMPARISON.NOT,
    ]
)
_of_lists = st.sampled_from([COMPARISON.IN, COMPARISON.EXCLUDE])
_of_arrays = st.sampled_from([COMPARISON.CONTAINS, COMPARISON.CONTAINS_ANY])
_members = st.lists(values, max_size=3)

_on_values = st.one_of(
    st.builds(Filter, _fields, values | st.just(MISSING), _ordered),
    st.builds(Filter, _fields, _members, _of_lists),
    st.builds(Filter, _fields, _texts, st.just(COMPARISON.LIKE)),
    st.builds(Filter, _fields, st.booleans(), st.just(COMPARISON.HAS)),
    st.builds(Filter, st.sampled_from(["v", "w.x", "absent"]), _members, _of_arrays),
)
_on_timestamps = st.builds(
    Filter,
    st.just("last_modified"),
    st.integers(0, 15) | st.builds(TimestampOf, st.integers(0, 5)),
    _ordered,
)
filters = st.lists(_on_values | _on_timestamps, max_size=2)
rules = st.none() | st.lists(st.lists(_on_values, min_size=1, max_size=2), max_size=2)
sortings = st.lists(
    st.builds(Sort, _fields | st.just("last_modified"), st.sampled_from([1, -1])), max_size=2
)
limits = st.none() | st.integers(0, 4)

_one = {"resource_name": resources, "parent_id": parents}
# Writes of one object or many, as the name of a method with its keyword arguments.
writes: st.SearchStrategy[tuple[str, dict[str, Any]]] = st.one_of(
    st.tuples(
        st.just("create"),
        st.fixed_dictionaries(
            {**_one, "obj": st.tuples(objects, identifiers).map(lambda p: {**p[0], "id": p[1]})}
        ),
    ),
    st.tuples(
        st.just("update"),
        st.fixed_dictionaries({**_one, "object_id": identifiers, "obj": objects}),
    ),
    st.tuples(
        st.just("delete"),
        st.fixed_dictionaries(
            {
                **_one,
                "object_id": identifiers,
                "with_deleted": st.booleans(),
                "last_modified": given_timestamps,
            }
        ),
    ),
    st.tuples(
        st.just("delete_all"),
        st.fixed_dictionaries(
            {
                **_one,
                "filters": filters,
                "sorting": sortings,
                "limit": limits,
                "with_deleted": st.booleans(),
            }
        ),
    ),
    st.tuples(
        st.just("trim_objects"),
        st.fixed_dictionaries({**_one, "filters": filters, "max_objects": st.integers(0, 3)}),
    ),
)
