"""All checks, by what they look at, in the order of the table."""

from kinto.cli.doctor import (
    caches,
    configuration,
    contents,
    deployment,
    disk,
    loading,
    monitoring,
    pools,
    security,
    server,
    tables,
)


# Those of the file alone; nothing is asked of anybody.
SETTINGS_CHECKS = (
    *configuration.CHECKS,
    *loading.CHECKS,
    *security.CHECKS,
    *deployment.CHECKS,
)
# Once for each database.
DATABASE_CHECKS = (*server.CHECKS, *tables.CHECKS, *contents.CHECKS, *pools.CHECKS)
# Once for each folder of an embedded PostgreSQL.
DISK_CHECKS = disk.CHECKS
# Once for each cache server.
CACHE_CHECKS = caches.CHECKS
MONITORING_CHECKS = monitoring.CHECKS

ALL_CHECKS = (
    *SETTINGS_CHECKS,
    *DATABASE_CHECKS,
    *DISK_CHECKS,
    *CACHE_CHECKS,
    *MONITORING_CHECKS,
)
