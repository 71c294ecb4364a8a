"""Kernel distance between the features of real and generated images."""

import keras
import numpy as np

from gan.metrics.base import FeatureMetric, FeatureSample, check_count

BLOCK_ROWS = 1000


@keras.saving.register_keras_serializable(package="gan")
class KernelDistance(FeatureMetric):
    """Kernel distance between the features of real and generated images, logged as `kid`.

    The squared maximum mean discrepancy with the kernel `(x . y / size + 1)^3`. The estimate is unbiased: its
    expectation does not depend on the number of images, and it can be slightly below 0. Lower is better; about 0 means
    equal distributions. It is computed in float64 over all pairs of images, not over random subsets.

    The metric keeps the features of up to `max_samples` real and as many generated images, which takes
    `8 * max_samples * size` bytes for features of length `size`. From more images, it selects a random sample that is
    the same in every evaluation.

    Source: Binkowski et al. 2018, arXiv 1801.01401.

    Args:
        extractor: Name or `keras.Model`, as in `FeatureMetric`. Defaults to `"digits"`.
        max_samples: Int. Maximum number of real, and of generated, images to compare. Defaults to 10,000.
        name: String. Name in the logs. Defaults to `"kid"`.

    Raises:
        ValueError: `max_samples` is not a positive integer.

    Example:

    ```python
    metric = gan.metrics.KernelDistance()
    digits = gan.images.to_float(gan.datasets.read("mnist5k", split="test")[0])
    metric.update_state(digits[:100], digits[100:200])
    metric.result()
    ```
    """

    def __init__(self, extractor="digits", max_samples=10_000, name="kid"):
        super().__init__(extractor, name)
        check_count("max_samples", max_samples)
        self.max_samples = max_samples

    def make_statistic(self, size, name):
        return FeatureSample(self.max_samples, size, name)

    def prepare(self, real):
        features = real[0].astype("float64")
        return features, _mean_within(features)

    def compare(self, real, fake):
        real_features, real_mean = real
        features = fake[0].astype("float64")
        across = sum(_kernel_sum(block, real_features) for block in _blocks(features))
        return float(real_mean + _mean_within(features) - 2 * across / (len(features) * len(real_features)))

    def get_config(self):
        return {**super().get_config(), "max_samples": self.max_samples}


def _blocks(features):
    return [features[start : start + BLOCK_ROWS] for start in range(0, len(features), BLOCK_ROWS)]


def _kernel_sum(one, other):
    kernel = one @ other.T
    kernel /= one.shape[1]
    kernel += 1
    return np.einsum("ij,ij,ij->", kernel, kernel, kernel)


def _mean_within(features):
    """Returns the kernel's mean over all pairs of different images. By symmetry, half of the blocks are enough."""
    total = 0.0
    for index, block in enumerate(blocks := _blocks(features)):
        total += _kernel_sum(block, block) + 2 * sum(_kernel_sum(block, other) for other in blocks[index + 1 :])
    total -= np.sum((np.sum(features**2, axis=1) / features.shape[1] + 1) ** 3)
    return total / max(len(features) * (len(features) - 1), 1)
