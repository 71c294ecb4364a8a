"""Frechet distance between the features of real and generated images."""

import keras
import numpy as np
from keras import ops

from gan.metrics.base import PRECISE, FeatureMetric, Statistic, to_numpy


@keras.saving.register_keras_serializable(package="gan")
class FrechetDistance(FeatureMetric):
    """Frechet distance between the features of real and generated images, logged as `fid`.

    `fid = |m_r - m_g|^2 + tr(C_r + C_g - 2 (C_r C_g)^(1/2))`, where `m` and `C` are the mean and the covariance of the
    features. It is computed over all images, in float64. Lower is better; 0 means equal means and covariances.

    Compare values only if they come from the same extractor and the same number of images. Use more images than the
    extractor has features: with fewer, the covariances are singular and the value is too large.

    Source: Heusel et al. 2017, arXiv 1706.08500.

    Args:
        extractor: Name or `keras.Model`, as in `FeatureMetric`. Defaults to `"digits"`.
        name: String. Name in the logs. Defaults to `"fid"`.

    Example:

    ```python
    model = gan.GAN(gan.build_generator(widths=(64,)), gan.build_discriminator(widths=(64,)))
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
        # The trace of (C_r C_g)^(1/2) equals the sum of the singular values of C_r^(1/2) C_g^(1/2), which is real.
        overlap = np.linalg.norm(real_root @ _square_root(covariance), "nuc")
        distance = np.sum((real_mean - mean) ** 2) + real_trace + np.trace(covariance) - 2 * overlap
        return max(float(distance), 0.0)


def _square_root(covariance):
    values, vectors = np.linalg.eigh(covariance)
    return vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T


class Moments(Statistic):
    """Running mean and covariance of vectors, in float64 where the backend has it.

    What is summed are differences from the mean of the first batch, which keeps float32 precise enough on JAX.

    Args:
        size: Int. Length of a vector.
        name: String. Name of the metric.
    """

    def __init__(self, size, name=None):
        super().__init__(name=name)
        self.count = self.add_variable((), "zeros", dtype="int32", name="count")
        self.origin = self.add_variable((size,), "zeros", dtype=PRECISE, name="origin")
        self.sum = self.add_variable((size,), "zeros", dtype=PRECISE, name="sum")
        self.products = self.add_variable((size, size), "zeros", dtype=PRECISE, name="products")

    def update_state(self, vectors):
        vectors = ops.cast(vectors, PRECISE)
        count = ops.shape(vectors)[0]
        # No `ops.mean` and no `ops.matmul`, which compute in float32 on PyTorch.
        mean = ops.sum(vectors, axis=0) / ops.cast(count, PRECISE)
        self.origin.assign(ops.where(self.count == 0, mean, ops.convert_to_tensor(self.origin)))
        self.count.assign_add(ops.cast(count, "int32"))
        vectors = vectors - self.origin
        self.sum.assign_add(ops.sum(vectors, axis=0))
        self.products.assign_add(ops.transpose(vectors) @ vectors)

    def result(self):
        """Returns the mean `(size,)` and the unbiased covariance `(size, size)`, which is 0 for a single vector."""
        count = to_numpy(self.count)
        mean = to_numpy(self.sum).astype("float64") / count
        with np.errstate(invalid="ignore"):  # Infinite features are refused because their mean is infinite.
            scatter = to_numpy(self.products) - count * np.outer(mean, mean)
        return to_numpy(self.origin) + mean, scatter / max(count - 1, 1)
