"""Lists as the text of PostgreSQL arrays."""

from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kinto.core.postgresql.arrays import number_array, text_array
from kinto.core.postgresql.client import PostgreSQLClient
from kinto.core.postgresql.statements import Statement


_ECHO = Statement("echo", "SELECT %(texts)s::text[], %(numbers)s::bigint[]")

texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
numbers = st.integers(-(2**63), 2**63 - 1)


# The client keeps nothing of one example for the next.
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(texts | st.sampled_from(["NULL", "", "{}", '"', "\\", "a,b", "é", "\n"]) | st.none()),
    st.lists(numbers | st.none()),
)
def test_the_server_reads_what_was_written(
    client: PostgreSQLClient, texts: Sequence[str | None], numbers: Sequence[int | None]
) -> None:
    params = {"texts": text_array(texts), "numbers": number_array(numbers)}

    with client.read() as connection:
        row = connection.fetch_one(_ECHO, params)

    assert row == (texts, numbers)


def test_a_nul_is_no_separator() -> None:
    with pytest.raises(ValueError, match="NUL"):
        text_array(["a\0b", "c"])
