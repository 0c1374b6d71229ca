"""OpenAPI 2.0 description of an application (placeholder until the generator lands)."""

from typing import Any, ClassVar


class OpenAPI:
    """Placeholder."""

    security_definitions: ClassVar[dict[str, Any]] = {}

    def __init__(self, services: Any, request: Any) -> None:
        self.services = services
        self.request = request

    @classmethod
    def expose_authentication_method(cls, name: str, definition: dict[str, Any]) -> None:
        cls.security_definitions[name] = definition

    def generate(self) -> dict[str, Any]:
        return {}
