"""What is refused before the first step, and in which words."""

from gan.checks.compilation import (
    check_adapted,
    check_augmentation,
    check_averaging,
    check_compiled,
    check_count,
    check_metrics,
    check_optimizer,
    check_regularizers,
    check_trained,
)
from gan.checks.data import (
    LogitCheck,
    check_data,
    check_labels,
    check_latents,
    check_truncation,
    check_unweighted,
    first_images,
)
from gan.checks.devices import check_batches, check_devices, check_replicas, check_same_everywhere
from gan.checks.networks import check_networks

__all__ = [
    "LogitCheck",
    "check_adapted",
    "check_augmentation",
    "check_averaging",
    "check_batches",
    "check_compiled",
    "check_count",
    "check_data",
    "check_devices",
    "check_labels",
    "check_latents",
    "check_metrics",
    "check_networks",
    "check_optimizer",
    "check_regularizers",
    "check_replicas",
    "check_same_everywhere",
    "check_trained",
    "check_truncation",
    "check_unweighted",
    "first_images",
]
