"""Measurements that plugins may collect.

Without a metrics plugin nothing is recorded, and nobody has to test for that.
"""

from kinto.core.metrics.combined import CombinedMetricsService
from kinto.core.metrics.labels import BoundedLabels
from kinto.core.metrics.service import (
    IMetricsService,
    Label,
    Labels,
    NoOpMetricsService,
    NoOpTimer,
)
from kinto.core.metrics.timers import (
    Timer,
    listener_with_timer,
    mark_as_timer,
    watch_execution_time,
)


__all__ = [
    "BoundedLabels",
    "CombinedMetricsService",
    "IMetricsService",
    "Label",
    "Labels",
    "NoOpMetricsService",
    "NoOpTimer",
    "Timer",
    "listener_with_timer",
    "mark_as_timer",
    "watch_execution_time",
]
