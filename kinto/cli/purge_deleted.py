"""``kinto purge-deleted``: only the newest tombstones kept."""

import argparse
import logging

from kinto.cli.application import loaded_registry, naming_backend


logger = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "resources",
        nargs="+",
        metavar="RESOURCE",
        type=_split_names,
        help="names of resources, such as record",
    )
    parser.add_argument(
        "max_retained",
        metavar="MAX_RETAINED",
        type=_parse_count,
        help="tombstones to keep for each parent",
    )


def run(args: argparse.Namespace) -> int:
    """Remove the older tombstones of each parent."""
    deleted = 0
    with loaded_registry(args) as registry, naming_backend(registry, "storage"):
        logger.info("Keep only %s tombstones per parent and resource.", args.max_retained)
        for name in dict.fromkeys(name for names in args.resources for name in names):
            deleted += registry.storage.purge_deleted(
                name, "*", max_retained=args.max_retained, force_commit=True
            )
    logger.info("%s tombstone(s) deleted.", deleted)
    return 0


def _split_names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise argparse.ArgumentTypeError("expected the name of a resource")
    return names


def _parse_count(text: str) -> int:
    try:
        count = int(text)
    except ValueError:
        count = -1
    if count < 0:
        raise argparse.ArgumentTypeError(f"expected a number of tombstones, got {text!r}")
    return count
