"""JSON values for properties."""

from hypothesis import strategies as st


storable_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | storable_text
)


def _grow(children):
    return st.lists(children, max_size=4) | st.dictionaries(storable_text, children, max_size=4)


json_values = st.recursive(scalars, _grow, max_leaves=15)
json_objects = st.dictionaries(storable_text, json_values, max_size=5)
