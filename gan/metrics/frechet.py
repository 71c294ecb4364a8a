"""Frechet distance."""

import keras
import numpy as np
from keras import ops

from gan.metrics.base import FeatureMetric


@keras.saving.register_keras_serializable(package="gan")
class FrechetDistance(FeatureMetric):
    """Frechet distance of generated from real images, `fid`: 0 where mean and covariance of their features agree.

    `|m_r - m_g|^2 + tr(C_r + C_g - 2 (C_r C_g)^(1/2))` (Heusel et al. 2017, arXiv 1706.08500), of all images, in
    float64. Smaller is better; figures of different extractors, or of different numbers of images, do not compare.
    Of fewer images than features it can still be had, but is dominated by what the covariances lack.

    Args:
        extractor: As in `FeatureMetric`.
        name: Default `"fid"`.

    Example:

    ```python
    model.compile("adam", "adam", metrics=[gan.metrics.FrechetDistance()])
    model.evaluate(gan.datasets.load("mnist5k", split="test"), return_dict=True)["fid"]
    ```
    """

    def __init__(self, extractor="digits", name="fid"):
        super().__init__(extractor, name)

    def make_statistic(self, size, name):
        return Moments(size, name)

    def prepare(self, real):
        mean, covariance = real
        return mean, _square_root(covariance), np.trace(covariance)

    def compare(self, real, fake):
        real_mean, real_root, real_trace = real
        mean, covariance = fake
        # The trace of (C_r C_g)^(1/2) is the sum of the singular values of C_r^(1/2) C_g^(1/2): always real.
        overlap = np.linalg.norm(real_root @ _square_root(covariance), "nuc")
        distance = np.sum((real_mean - mean) ** 2) + real_trace + np.trace(covariance) - 2 * overlap
        return max(float(distance), 0.0)


def _square_root(covariance):
    values, vectors = np.linalg.eigh(covariance)
    return vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T


class Moments(keras.metrics.Metric):
    """Mean and covariance of all vectors that it has seen, in float64.

    Args:
        size: Int, length of a vector.
        name: String.
    """

    def __init__(self, size, name=None):
        super().__init__(name=name)
        self.count = self.add_variable((), "zeros", dtype="int64", name="count")
        self.sum = self.add_variable((size,), "zeros", dtype="float64", name="sum")
        self.products = self.add_variable((size, size), "zeros", dtype="float64", name="products")

    def update_state(self, vectors):
        self.count.assign_add(ops.cast(ops.shape(vectors)[0], "int64"))
        vectors = ops.cast(vectors, "float64")
        self.sum.assign_add(ops.sum(vectors, axis=0))
        self.products.assign_add(ops.matmul(ops.transpose(vectors), vectors))

    def result(self):
        """Mean `(size,)` and unbiased covariance `(size, size)`, NumPy arrays; the covariance of one vector is 0."""
        count = int(self.count)
        mean = ops.convert_to_numpy(self.sum) / count
        with np.errstate(invalid="ignore"):  # infinite features are refused by their mean
            scatter = ops.convert_to_numpy(self.products) - count * np.outer(mean, mean)
        return mean, scatter / max(count - 1, 1)
