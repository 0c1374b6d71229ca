"""The names of cornice that plugins import from here."""

from cornice import includeme
from cornice.resource import add_resource, add_view, resource

from kinto.core.service import Service


__all__ = ["Service", "add_resource", "add_view", "includeme", "resource"]
