"""The configuration file: where it is, how it is written, what is made from it."""
