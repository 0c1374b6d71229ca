"""The request class of an application, with what plugins add to it."""

from typing import Any

from pyramid.config import Configurator
from pyramid.interfaces import IRequestExtensions, IRequestFactory


def settle_request_class(config: Configurator) -> None:
    """Put the properties that were added to requests on their class.

    Pyramid makes a class for each request otherwise. What is added from now on still works
    that way.
    """
    registry = config.registry
    extensions = registry.queryUtility(IRequestExtensions)
    factory = registry.queryUtility(IRequestFactory)
    if extensions is None or not isinstance(factory, type) or not extensions.descriptors:
        return
    # Any: descriptors, by name.
    attributes: dict[str, Any] = dict(extensions.descriptors)
    registry.registerUtility(type("Request", (factory,), attributes), IRequestFactory)
    extensions.descriptors.clear()
