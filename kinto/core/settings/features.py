"""Settings of the HTTP API itself."""

from dataclasses import dataclass

from kinto.core.settings.definitions import NotInCore, setting
from kinto.core.settings.kinds import (
    BOOL,
    DOTTED,
    LIMIT,
    OPTIONAL_BOOL,
    OPTIONAL_LIMIT,
    POSITIVE,
    SECONDS,
    TEXT,
    WORDS,
)


_INITIALIZATION_STEPS = (
    "setup_request_bound_data",
    "setup_json_serializer",
    "restrict_http_methods_if_readonly",
    "setup_csp_headers",
    "setup_logging",
    "setup_storage",
    "setup_permission",
    "setup_cache",
    "setup_requests_scheme",
    "setup_version_redirection",
    "setup_deprecation",
    "setup_authentication",
    "setup_backoff",
    "setup_sentry",
    "setup_listeners",
    "setup_metrics",
)


@dataclass(frozen=True, slots=True)
class FeatureSettings:
    """API features"""

    is_readonly: bool = setting(
        BOOL, False, name="readonly", doc="Refuse every method other than GET, HEAD and OPTIONS."
    )
    has_explicit_permissions: bool = setting(
        BOOL,
        True,
        name="explicit_permissions",
        doc="Give the creator of an object the permission to write it.",
    )
    has_schema_validation: bool = setting(
        BOOL,
        False,
        name="experimental_collection_schema_validation",
        core=NotInCore,
        doc="Validate records against the JSON schema of their collection.",
    )
    has_permissions_endpoint: bool = setting(
        BOOL,
        False,
        name="experimental_permissions_endpoint",
        core=NotInCore,
        doc="List all permissions of the user at /permissions.",
    )
    is_transactional: bool = setting(
        BOOL, True, name="transaction_per_request", doc="One database transaction per request."
    )
    annotate_user: bool = setting(
        BOOL, False, name="tm.annotate_user", doc="Must stay false (transaction manager)."
    )
    json_renderer: str = setting(TEXT, "ultrajson", doc="Pyramid renderer of responses.")
    heartbeat_timeout_seconds: float = setting(
        SECONDS, 10, doc="Longest wait for all checks of the heartbeat together."
    )
    flush_endpoint_enabled: bool | None = setting(
        OPTIONAL_BOOL,
        None,
        listed=False,
        doc="Same as including kinto.plugins.flush; false: never, even if included.",
    )


@dataclass(frozen=True, slots=True)
class PaginationSettings:
    """Pagination"""

    paginate_by: int | None = setting(
        OPTIONAL_LIMIT, None, doc="Most objects on a page, whatever the client asks for."
    )
    max_fetch_size: int = setting(
        POSITIVE,
        10000,
        name="storage_max_fetch_size",
        doc="Most objects read from the storage at once.",
    )
    token_validity_seconds: int = setting(
        POSITIVE,
        600,
        name="pagination_token_validity_seconds",
        doc="Life of the token that continues a paginated DELETE.",
    )


@dataclass(frozen=True, slots=True)
class BatchSettings:
    """Batch requests"""

    max_requests: int | None = setting(
        LIMIT,
        25,
        name="batch_max_requests",
        doc="Most requests in one batch; 0 or nothing for no limit.",
    )


@dataclass(frozen=True, slots=True)
class LimitsSettings:
    """Limits"""

    max_body_size_bytes: int | None = setting(
        LIMIT,
        80 * 1024 * 1024,
        doc="Longest request body; 0 or nothing for no limit.",
    )


@dataclass(frozen=True, slots=True)
class IdGeneratorSettings:
    """Id generators"""

    default: str = setting(
        DOTTED,
        "kinto.core.storage.generators.UUID4",
        name="id_generator",
        doc="Generator of ids, which also says which ids are valid.",
    )
    bucket: str = setting(
        DOTTED,
        "kinto.views.NameGenerator",
        name="bucket_id_generator",
        core=NotInCore,
        doc="Likewise for buckets.",
    )
    collection: str = setting(
        DOTTED,
        "kinto.views.NameGenerator",
        name="collection_id_generator",
        core=NotInCore,
        doc="Likewise for collections.",
    )
    group: str = setting(
        DOTTED,
        "kinto.views.NameGenerator",
        name="group_id_generator",
        core=NotInCore,
        doc="Likewise for groups.",
    )
    record: str = setting(
        DOTTED,
        "kinto.views.RelaxedUUID",
        name="record_id_generator",
        core=NotInCore,
        doc="Likewise for records.",
    )


@dataclass(frozen=True, slots=True)
class StartupSettings:
    """Plugins"""

    includes: tuple[str, ...] = setting(WORDS, "", doc="Plugins, in the order of loading.")
    initialization_sequence: tuple[str, ...] = setting(
        WORDS,
        (
            *(f"kinto.core.initialization.{step}" for step in _INITIALIZATION_STEPS),
            "kinto.core.events.setup_transaction_hook",
        ),
        doc="What is run at start, in order.",
    )
    event_listeners: tuple[str, ...] = setting(
        WORDS, "", doc="Names of listeners, each with settings event_listeners.<name>.*"
    )
