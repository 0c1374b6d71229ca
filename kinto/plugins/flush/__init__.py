"""Flush: ``POST /__flush__`` removes everything. For tests only."""

from pyramid.config import Configurator


def includeme(config: Configurator) -> None:
    """Announce the endpoint, serve it."""
    config.add_api_capability(
        "flush_endpoint",
        description="The __flush__ endpoint can be used to remove all data from all backends.",
        url="https://kinto.readthedocs.io/en/latest/api/1.x/flush.html",
    )
    config.scan("kinto.plugins.flush.views")
