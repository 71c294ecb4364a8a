"""What is refused before the first step, and in which words."""

from gan.checks.compilation import (
    check_averaging,
    check_compiled,
    check_count,
    check_metrics,
    check_optimizer,
    check_regularizers,
    check_trained,
)
from gan.checks.data import LogitCheck, check_data, check_labels, check_unweighted
from gan.checks.devices import check_batches, check_devices, check_replicas
from gan.checks.networks import check_networks

__all__ = [
    "LogitCheck",
    "check_averaging",
    "check_batches",
    "check_compiled",
    "check_count",
    "check_data",
    "check_devices",
    "check_labels",
    "check_metrics",
    "check_networks",
    "check_optimizer",
    "check_regularizers",
    "check_replicas",
    "check_trained",
    "check_unweighted",
]
