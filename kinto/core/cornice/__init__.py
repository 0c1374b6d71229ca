"""The names of cornice that plugins import from here."""

from cornice.resource import add_resource, add_view, resource
from pyramid.config import Configurator

from kinto.core.service import Service


__all__ = ["Service", "add_resource", "add_view", "includeme", "resource"]


def includeme(config: Configurator) -> None:
    """Nothing is left to do: every application has what services need."""
