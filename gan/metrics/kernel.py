"""Kernel distance."""

import keras
import numpy as np

from gan.metrics.base import FeatureMetric, FeatureSample, check_count

BLOCK_ROWS = 1000


@keras.saving.register_keras_serializable(package="gan")
class KernelDistance(FeatureMetric):
    """Kernel distance of generated from real images, `kid`: about 0 where their features are distributed alike.

    The squared maximum mean discrepancy under the kernel `(x . y / size + 1)^3`, without bias, so that it does not
    depend on the number of images and can fall below 0 (Binkowski et al. 2018, arXiv 1801.01401). Over all pairs of
    images, in float64, and not over subsets of them.

    It needs all features at once: it keeps `max_samples` of each side at most, drawn at random but always the same,
    and `8 * max_samples * size` bytes for them.

    Args:
        extractor: As in `FeatureMetric`.
        max_samples: Int, images of each side that are compared at most. Default 10,000.
        name: Default `"kid"`.

    Example:

    ```python
    model.compile("adam", "adam", metrics=[gan.metrics.KernelDistance()])
    model.evaluate(gan.datasets.load("mnist5k", split="test"), return_dict=True)["kid"]
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
    """The kernel's mean over all pairs of different images; the kernel is symmetric, so half of the blocks do."""
    total = 0.0
    for index, block in enumerate(blocks := _blocks(features)):
        total += _kernel_sum(block, block) + 2 * sum(_kernel_sum(block, other) for other in blocks[index + 1 :])
    total -= np.sum((np.sum(features**2, axis=1) / features.shape[1] + 1) ** 3)
    return total / max(len(features) * (len(features) - 1), 1)
