"""A plugin that writes down which endpoints are called: setting ``route_log.file``."""

from pathlib import Path

from pyramid.config import Configurator
from pyramid.events import NewResponse


def includeme(config: Configurator) -> None:
    path = Path(config.get_settings()["route_log.file"])

    def write_down(event: NewResponse) -> None:
        route = event.request.matched_route
        if route is not None:
            with path.open("a", encoding="utf-8") as stream:
                stream.write(f"{event.request.method} {route.pattern}\n")

    config.add_subscriber(write_down, NewResponse)
