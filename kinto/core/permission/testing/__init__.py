"""The contract of permission backends as a suite, for whoever writes one.

.. code-block:: python

    class MyPermissionTest(PermissionTest, unittest.TestCase):
        backend = my_backend  # module with `load_from_config`
        settings = {"permission_url": "..."}
"""

from kinto.core.permission.testing.accessible import AccessibleObjectsTest
from kinto.core.permission.testing.fixture import PermissionFixture
from kinto.core.permission.testing.life import BackendTest
from kinto.core.permission.testing.objects import ObjectPermissionsTest
from kinto.core.permission.testing.users import UserPrincipalsTest


__all__ = [
    "AccessibleObjectsTest",
    "BackendTest",
    "ObjectPermissionsTest",
    "PermissionFixture",
    "PermissionTest",
    "UserPrincipalsTest",
]


class PermissionTest(
    BackendTest, UserPrincipalsTest, ObjectPermissionsTest, AccessibleObjectsTest
):
    """Everything that a permission backend has to do."""
