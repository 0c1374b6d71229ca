"""Plugins that come with the service; each is included by its dotted name."""
