"""Values written in a query string."""

from kinto.core.exceptions import JSONError
from kinto.core.protocol.json_codec import loads
from kinto.core.types import JSONValue


def native_value(text: JSONValue) -> JSONValue:
    """The JSON value of a text, or the text itself when it is not JSON.

    Whatever is not text is returned as it is.
    """
    if not isinstance(text, str):
        return text
    try:
        return loads(text)
    except JSONError:
        return text
