"""Every name that plugins import resolves at its published path."""

import importlib
import inspect
import warnings
from enum import Enum
from typing import Any

import pytest
from pyramid import config, registry, request
from zope.interface import Interface

import kinto
import kinto.core
from kinto.core import testing, types, utils
from kinto.core.errors import ERRORS
from kinto.core.utils import COMPARISON


PATHS = """
kinto: __version__ HTTP_API_VERSION DEFAULT_SETTINGS logger main
kinto.__main__: main
kinto.authorization: RouteFactory AuthorizationPolicy
kinto.events: ServerFlushed
kinto.schema_validation: validate_schema JSONSchemaMapping
kinto.views: NameGenerator RelaxedUUID object_exists_or_404 raise_404_if_invalid_id
kinto.views.buckets: Bucket
kinto.views.collections: Collection
kinto.views.groups: Group
kinto.views.records: Record
kinto.core: Service DEFAULT_SETTINGS initialize load_default_settings includeme JsonLogFormatter
kinto.core: StreamHandlerWithRequestID logger get_user_info install_middlewares
kinto.core: errors events metrics resource testing utils initialization
kinto.core.authentication: BasicAuthAuthenticationPolicy includeme
kinto.core.authorization: PRIVATE DYNAMIC groupfinder AuthorizationPolicy RouteFactory
kinto.core.cache: CacheBase CacheMetricsBackend heartbeat
kinto.core.cache.testing: CacheTest
kinto.core.cornice: Service
kinto.core.cornice.errors: Errors
kinto.core.cornice.service: SERVICES get_services
kinto.core.cornice.validators: colander_validator colander_body_validator colander_path_validator
kinto.core.cornice.validators: colander_querystring_validator colander_headers_validator
kinto.core.decorators: cache_forever synchronized deprecate_kwargs
kinto.core.errors: ERRORS http_error raise_invalid json_error_handler send_alert request_GET
kinto.core.events: ACTIONS ResourceRead ResourceChanged AfterResourceRead AfterResourceChanged
kinto.core.events: setup_transaction_hook notify_resource_event get_resource_events
kinto.core.initialization: setup_request_bound_data setup_json_serializer setup_csp_headers
kinto.core.initialization: restrict_http_methods_if_readonly setup_logging setup_storage
kinto.core.initialization: setup_permission setup_cache setup_requests_scheme setup_deprecation
kinto.core.initialization: setup_version_redirection setup_authentication setup_backoff
kinto.core.initialization: setup_sentry setup_listeners setup_metrics
kinto.core.listeners: ListenerBase
kinto.core.metrics: IMetricsService NoOpMetricsService watch_execution_time listener_with_timer
kinto.core.statsd: load_from_config
kinto.plugins.statsd: StatsDService load_from_config includeme statsd_module
kinto.plugins.prometheus: PrometheusService reset_registry includeme prometheus_module
kinto.core.migrations: IMigratable
kinto.core.openapi: OpenAPI
kinto.core.permission: PermissionBase heartbeat
kinto.core.permission.testing: PermissionTest
kinto.core.resource: Resource ResourceSchema Model ViewSet register register_resource schema
kinto.core.resource: ShareableModel ShareableResource ShareableViewSet viewset model
kinto.core.resource.schema: ResourceSchema TimeStamp URL
kinto.core.resource.viewset: ViewSet
kinto.core.resource.model: Model
kinto.core.schema: TimeStamp URL Any HeaderField QueryField FieldList HeaderQuotedInteger
kinto.core.storage: StorageBase MISSING Missing Filter Sort heartbeat logger exceptions generators
kinto.core.storage: DEFAULT_ID_FIELD DEFAULT_MODIFIED_FIELD DEFAULT_DELETED_FIELD KintoObject
kinto.core.storage.exceptions: BackendError ReadonlyError IntegrityError UnicityError
kinto.core.storage.exceptions: RecordNotFoundError ObjectNotFoundError
kinto.core.storage.generators: Generator UUID4
kinto.core.storage.memory: MemoryBasedStorage Storage extract_object_set
kinto.core.storage.postgresql: PostgreSQLPluginMigration create_from_config
kinto.core.storage.postgresql.client: PostgreSQLClient create_from_config sqlalchemy warnings
kinto.core.storage.postgresql.migrator: MigratorMixin PostgreSQLPluginMigration
kinto.core.storage.postgresql.pool: QueuePoolWithMaxBacklog
kinto.core.storage.testing: StorageTest BaseTestStorage TimestampsTest DeletedObjectsTest
kinto.core.storage.testing: ParentObjectAccessTest SerializationTest TrimObjectsTest
kinto.core.storage.testing: DeprecatedCoreNotionsTest ThreadMixin
kinto.core.testing: DEFAULT_SETTINGS DummyRequest BaseWebTest FormattedErrorMixin ThreadMixin
kinto.core.testing: get_user_headers get_request_class skip_if_ci skip_if_no_postgresql unittest
kinto.core.testing: skip_if_no_memcached skip_if_no_redis skip_if_no_statsd skip_if_no_prometheus
kinto.core.types: Registry Request Configurator
kinto.core.utils: json msec_time classname merge_dicts recursive_update_dict dict_subset dict_merge
kinto.core.utils: find_nested_value random_bytes_hex native_value read_env encode64 decode64
kinto.core.utils: hmac_digest strip_whitespace strip_uri_prefix instance_uri view_lookup
kinto.core.utils: view_lookup_registry build_request build_response follow_subrequest
kinto.core.utils: apply_json_patch current_service current_resource_name prefixed_userid
kinto.core.utils: prefixed_principals reapply_cors log_context safe_wraps sqlalchemy memcache redis
kinto.core.utils: COMPARISON
kinto.core.views.batch: batch
kinto.core.views.errors: page_not_found
kinto.core.views.heartbeat: heartbeat
kinto.core.views.hello: hello
kinto.core.views.openapi: openapi_view
kinto.core.views.version: version_view
"""


def _paths() -> list[tuple[str, str]]:
    lines = (line.split(": ") for line in PATHS.strip().splitlines())
    return [(module, name) for module, names in lines for name in names.split()]


@pytest.mark.parametrize(("module", "name"), _paths())
def test_a_published_name_resolves(module: str, name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if not hasattr(importlib.import_module(module), name):
            importlib.import_module(f"{module}.{name}")


def test_the_api_version() -> None:
    assert kinto.HTTP_API_VERSION == "1.23"
    assert kinto.logger.name == "kinto"
    assert kinto.core.logger.name == "kinto.core"


def test_default_settings_are_what_plugins_copy() -> None:
    merged = {**kinto.core.DEFAULT_SETTINGS, **kinto.DEFAULT_SETTINGS}
    for name in ("includes", "multiauth.policies", "event_listeners", "cache_hosts"):
        assert isinstance(merged[name], str), name
    assert isinstance(merged["cors_origins"], str)
    assert isinstance(merged["metrics_matchdict_fields"], list)
    assert merged["retry_after_seconds"] == 3
    assert merged["storage_backend"] == "kinto.core.storage.memory"
    core = kinto.core.DEFAULT_SETTINGS
    assert not core.get("storage_backend")
    assert core["project_name"] == core["project_docs"] == ""
    assert core["retry_after_seconds"] == 30
    policy = "kinto.core.authorization.AuthorizationPolicy"
    assert core["multiauth.authorization_policy"] == policy
    policy = "kinto.authorization.AuthorizationPolicy"
    assert kinto.DEFAULT_SETTINGS["multiauth.authorization_policy"] == policy


def test_numbers_of_errors() -> None:
    numbers = {error.name: error.value for error in ERRORS}
    assert numbers == {
        "MISSING_AUTH_TOKEN": 104,
        "INVALID_AUTH_TOKEN": 105,
        "BADJSON": 106,
        "INVALID_PARAMETERS": 107,
        "MISSING_PARAMETERS": 108,
        "INVALID_POSTED_DATA": 109,
        "INVALID_RESOURCE_ID": 110,
        "MISSING_RESOURCE": 111,
        "MISSING_CONTENT_LENGTH": 112,
        "REQUEST_TOO_LARGE": 113,
        "MODIFIED_MEANWHILE": 114,
        "METHOD_NOT_ALLOWED": 115,
        "VERSION_NOT_AVAILABLE": 116,
        "CLIENT_REACHED_CAPACITY": 117,
        "FORBIDDEN": 121,
        "CONSTRAINT_VIOLATED": 122,
        "BACKEND": 201,
        "SERVICE_DEPRECATED": 202,
        "UNDEFINED": 999,
    }


def test_comparisons_in_the_order_of_their_declaration() -> None:
    assert issubclass(COMPARISON, Enum)
    assert [(c.name, c.value) for c in COMPARISON] == [
        ("LT", "<"),
        ("MIN", ">="),
        ("MAX", "<="),
        ("NOT", "!="),
        ("EQ", "=="),
        ("GT", ">"),
        ("IN", "in"),
        ("EXCLUDE", "exclude"),
        ("LIKE", "like"),
        ("HAS", "has"),
        ("CONTAINS_ANY", "contains_any"),
        ("CONTAINS", "contains"),
    ]


def test_typing_helpers_are_sub_classes_of_those_of_pyramid() -> None:
    assert issubclass(types.Registry, registry.Registry)
    assert issubclass(types.Request, request.Request)
    assert issubclass(types.Configurator, config.Configurator)


def test_constants() -> None:
    authorization = importlib.import_module("kinto.core.authorization")
    assert (authorization.PRIVATE, authorization.DYNAMIC) == ("private", "dynamic")
    assert testing.DEFAULT_SETTINGS is kinto.core.DEFAULT_SETTINGS
    assert issubclass(importlib.import_module("kinto.core.migrations").IMigratable, Interface)


@pytest.mark.parametrize(
    ("dotted", "arguments"),
    [
        ("kinto.main", ["global_config", "config", "settings"]),
        (
            "kinto.core.initialize",
            ["config", "version", "settings_prefix", "default_settings"],
        ),
        ("kinto.core.load_default_settings", ["config", "default_settings"]),
        ("kinto.core.utils.instance_uri", ["request", "resource_name", "params"]),
        (
            "kinto.core.errors.http_error",
            ["httpexception", "errno", "code", "error", "message", "info", "details"],
        ),
        (
            "kinto.core.errors.raise_invalid",
            ["request", "location", "name", "description", "kwargs"],
        ),
        ("kinto.core.errors.send_alert", ["request", "message", "url", "code"]),
    ],
)
def test_arguments_keep_their_order(dotted: str, arguments: list[str]) -> None:
    module, _, name = dotted.rpartition(".")
    function: Any = getattr(importlib.import_module(module), name)
    assert list(inspect.signature(function).parameters) == arguments


def test_optional_modules_are_there_or_none() -> None:
    for module in (utils.sqlalchemy, utils.memcache, utils.redis):
        assert module is None or inspect.ismodule(module)
