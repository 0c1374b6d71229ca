"""Marker of objects that ``kinto migrate`` runs."""

from zope.interface import Interface


class IMigratable(Interface):  # type: ignore[misc]  # zope ships no types
    """A plugin's own database schema."""

    def initialize_schema(client: object = None, dry_run: bool = False) -> None:  # noqa: N805
        """Create the schema, or bring it up to date; nothing is changed when ``dry_run``."""
