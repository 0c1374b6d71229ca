"""Logs for people, as Kinto 3 wrote them.

Source: "Classic renderer" of the operations guide, section 5.4.
"""

from collections.abc import Mapping
from typing import Any

from colorama import Fore, Style


_UNKNOWN = "?"


class ClassicLogRenderer:
    """Makes a coloured line of each event; a traceback comes below it.

    :param settings: of the application.
    """

    def __init__(self, settings: Mapping[str, Any]) -> None:
        pass

    def __call__(self, logger: Any, level_name: str, event_dict: Mapping[str, Any]) -> str:
        """The text of an event.

        :param event_dict: ``event``, the message, and the fields.
        """
        fields = dict(event_dict)
        event = str(fields.pop("event", ""))
        traceback = fields.pop("exception", None)
        if "path" in fields:
            line = f"{Style.BRIGHT}{take_request(fields)}{Style.RESET_ALL}"
            line += f"{Fore.YELLOW} {take_outcome(fields)}{Style.RESET_ALL} {event}"
        else:
            line = f"{Style.BRIGHT}{event}{Style.RESET_ALL}"
        pairs = [
            f"{Fore.CYAN}{name}{Style.RESET_ALL}={Fore.MAGENTA}{fields[name]}{Style.RESET_ALL}"
            for name in sorted(fields)
        ]
        line = " ".join([line, *pairs])
        return f"{line}\n{traceback}" if traceback else line


def take_request(fields: dict[str, Any]) -> str:
    """``"GET   /v1/articles?_sort=title"``; takes what it says out of the fields."""
    method, path = fields.pop("method", _UNKNOWN), fields.pop("path", _UNKNOWN)
    query = fields.pop("querystring", None) or {}
    text = "&".join(f"{name}={value}" for name, value in query.items())
    return f'"{method: <5} {path}{"?" if text else ""}{text}"'


def take_outcome(fields: dict[str, Any]) -> str:
    """``200 (3 ms)``; takes it out of the fields."""
    return f"{fields.pop('code', _UNKNOWN)} ({fields.pop('t', _UNKNOWN)} ms)"
