"""Names that resources had in older versions."""

from typing import Any

from kinto.core.deprecation import deprecated_name
from kinto.core.resource.base import ResourceBase
from kinto.core.types import KintoObject


class FormerNames(ResourceBase):
    """Each warns with the name that replaces it."""

    @property
    def record_id(self) -> str:
        deprecated_name("record_id", "object_id")
        return self.object_id

    def process_record(self, new: KintoObject, old: KintoObject | None = None) -> KintoObject:
        deprecated_name("process_record()", "process_object()")
        return self.process_object(new, old)

    def collection_get(self) -> dict[str, Any]:
        deprecated_name("collection_get()", "plural_get()")
        body: dict[str, Any] = self.plural_get()
        return body

    def collection_post(self) -> dict[str, Any]:
        deprecated_name("collection_post()", "plural_post()")
        body: dict[str, Any] = self.plural_post()
        return body

    def collection_delete(self) -> dict[str, Any]:
        deprecated_name("collection_delete()", "plural_delete()")
        body: dict[str, Any] = self.plural_delete()
        return body
