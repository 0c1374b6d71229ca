"""The console script ``kinto``."""

import logging
import sys
from collections.abc import Sequence

from kinto.cli.commands import COMMANDS
from kinto.cli.errors import CommandError, describe_lines
from kinto.cli.output import setup_logging, tell_failure
from kinto.cli.parser import build_parser


logger = logging.getLogger(__name__)


def main(args: Sequence[str] | None = None) -> int:
    """Run one command.

    :param args: of the command line, those of the process by default.
    :returns: the exit code.
    :raises SystemExit: the arguments are wrong (2), or help or version was asked for (0).
    """
    options = build_parser(COMMANDS).parse_args(args)
    options.argv = list(sys.argv[1:] if args is None else args)
    setup_logging(options.log_level)
    try:
        return int(options.command.run(options))
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # the boundary of the process
        for line in describe_lines(error):
            tell_failure(line)
        logger.debug("Traceback", exc_info=True)
        return error.exit_code if isinstance(error, CommandError) else 1


if __name__ == "__main__":
    sys.exit(main())
