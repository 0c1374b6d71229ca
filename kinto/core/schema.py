"""Colander nodes for the values of the protocol."""

from typing import Any

import colander

from kinto.core.protocol.clock import msec_time


# The largest integer that a query string may hold.
MAX_QUERY_INTEGER = 9223372036854775808


class TimeStamp(colander.SchemaNode):  # type: ignore[misc]  # colander ships no types
    """Milliseconds since the epoch; filled in when missing and ``auto_now``."""

    schema_type = colander.Integer
    title = "Epoch timestamp"
    auto_now = True
    missing = None

    def deserialize(self, cstruct: Any = colander.null) -> Any:
        if cstruct is colander.null and self.auto_now:
            cstruct = msec_time()
        return super().deserialize(cstruct)


class URL(colander.SchemaNode):  # type: ignore[misc]  # colander ships no types
    """An absolute URL."""

    schema_type = colander.String
    validator = colander.All(colander.url, colander.Length(min=1, max=2048))

    def preparer(self, appstruct: Any) -> Any:
        return appstruct.strip() if isinstance(appstruct, str) else appstruct


class Any(colander.SchemaType):  # type: ignore[misc, no-redef]  # name fixed by the extension API
    """Any value, as it is."""

    def deserialize(self, node: Any, cstruct: Any) -> Any:
        return cstruct

    def serialize(self, node: Any, appstruct: Any) -> Any:
        return appstruct


class HeaderField(colander.SchemaNode):  # type: ignore[misc]  # colander ships no types
    """The value of a header; an empty one counts as absent."""

    missing = colander.drop

    def deserialize(self, cstruct: Any = colander.null) -> Any:
        if isinstance(cstruct, bytes):
            try:
                cstruct = cstruct.decode("utf-8")
            except UnicodeDecodeError:
                raise colander.Invalid(self, msg="Headers should be UTF-8 encoded")
        return super().deserialize(cstruct)


class QueryField(colander.SchemaNode):  # type: ignore[misc]  # colander ships no types
    """The value of a parameter of the query string, typed."""

    missing = colander.drop

    def deserialize(self, cstruct: Any = colander.null) -> Any:
        if isinstance(cstruct, str):
            cstruct = cstruct.strip().strip('"') or colander.null
        return super().deserialize(cstruct)


class FieldList(QueryField):
    """Names separated by commas."""

    schema_type = colander.Sequence
    error_message = "The value should be a list of comma separated attributes"
    missing = colander.drop
    fields = colander.SchemaNode(colander.String(), missing=colander.drop)

    def deserialize(self, cstruct: Any = colander.null) -> Any:
        if isinstance(cstruct, str):
            cstruct = [name.strip() for name in cstruct.split(",")]
        return super(QueryField, self).deserialize(cstruct)


class HeaderQuotedInteger(HeaderField):
    """A whole number between double quotes, or ``*``."""

    schema_type = colander.String
    error_message = "The value should be integer between double quotes."
    validator = colander.Regex(r'^"([0-9]+?)"$|\*', msg=error_message)

    def deserialize(self, cstruct: Any = colander.null) -> Any:
        param = super().deserialize(cstruct)
        if param is colander.drop or param == "*":
            return param
        return int(param[1:-1])
