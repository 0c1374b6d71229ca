"""Resources: kinds of objects served over HTTP."""

from kinto.core.resource.model import Model, ShareableModel
from kinto.core.resource.registration import register, register_resource
from kinto.core.resource.resource import Resource, ShareableResource
from kinto.core.resource.schema import ResourceSchema
from kinto.core.resource.viewset import ShareableViewSet, ViewSet


__all__ = [
    "Model",
    "Resource",
    "ResourceSchema",
    "ShareableModel",
    "ShareableResource",
    "ShareableViewSet",
    "ViewSet",
    "register",
    "register_resource",
]
