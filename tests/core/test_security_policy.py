"""Sub-requests with the same credentials are identified once, where that is the same."""

from collections.abc import Iterator
from typing import Any

import pytest
from pyramid_multiauth import MultiAuthPolicySelected

from kinto.core.authentication import BasicAuthAuthenticationPolicy
from kinto.core.events import ResourceChanged
from tests.support.api import Client, memory_app, new_id


asked: list[str] = []


class SilentPolicy(BasicAuthAuthenticationPolicy):
    """May look at more than the header, for all one knows."""

    def authenticated_userid(self, request: Any) -> str | None:
        asked.append(request.path)
        return super().authenticated_userid(request)  # type: ignore[no-any-return]


class HeaderPolicy(SilentPolicy):
    """Looks at the header alone."""

    reads_only_authorization = True


def make_client(policy: type) -> Client:
    return Client(
        memory_app(
            {
                "multiauth.policies": "counting",
                "multiauth.policy.counting.use": f"{__name__}.{policy.__name__}",
            }
        )
    )


@pytest.fixture(autouse=True)
def _nobody_asked() -> Iterator[None]:
    yield
    asked.clear()


def send_batch(client: Client) -> tuple[list[str], list[int]]:
    bucket = f"/buckets/{new_id()}"
    client.put(bucket)
    asked.clear()
    paths = [f"{bucket}/groups/{name}" for name in "abc"]
    stranger = {"Authorization": "Basic c3RyYW5nZXI6c2VjcmV0"}
    items: list[dict[str, Any]] = [{"method": "PUT", "path": path} for path in paths]
    items.append({**items[0], "headers": stranger})
    items.append({**items[0], "headers": {"Authorization": ""}})
    answer = client.batch(*items)
    return [f"/v1{path}" for path in paths], [r["status"] for r in answer.json["responses"]]


def test_items_with_the_same_credentials_are_identified_once() -> None:
    paths, statuses = send_batch(make_client(HeaderPolicy))

    assert statuses == [201, 201, 201, 403, 401]
    # The owner at the first item, then the stranger, then nobody.
    assert asked == [paths[0]] * 3


def test_a_policy_that_may_look_at_more_is_asked_for_each_item() -> None:
    paths, statuses = send_batch(make_client(SilentPolicy))

    assert statuses == [201, 201, 201, 403, 401]
    assert set(asked) == set(paths)


def test_who_listens_is_told_of_each_item() -> None:
    client = make_client(HeaderPolicy)
    told: list[Any] = []
    registry = client.app.registry
    registry.registerHandler(lambda event: told.append(event.userid), (MultiAuthPolicySelected,))

    _, statuses = send_batch(client)

    assert statuses == [201, 201, 201, 403, 401]
    assert len(told) >= 4
    assert len(set(told)) == 2


def test_the_principals_of_an_item_are_its_own() -> None:
    """What one view does to its list is not seen by the next."""
    client = make_client(HeaderPolicy)
    bucket = f"/buckets/{new_id()}"
    client.put(bucket)
    seen: list[list[str]] = []

    def spoil(event: Any) -> None:
        seen.append(list(event.request.prefixed_principals))
        event.request.prefixed_principals.append("spoilt")

    client.app.registry.registerHandler(spoil, (ResourceChanged,))
    client.batch(
        {"method": "PUT", "path": f"{bucket}/groups/a"},
        {"method": "PUT", "path": f"{bucket}/collections/b"},
    )

    assert len(seen) == 2
    assert seen[0] == seen[1]
