"""What views are wrapped in.

Source: "View Derivers" in the documentation of Pyramid.
"""

from pyramid.interfaces import IViewDerivers
from pyramid.registry import Registry


# Those of Pyramid, and the one that describes our services.
_USUAL = frozenset(
    {
        "csrf_view",
        "decorated_view",
        "describing_options",
        "http_cached_view",
        "mapped_view",
        "owrapped_view",
        "rendered_view",
        "secured_view",
    }
)


def are_views_unwrapped(registry: Registry) -> bool:
    """Whether no plugin wraps the views of the application in something of its own."""
    derivers = registry.queryUtility(IViewDerivers)
    return _USUAL.issuperset(derivers.names if derivers is not None else ())
