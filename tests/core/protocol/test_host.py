import pytest

from kinto.core.protocol.host import is_valid_host


@pytest.mark.parametrize(
    "text",
    ["localhost", "localhost:8888", "a.b-c.org", "my_host", "127.0.0.1:80", "[::1]", "[::1]:8000"],
)
def test_hosts(text):
    assert is_valid_host(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a b",
        "a/b",
        "a?b",
        "a@b",
        "a:b",
        "a:1:2",
        "a:",
        ":80",
        "a:99999",
        "é.org",
        "a\r\nb",
        "<script>",
        "a" * 300,
        "[::1",
        "a\n",
    ],
)
def test_other_texts_are_no_hosts(text):
    assert not is_valid_host(text)
