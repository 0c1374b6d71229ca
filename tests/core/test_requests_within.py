"""Requests that a view makes with all tweens: they belong to the transaction around them."""

from typing import Any

import pytest
import transaction
from pyramid.security import NO_PERMISSION_REQUIRED

from kinto.core import Service
from kinto.core.utils import build_request
from tests.core.test_extension_services import app  # noqa: F401  # a fixture
from tests.support.extensions import ALICE, BUCKET


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("fails", [False, True], ids=["succeeds", "fails"])
def test_all_is_kept_or_nothing(app: Any, method: str, fails: bool) -> None:  # noqa: F811
    seen: list[Any] = []

    def view(request: Any) -> dict[str, Any]:
        storage = request.registry.storage
        storage.create("thing", "/things", {"id": "outer"})
        begun = transaction.get()
        inner = build_request(request, {"method": "PUT", "path": f"{BUCKET}/groups/inner"})
        seen.append(request.invoke_subrequest(inner, use_tweens=True).status_code)
        listed = build_request(request, {"path": f"{BUCKET}/groups"})
        answer = request.invoke_subrequest(listed, use_tweens=True)
        seen.append([group["id"] for group in answer.json["data"]])
        seen.append(transaction.get() is begun)
        if fails:
            raise ValueError("after all")
        return {}

    service = Service(name="within", path="/within", description="Within")
    service.add_view(method, view, permission=NO_PERMISSION_REQUIRED)
    app.config.add_cornice_service(service)
    app.config.commit()

    app.client.request(
        "/v1/within", method=method.upper(), headers=ALICE, status=500 if fails else 200
    )

    assert seen == [201, ["inner"], True]
    kept = [obj["id"] for obj in app.registry.storage.list_all("thing", "/things")]
    assert kept == ([] if fails else ["outer"])
    groups = app.call("get", f"{BUCKET}/groups").json["data"]
    assert [group["id"] for group in groups] == ([] if fails else ["inner"])
