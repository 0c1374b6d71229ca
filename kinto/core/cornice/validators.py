"""The validators of cornice."""

from cornice.validators import (
    colander_body_validator,
    colander_headers_validator,
    colander_path_validator,
    colander_querystring_validator,
    colander_validator,
)


__all__ = [
    "colander_body_validator",
    "colander_headers_validator",
    "colander_path_validator",
    "colander_querystring_validator",
    "colander_validator",
]
