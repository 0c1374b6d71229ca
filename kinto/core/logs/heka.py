"""The JSON schema of logs that Mozilla's Heka reads.

Source: "Heka renderer" of the operations guide, section 5.3.
"""

import os
import time
from collections.abc import Mapping
from typing import Any

from kinto.core.logs.values import to_json


# Of syslog.
_SEVERITIES = {
    "critical": 0,
    "fatal": 0,
    "exception": 2,
    "error": 2,
    "warning": 4,
    "warn": 4,
    "info": 6,
    "debug": 7,
}
_SUMMARY_FIELDS = (
    "agent",
    "path",
    "method",
    "querystring",
    "lang",
    "uid",
    "authn_type",
    "errno",
    "time",
    "code",
    "t",
)
_NS_PER_MS = 10**6


class MozillaHekaRenderer:
    """Makes a JSON object of each event, with what it holds in ``Fields``, flat.

    :param settings: of the application.
    """

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._project_name = settings.get("project_name") or "kinto"
        self._hostname = os.environ.get("HOSTNAME") or os.uname().nodename

    def __call__(self, logger: Any, level_name: str, event_dict: Mapping[str, Any]) -> str:
        """One line of JSON.

        :param level_name: that of the method of a logger: ``info``, ``exception``…
        :param event_dict: ``event``, the message, and the fields.
        """
        fields = dict(event_dict)
        event = str(fields.pop("event", ""))
        if event == "request.summary":
            fields = {**dict.fromkeys(_SUMMARY_FIELDS), **fields}
            fields["querystring"] = fields["querystring"] or {}
        entry = {
            "Timestamp": time.time_ns() // _NS_PER_MS * _NS_PER_MS,
            "Type": event,
            "Logger": self._project_name,
            "Hostname": self._hostname,
            "Severity": _SEVERITIES.get(level_name.lower(), _SEVERITIES["debug"]),
            "Pid": os.getpid(),
            "EnvVersion": "2.0",
        }
        own = {key: fields.pop(key) for key in (*entry, "Fields") if key in fields}
        entry["Fields"] = {str(name): _flat(value) for name, value in fields.items()}
        return to_json({**entry, **own})


def _flat(value: Any) -> Any:  # of a record; what JSON has without nesting
    if isinstance(value, dict):
        return to_json(value)
    if isinstance(value, list | tuple):
        is_flat = all(isinstance(item, str) for item in value)
        return list(value) if is_flat else to_json(value)
    return value
