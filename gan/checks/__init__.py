"""What is refused before the first step, and in which words."""

from gan.checks.compilation import (
    check_compiled,
    check_count,
    check_metrics,
    check_optimizer,
    check_regularizers,
    check_strategy,
    check_trained,
)
from gan.checks.data import LogitCheck, check_data, check_labels, check_unweighted
from gan.checks.networks import check_networks

__all__ = [
    "LogitCheck",
    "check_compiled",
    "check_count",
    "check_data",
    "check_labels",
    "check_metrics",
    "check_networks",
    "check_optimizer",
    "check_regularizers",
    "check_strategy",
    "check_trained",
    "check_unweighted",
]
