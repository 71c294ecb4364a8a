"""Metrics that compare images by their nearest neighbors in feature space."""

import keras
import numpy as np
from keras import ops

from gan.metrics.base import FeatureMetric, FeatureSample, check_count

BLOCK_ROWS = 1000


class NeighbourMetric(FeatureMetric):
    """Base class of metrics that draw a ball around each image, up to its k-th nearest neighbor of the same kind.

    Args:
        k: Int. The ball around an image reaches to its k-th nearest other image, or to the farthest if there are
            fewer.
        extractor: Name or `keras.Model`, as in `FeatureMetric`.
        max_samples: Int. Maximum number of real, and of generated, images to compare.
        name: String. Name of the metric.
    """

    def __init__(self, k, extractor, max_samples, name):
        super().__init__(extractor, name)
        check_count("k", k)
        check_count("max_samples", max_samples)
        self.k = k
        self.max_samples = max_samples

    def make_statistic(self, size, name):
        return FeatureSample(self.max_samples, size, name)

    def prepare(self, real):
        # Centering the features reduces the rounding error of their distances.
        centre = real[0].mean(axis=0)
        features = real[0] - centre
        return features, _radii(features, self.k), centre

    def get_config(self):
        return {**super().get_config(), "k": self.k, "max_samples": self.max_samples}


@keras.saving.register_keras_serializable(package="gan")
class PrecisionRecall(NeighbourMetric):
    """Fraction of generated images that look real, `precision`, and of real images that are covered, `recall`.

    `precision` is the fraction of generated images whose features lie in the ball around a real image. `recall` is the
    fraction of real images whose features lie in the ball around a generated image. Both are in [0, 1]; higher is
    better. A ball reaches to the k-th nearest neighbor among images of the same kind.

    The metric keeps the features of up to `max_samples` real and as many generated images, which takes
    `8 * max_samples * size` bytes for features of length `size`. From more images, it selects a random sample that is
    the same in every evaluation.

    Source: Kynkaanniemi et al. 2019, arXiv 1904.06991.

    Args:
        k: Int. The ball around an image reaches to its k-th nearest neighbor. Defaults to 3.
        extractor: Name or `keras.Model`, as in `FeatureMetric`. Defaults to `"digits"`.
        max_samples: Int. Maximum number of real, and of generated, images to compare. Defaults to 10,000.
        name: String. Name of the metric. Its results are logged as `precision` and `recall`. Defaults to
            `"precision_recall"`.

    Raises:
        ValueError: `k` or `max_samples` is not a positive integer.

    Example:

    ```python
    metric = gan.metrics.PrecisionRecall()
    digits = gan.images.to_float(gan.datasets.read("mnist5k", split="test")[0])
    metric.update_state(digits[:100], digits[100:200])
    metric.result()["recall"]
    ```
    """

    figures = ("precision", "recall")

    def __init__(self, k=3, extractor="digits", max_samples=10_000, name="precision_recall"):
        super().__init__(k, extractor, max_samples, name)

    def compare(self, real, fake):
        real_features, real_radii, centre = real
        features = fake[0] - centre
        radii = _radii(features, self.k)
        looks_real = []
        is_reached = np.zeros(len(real_features), bool)
        for rows, distances in _blocks_of_distances(features, real_features):
            looks_real.append((distances <= real_radii).any(axis=1))
            is_reached |= (distances <= radii[rows, None]).any(axis=0)
        return {"precision": float(np.concatenate(looks_real).mean()), "recall": float(is_reached.mean())}


@keras.saving.register_keras_serializable(package="gan")
class DensityCoverage(NeighbourMetric):
    """Density of generated images around real ones, `density`, and fraction of real images covered, `coverage`.

    Each real image has a ball that reaches to its k-th nearest real neighbor. `density` is the mean number of balls
    that contain a generated image, divided by k; it is at least 0 and can exceed 1. `coverage` is the fraction of real
    images whose ball contains a generated image; it is in [0, 1]. Higher is better. Both are more robust to outliers
    than `PrecisionRecall`.

    The metric keeps the features of up to `max_samples` real and as many generated images, which takes
    `8 * max_samples * size` bytes for features of length `size`. From more images, it selects a random sample that is
    the same in every evaluation.

    Source: Naeem et al. 2020, arXiv 2002.09797.

    Args:
        k: Int. The ball around a real image reaches to its k-th nearest real neighbor. Defaults to 5.
        extractor: Name or `keras.Model`, as in `FeatureMetric`. Defaults to `"digits"`.
        max_samples: Int. Maximum number of real, and of generated, images to compare. Defaults to 10,000.
        name: String. Name of the metric. Its results are logged as `density` and `coverage`. Defaults to
            `"density_coverage"`.

    Raises:
        ValueError: `k` or `max_samples` is not a positive integer.

    Example:

    ```python
    metric = gan.metrics.DensityCoverage()
    digits = gan.images.to_float(gan.datasets.read("mnist5k", split="test")[0])
    metric.update_state(digits[:100], digits[100:200])
    metric.result()["coverage"]
    ```
    """

    figures = ("density", "coverage")

    def __init__(self, k=5, extractor="digits", max_samples=10_000, name="density_coverage"):
        super().__init__(k, extractor, max_samples, name)

    def compare(self, real, fake):
        real_features, real_radii, centre = real
        features = fake[0] - centre
        inside = 0
        is_covered = np.zeros(len(real_features), bool)
        for _, distances in _blocks_of_distances(features, real_features):
            is_inside = distances <= real_radii
            inside += is_inside.sum()
            is_covered |= is_inside.any(axis=0)
        return {"density": float(inside / (self.k * len(features))), "coverage": float(is_covered.mean())}


def _blocks_of_distances(features, others):
    """Yields blocks of rows of `features` as slices, with their squared distances to all `others`."""
    columns = ops.convert_to_tensor(others.T)
    column_squares = ops.sum(columns**2, axis=0)
    for start in range(0, len(features), BLOCK_ROWS):
        rows = slice(start, start + BLOCK_ROWS)
        block = ops.convert_to_tensor(features[rows])
        squares = ops.sum(block**2, axis=1, keepdims=True) + column_squares
        distances = squares - 2 * ops.matmul(block, columns)
        # Rounding leaves a small distance between equal vectors: set it to 0.
        yield rows, ops.convert_to_numpy(ops.where(distances > 1e-6 * squares, distances, 0.0))


def _radii(features, k):
    """Returns the squared distance of each vector to its k-th nearest other."""
    # No distance exceeds twice the largest norm, so no squared distance exceeds 4 times its square.
    if np.sum(features.astype("float64") ** 2, axis=1).max() > np.finfo("float32").max / 4:
        raise FloatingPointError("features are too large: their squared distances overflow float32.")
    neighbours = min(k + 1, len(features))  # Each vector is its own nearest neighbor.
    return np.concatenate(
        [
            -ops.convert_to_numpy(ops.top_k(-distances, neighbours)[0])[:, -1]
            for _, distances in _blocks_of_distances(features, features)
        ]
    )
