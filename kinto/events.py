"""Events of the service, beside those about objects."""

from pyramid.request import Request


class ServerFlushed:
    """Everything was removed from all backends."""

    def __init__(self, request: Request) -> None:
        self.request = request
