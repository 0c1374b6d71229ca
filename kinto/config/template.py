"""The text of a new configuration file.

Source: "kinto init" in the documentation of the command line.
"""

import secrets
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from pathlib import Path
from string import Template
from typing import Any

from kinto import __version__
from kinto.core.settings import Definition, iter_titled_groups


TEMPLATE_PATH = Path(__file__).with_name("kinto.tpl")
WSGI_FILE = TEMPLATE_PATH.parent.with_name("app.wsgi")
BACKENDS = ("memory", "postgresql")
CACHE_BACKENDS = ("memory", "postgresql", "memcached", "redis")

# What a new server has beyond the core.
PLUGINS: tuple[str, ...] = ()
POLICIES = ("basicauth",)
PLUGIN_SETTINGS: Mapping[str, str] = {
    "bucket_create_principals": "system.Authenticated",
}

_PREFIX = "kinto"
_COMMENT_WIDTH = 97
_SECRET_BYTES = 32
_URLS = {
    "memory": "",
    "postgresql": "postgresql://postgres:postgres@localhost:5432/postgres",
    "memcached": "",
    "redis": "redis://127.0.0.1/0",
}
_MEMCACHED_HOSTS = "127.0.0.1:11211"


@dataclass(frozen=True, slots=True)
class Choices:
    """What ``kinto init`` asks for.

    :param backend: of the storage and the permissions.
    :param host: where the server listens.
    """

    backend: str
    cache_backend: str
    host: str = "127.0.0.1"


def render_ini(choices: Choices, *, now: datetime) -> str:
    """The text of the file, with secrets of its own."""
    template = Template(TEMPLATE_PATH.read_text(encoding="utf-8"))
    return template.substitute(
        date=format_datetime(now),
        version=__version__,
        host=choices.host,
        wsgi_file=WSGI_FILE,
        settings="\n".join(_render_groups(active_settings(choices))).rstrip(),
    )


def active_settings(choices: Choices) -> dict[str, str]:
    """The settings that are not commented out, by name without prefix."""
    active = {
        "includes": "".join(f"\n{plugin}" for plugin in PLUGINS),
        "storage_backend": f"kinto.core.storage.{choices.backend}",
        "storage_url": _URLS[choices.backend],
        "cache_backend": f"kinto.core.cache.{choices.cache_backend}",
        "cache_url": _URLS[choices.cache_backend],
        "permission_backend": f"kinto.core.permission.{choices.backend}",
        "permission_url": _URLS[choices.backend],
        "userid_hmac_secret": secrets.token_hex(_SECRET_BYTES),
        "default_bucket_hmac_secret": secrets.token_hex(_SECRET_BYTES),
        "multiauth.policies": " ".join(POLICIES),
        **PLUGIN_SETTINGS,
    }
    if choices.cache_backend == "memcached":
        active["cache_hosts"] = _MEMCACHED_HOSTS
    return active


def _render_groups(active: Mapping[str, str]) -> Iterator[str]:
    shown: set[str] = set()
    for title, definitions in iter_titled_groups():
        yield f"#\n# {title}\n#"
        for definition in definitions:
            shown.add(definition.name)
            yield from _render_setting(definition, active.get(definition.name))
        yield ""
    if others := {name: value for name, value in active.items() if name not in shown}:
        yield "#\n# Others\n#"
        yield from (_render_line(name, value) for name, value in others.items())


def _render_setting(definition: Definition, active: str | None) -> Iterator[str]:
    yield from textwrap.wrap(definition.doc, _COMMENT_WIDTH, initial_indent="# ")
    name = definition.written_name(_PREFIX)
    if active is not None:
        yield _render_line(name, active)
    else:
        line = _render_line(name, _written(definition.default))
        yield textwrap.indent(line, "# ")


def _render_line(name: str, value: str) -> str:
    return f"{name} = {value}".rstrip().replace("\n", "\n    ")


def _written(default: Any) -> str:  # any JSON value
    """A default as an operator would write it."""
    if default is None:
        return ""
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, list):
        return " ".join(default)
    if isinstance(default, tuple):
        return "".join(f"\n{item}" for item in default)
    return str(default)
