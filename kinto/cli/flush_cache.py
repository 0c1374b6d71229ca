"""``kinto flush-cache``: the cache emptied."""

import argparse
import logging

from kinto.cli.application import loaded_registry, naming_backend


logger = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """There are none."""


def run(args: argparse.Namespace) -> int:
    """Remove everything from the cache backend."""
    with loaded_registry(args) as registry, naming_backend(registry, "cache"):
        registry.cache.flush()
    logger.info("Cache has been cleared.")
    return 0
