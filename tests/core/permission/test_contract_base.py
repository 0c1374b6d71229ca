"""The base class of permission backends."""

from typing import Any

import pytest

from kinto.core.permission import PermissionBase


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("initialize_schema", ()),
        ("flush", ()),
        ("add_user_principal", ("u", "p")),
        ("remove_user_principal", ("u", "p")),
        ("remove_principal", ("p",)),
        ("get_user_principals", ("u",)),
        ("add_principal_to_ace", ("/o", "read", "p")),
        ("remove_principal_from_ace", ("/o", "read", "p")),
        ("get_object_permission_principals", ("/o", "read")),
        ("get_authorized_principals", ([],)),
        ("check_permission", ([], [])),
        ("get_accessible_objects", ([],)),
        ("get_object_permissions", ("/o",)),
        ("get_objects_permissions", (["/o"],)),
        ("replace_object_permissions", ("/o", {})),
        ("delete_object_permissions", ("/o",)),
    ],
)
def test_base_leaves_methods_to_backends(method: str, arguments: tuple[Any, ...]) -> None:
    with pytest.raises(NotImplementedError):
        getattr(PermissionBase("ignored", ignored=True), method)(*arguments)


def test_base_checks_permissions_by_authorized_principals() -> None:
    class Backend(PermissionBase):
        def get_authorized_principals(self, bound_permissions: Any) -> set[str]:
            return {"bob"} if list(bound_permissions) else set()

    assert Backend().check_permission(iter(["bob"]), [("/o", "read")]) is True
    assert Backend().check_permission(["bob"], []) is False
