"""Error reports to Sentry: by today's SDK, or by the logging handler of the one before it.

Source: "Sentry" of the operations guide, section 5.5.
"""

import contextlib
import importlib.util
import sys
from collections.abc import Callable
from typing import Any

from pyramid.config import Configurator
from pyramid.exceptions import ConfigurationError

from kinto.core.logs.events import secrets_at_hand
from kinto.core.logs.rendering import iter_handlers
from kinto.core.protocol.masking import mask_json, mask_url
from kinto.core.registry import current_settings
from kinto.core.settings import MonitoringSettings
from kinto.core.settings.errors import describe_invalid


# As the SDKs have them; their types are only there with them.
Event = Any

_RAVEN_PROCESSOR = f"{__name__}.SecretsProcessor"
# They see whether a server could start, and none does.
_QUIET_COMMANDS = frozenset({"doctor"})
# For what is still to be sent when the process ends.
_STOP_SECONDS = 2


def setup_sentry(config: Configurator) -> None:
    """Report errors where the settings say so, and what the start-up is of."""
    _restrain_raven_handlers()
    settings = config.get_settings()
    monitoring = current_settings(config.registry).monitoring
    if monitoring.sentry_dsn is None or config.registry.command in _QUIET_COMMANDS:
        return
    _start_sdk(monitoring.sentry_dsn, monitoring, release=str(settings["project_version"]))
    message = f"Running {settings['project_name']} {settings['project_version']}."
    _once_threads_may_run(lambda: _tell(message))


def _start_sdk(dsn: str, settings: MonitoringSettings, *, release: str) -> None:
    try:
        import sentry_sdk
        from sentry_sdk.utils import BadDsn, Dsn
    except ImportError as error:
        raise ConfigurationError(
            "Setting 'kinto.sentry_dsn' needs the package sentry-sdk:"
            " pip install 'kinto[monitoring]'"
        ) from error
    try:
        Dsn(dsn)
    except BadDsn as error:
        raise ConfigurationError(
            describe_invalid("kinto.sentry_dsn", dsn, "url of a project of Sentry")
        ) from error
    sentry_sdk.init(
        dsn,
        environment=settings.sentry_env,
        release=release,
        integrations=_integrations(settings),
        auto_enabling_integrations=False,
        auto_session_tracking=False,
        # Nothing of a request but its address and headers, nothing of the variables of a frame.
        include_local_variables=False,
        max_request_body_size="never",
        before_send=mask_event,
        shutdown_timeout=_STOP_SECONDS,
    )


def _integrations(settings: MonitoringSettings) -> list[Any]:
    from sentry_sdk.integrations.logging import LoggingIntegration
    from sentry_sdk.integrations.pyramid import PyramidIntegration

    integrations = [
        PyramidIntegration(),
        LoggingIntegration(
            level=settings.sentry_breadcrumbs_min_level,
            event_level=settings.sentry_events_min_level,
        ),
    ]
    if importlib.util.find_spec("sqlalchemy") is not None:
        from sentry_sdk.integrations.sqlalchemy import SqlalchemyIntegration

        integrations.append(SqlalchemyIntegration())
    return integrations


def _tell(message: str) -> None:
    import sentry_sdk

    sentry_sdk.capture_message(message, "info")


def _once_threads_may_run(send: Callable[[], None]) -> None:
    """Call it now; in the process that uWSGI forks workers from, call it in the first of them.

    A thread of the master would not be in the workers, and what it has not sent would be sent
    by each of them.
    """
    # Any: the module exists inside uWSGI only.
    uwsgi: Any = sys.modules.get("uwsgi")
    if uwsgi is None or not hasattr(uwsgi, "worker_id") or uwsgi.worker_id() > 0:
        send()
        return
    earlier = getattr(uwsgi, "post_fork_hook", None)

    def send_from_first_worker() -> None:
        if earlier is not None:
            earlier()
        if uwsgi.worker_id() == 1:
            send()

    uwsgi.post_fork_hook = send_from_first_worker


def mask_event(event: Event, hint: dict[str, Any]) -> Event:
    """The event without secrets; ``None`` for an error that has been reported already.

    :param hint: of the SDK: ``exc_info`` among others.
    """
    error = (hint.get("exc_info") or (None, None, None))[1]
    if error is not None and _is_known(getattr(error, "original_error", error)):
        return None
    request = event.get("request")
    if isinstance(request, dict) and isinstance(request.get("query_string"), str):
        request["query_string"] = mask_url(f"?{request['query_string']}")[1:]
    return mask_json(event, secrets_at_hand())


def _is_known(error: BaseException) -> bool:
    """Whether an error comes for the second time: once logged, once seen by the integration."""
    if getattr(error, "is_reported", False):
        return True
    with contextlib.suppress(AttributeError):
        error.is_reported = True  # type: ignore[attr-defined]
    return False


class SecretsProcessor:
    """For clients of raven: the event without secrets.

    :param client: that sends it.
    """

    def __init__(self, client: Any) -> None:
        pass

    def process(self, data: Event, **kwargs: Any) -> Event:
        """The event as it may be sent; that of a summary, which has no message, is named."""
        data["message"] = data.get("message") or data.get("logger")
        return mask_json(data, secrets_at_hand())


def _restrain_raven_handlers() -> None:
    """Have the handlers of configuration files leave out variables and secrets."""
    for handler in iter_handlers():
        client = getattr(handler, "client", None)
        if client is None or not type(handler).__module__.startswith("raven."):
            continue
        client.capture_locals = False
        if _RAVEN_PROCESSOR not in client.processors:
            client.processors = (*client.processors, _RAVEN_PROCESSOR)
