"""Resources of a throw-away application on the core alone, scanned by its tests."""

from typing import Any

import colander
from pyramid.request import Request

from kinto.core import resource
from kinto.core.errors import raise_invalid
from kinto.core.events import ACTIONS
from kinto.core.resource.validation import validate_resource_request


class MushroomSchema(resource.ResourceSchema):
    """Open, with a read-only attribute, one that has a default."""

    name = colander.SchemaNode(colander.String())
    edible = colander.SchemaNode(colander.Boolean(), missing=False)
    species = colander.SchemaNode(colander.String(), missing=colander.drop)

    class Options:
        readonly_fields = ("species",)


class ToadstoolSchema(resource.ResourceSchema):
    """Closed."""

    name = colander.SchemaNode(colander.String(), missing=colander.drop)

    class Options:
        preserve_unknown = False


@resource.register(name="mushroom")
class Mushroom(resource.Resource):
    """Notes each hook in the list ``calls`` of the registry."""

    schema = MushroomSchema

    def _note(self, *call: Any) -> None:
        self.request.registry.calls.append(call)

    def process_object(self, new: Any, old: Any = None) -> Any:
        self._note("process", old and old["name"])
        new = super().process_object(new, old)
        if new["name"] == "poison":
            raise_invalid(self.request, "body", "name", "Do not eat it")
        return {**new, "seen": True}

    def postprocess(self, result: Any, action: Any = ACTIONS.READ, old: Any = None) -> Any:
        self._note("postprocess", action.value, old and old["name"])
        body = super().postprocess(result, action, old)
        body["extra"] = 1
        return body


@resource.register()
class Toadstool(resource.Resource):
    """Closed, with the permissions of a kind of its own, a parent from a header."""

    schema = ToadstoolSchema
    permissions = ("read", "write", "eat")

    def get_parent_id(self, request: Request) -> str:
        return request.headers.get("X-Forest", "")


@resource.register(
    name="spore",
    plural_path="/forests/{{forest_id}}/{resource_name}s",
    object_path=None,
    plural_methods=("GET", "POST"),
)
class Spore(resource.Resource):
    """Has a plural endpoint only."""

    def get_parent_id(self, request: Request) -> str:
        return f"/forests/{request.matchdict['forest_id']}"


class Moss(resource.Resource):
    """Has no permissions; registered by a call."""

    name = "moss"
    permissions = ()


def shorten(request: Request, **kwargs: Any) -> None:
    """Validator: a list asked for with ``short`` is cut."""
    if request.validated["querystring"].pop("short", None):
        request.validated["querystring"]["_limit"] = "1"


resource.register_resource(
    Moss,
    plural_path="/mosses",
    object_path="/mosses/{{id}}",
    plural_get_arguments={"validators": [validate_resource_request, shorten]},
)
