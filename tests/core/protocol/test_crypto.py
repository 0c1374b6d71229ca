import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinto.core.protocol.crypto import decode64, encode64, hmac_digest, random_bytes_hex


@pytest.mark.parametrize(
    ("secret", "message", "digest"),
    [
        (
            "some-secret",
            "alice:pw",
            "0c5fad3e46f7ebbee6d61626cd1b437b3e887bf7eaac2a6d6505d1745b76b1d7",
        ),
        ("", b"mat:secret", "8a931a10fc88ab2f6d1cc02a07d3a81b5d4768f6f13e85c5d8d4180419acb1b4"),
    ],
)
def test_digests_of_the_documentation(secret, message, digest):
    assert hmac_digest(secret, message) == digest


def test_random_texts_have_two_characters_a_byte():
    assert len(random_bytes_hex(16)) == 32
    assert random_bytes_hex(16) != random_bytes_hex(16)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_base64_is_read_back(text):
    assert decode64(encode64(text)) == text


def test_what_is_no_base64_is_a_value_error():
    with pytest.raises(ValueError):  # noqa: PT011  # binascii's own
        decode64("a")
