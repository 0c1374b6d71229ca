"""Digests, random texts, Base64."""

import hashlib
import hmac
import os
from base64 import b64decode, b64encode


def hmac_digest(secret: str, message: str | bytes, encoding: str = "utf-8") -> str:
    """HMAC-SHA256 of ``message`` in lower-case hexadecimal."""
    data = message.encode(encoding) if isinstance(message, str) else message
    # `hmac.digest` is one call into OpenSSL: this runs on each authenticated request.
    return hmac.digest(secret.encode(encoding), data, hashlib.sha256).hex()


def random_bytes_hex(bytes_length: int) -> str:
    """``bytes_length`` random bytes, two hexadecimal characters each."""
    return os.urandom(bytes_length).hex()


def encode64(content: str, encoding: str = "utf-8") -> str:
    """Base64 of a text."""
    return b64encode(content.encode(encoding)).decode("ascii")


def decode64(encoded_content: str, encoding: str = "utf-8") -> str:
    """The text behind a Base64.

    :raises ValueError: not Base64, or not text in ``encoding``.
    """
    return b64decode(encoded_content.encode("ascii")).decode(encoding)
