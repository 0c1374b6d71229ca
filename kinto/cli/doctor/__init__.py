"""``kinto doctor``: one module for each subject; nothing that serves imports it."""

from kinto.cli.doctor.command import add_arguments, run


__all__ = ["add_arguments", "run"]
