"""Metrics over balls that reach from each image to its k-th nearest neighbour."""

import keras
import numpy as np
from keras import ops

from gan.metrics.base import FeatureMetric, FeatureSample, check_count

BLOCK_ROWS = 1000


class NeighbourMetric(FeatureMetric):
    """Keeps the features of both sides, and a ball around each real image.

    Args:
        k: Int, a ball reaches to the k-th nearest other image of the same side; among fewer, to the farthest.
        extractor: As in `FeatureMetric`.
        max_samples: Int, images of each side that are compared at most.
        name: String.
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
        # Distances between centred features lose less to rounding.
        centre = real[0].mean(axis=0)
        features = real[0] - centre
        return features, _radii(features, self.k), centre

    def get_config(self):
        return {**super().get_config(), "k": self.k, "max_samples": self.max_samples}


@keras.saving.register_keras_serializable(package="gan")
class PrecisionRecall(NeighbourMetric):
    """The share of generated images that look real, `precision`, and of real ones that are reached, `recall`.

    An image counts where its features lie in the ball around one of the other side (Kynkaanniemi et al. 2019,
    arXiv 1904.06991).

    It needs all features at once: it keeps `max_samples` of each side at most, drawn at random but always the same,
    and `8 * max_samples * size` bytes for them.

    Args:
        k: Int, a ball reaches to the k-th nearest image of its own side. Default 3.
        extractor: As in `FeatureMetric`.
        max_samples: Int, images of each side that are compared at most. Default 10,000.
        name: Default `"precision_recall"`; the figures are `precision` and `recall`, in [0, 1].

    Example:

    ```python
    model.compile("adam", "adam", metrics=[gan.metrics.PrecisionRecall()])
    model.evaluate(gan.datasets.load("mnist5k", split="test"), return_dict=True)["recall"]
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
    """How densely generated images lie among real ones, `density`, and the share that they cover, `coverage`.

    Density is the mean number of real images' balls that a generated image lies in, over k; it can exceed 1. Coverage
    is the share of real images with a generated one in their ball. Both stand outliers better than `PrecisionRecall`
    (Naeem et al. 2020, arXiv 2002.09797).

    It needs all features at once: it keeps `max_samples` of each side at most, drawn at random but always the same,
    and `8 * max_samples * size` bytes for them.

    Args:
        k: Int, a ball reaches to the k-th nearest real image. Default 5.
        extractor: As in `FeatureMetric`.
        max_samples: Int, images of each side that are compared at most. Default 10,000.
        name: Default `"density_coverage"`; the figures are `density` and `coverage`.

    Example:

    ```python
    model.compile("adam", "adam", metrics=[gan.metrics.DensityCoverage()])
    model.evaluate(gan.datasets.load("mnist5k", split="test"), return_dict=True)["coverage"]
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
    """Squared distances of the features from the others, block by block: the rows, and the distances of these."""
    columns = ops.convert_to_tensor(others.T)
    column_squares = ops.sum(columns**2, axis=0)
    for start in range(0, len(features), BLOCK_ROWS):
        rows = slice(start, start + BLOCK_ROWS)
        block = ops.convert_to_tensor(features[rows])
        squares = ops.sum(block**2, axis=1, keepdims=True) + column_squares
        distances = squares - 2 * ops.matmul(block, columns)
        # What rounding leaves of the distance between equals.
        yield rows, ops.convert_to_numpy(ops.where(distances > 1e-6 * squares, distances, 0.0))


def _radii(features, k):
    """Squared distance from each to its k-th nearest other."""
    # Half of the largest distance there may be, squared.
    if np.sum(features.astype("float64") ** 2, axis=1).max() > np.finfo("float32").max / 4:
        raise FloatingPointError("features are too large for their distances to be compared in float32.")
    neighbours = min(k + 1, len(features))  # itself is one of them
    return np.concatenate(
        [
            -ops.convert_to_numpy(ops.top_k(-distances, neighbours)[0])[:, -1]
            for _, distances in _blocks_of_distances(features, features)
        ]
    )
