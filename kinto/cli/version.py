"""``kinto version``: the version of the package."""

import argparse

from kinto import __version__


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """There are none."""


def run(args: argparse.Namespace) -> int:
    """Print it, alone on one line."""
    print(__version__)
    return 0
