"""The request class: what this application and its plugins read from a request."""

import warnings
from io import BytesIO
from typing import Any

from cornice.errors import Errors
from pyramid.decorator import reify

from kinto.core import authentication, events, subrequests
from kinto.core import types as core_types
from kinto.core.protocol import json_codec


class Request(core_types.Request):
    """A request, or a sub-request of one."""

    @reify
    def bound_data(self) -> dict[str, Any]:
        """Shared by a request with its sub-requests."""
        return {}

    @reify
    def validated(self) -> dict[str, Any]:
        """What validators found right."""
        return {}

    @reify
    def errors(self) -> Errors:
        """What validators found wrong."""
        return Errors()

    @reify
    def info(self) -> dict[str, Any]:
        """What cornice notes about the request."""
        return {}

    @reify
    def body_bytes(self) -> bytes:
        """The body, read once."""
        environ = self.environ
        source = environ["wsgi.input"]
        if type(source) is BytesIO and environ.get("webob.is_body_seekable"):
            content = source.getvalue()
            if environ.get("CONTENT_LENGTH") == str(len(content)):
                return content
        body: bytes = self.body
        return body

    @reify
    def json_body(self) -> Any:
        """The JSON of the body, parsed once.

        :raises JSONError: it is not the JSON this server accepts.
        """
        return json_codec.loads(self.body_bytes)

    # ``<policy>:<user id>``; ``None`` when anonymous.
    prefixed_userid = property(authentication.prefixed_userid)

    @reify
    def prefixed_principals(self) -> list[str]:
        """Principals of the user: the prefixed user id first, then groups and ``system.*``."""
        return authentication.prefixed_principals(self)

    @property
    def effective_principals(self) -> list[str]:
        """Old name of ``prefixed_principals``."""
        warnings.warn(
            "`effective_principals` is deprecated, use `prefixed_principals` instead.",
            DeprecationWarning,
            stacklevel=2,
        )
        principals: list[str] = self.prefixed_principals
        return principals

    @reify
    def current_resource_name(self) -> str:
        """Name of the resource of the route.

        :raises AttributeError: the route is no resource's.
        """
        name: str = self.current_service.resource_name
        return name

    def get_user_info(self) -> dict[str, Any]:
        """The user as shown by the hello view."""
        return authentication.get_user_info(self)

    def get_resource_events(self, after_commit: bool = False) -> Any:
        """Events to deliver now."""
        return events.get_resource_events(self, after_commit=after_commit)

    def notify_resource_event(self, *args: Any, **kwargs: Any) -> None:
        """Queue an event about objects."""
        events.notify_resource_event(self, *args, **kwargs)

    def follow_subrequest(self, subrequest: Any, **kwargs: Any) -> Any:
        """Execute a sub-request, redirections included."""
        return subrequests.follow_subrequest(self, subrequest, **kwargs)

    def log_context(self, **kwargs: Any) -> dict[str, Any]:
        """Add fields to the summary line of the request; ``None`` values are left out.

        Those of a sub-request show in the line of the request that it is part of, too.
        """
        context: dict[str, Any] = self.__dict__.setdefault("_log_context", {})
        context.update((key, value) for key, value in kwargs.items() if value is not None)
        parent = self.__dict__.get("parent")
        if parent is not None:
            parent.log_context(**kwargs)
        return context
