"""Clusters of images, which stand in for labels where there are none."""

import math

import keras
import numpy as np
from keras import ops

LONGEST_SIDE = 16  # of the images that are compared
MOST_IMAGES = 20_000
LEAST_IMAGES = 10  # of a cluster, on average
ROUNDS = 25


@keras.saving.register_keras_serializable(package="gan")
class Clusters(keras.layers.Layer):
    """Finds the cluster of an image: the nearest of several centers, which k-means has found.

    The images are compared by their pixels, shrunk to at most 16x16. `adapt` finds the centers, as in Keras's
    preprocessing layers; with fewer than 10 images for each, it finds fewer centers.

    Sources: Sage et al. 2018 (arXiv 1712.04407) and Liu et al. 2020 (arXiv 2006.10728), who condition a GAN on
    clusters.

    Args:
        count: Int. Number of clusters.
        **kwargs: Further arguments of `keras.layers.Layer`, such as `name`.

    Example:

    >>> clusters = gan.layers.Clusters(2)
    >>> images = np.repeat([[[[-1.0]]], [[[1.0]]]], 20, axis=0)
    >>> clusters.adapt(images)
    >>> np.bincount(clusters(images)).tolist()
    [20, 20]
    """

    def __init__(self, count, **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs})
        self.count = count
        self.trainable = False

    def build(self, input_shape):
        height, width, channels = input_shape[1:]
        self.factor = math.ceil(max(height, width) / LONGEST_SIDE)
        size = (height // self.factor) * (width // self.factor) * channels
        self.centers = self.add_weight(shape=(self.count, size), initializer="zeros", trainable=False, name="centers")
        # The share of the images in each cluster. Without a share, a cluster does not exist.
        self.shares = self.add_weight(shape=(self.count,), initializer="zeros", trainable=False, name="shares")

    @property
    def is_adapted(self):
        """Whether the centers are known."""
        return bool(ops.convert_to_numpy(self.shares).any())

    def adapt(self, images, seed=0):
        """Finds the centers.

        Args:
            images: Float array `(count, height, width, channels)` in [-1, 1]. Of more than 20,000 images, a random
                20,000 are used.
            seed: Int. Seed of the first centers. Defaults to 0.
        """
        if not self.built:
            self.build(np.shape(images))
        rng = np.random.default_rng(seed)
        rows = rng.permutation(len(images))[:MOST_IMAGES]
        parts = np.array_split(rows, -(-len(rows) // 1000))  # shrunk part by part, to save memory
        points = np.concatenate([self._shrink(images[part]) for part in parts])
        centers, members = find_centers(points, min(self.count, max(1, len(points) // LEAST_IMAGES)), rng)
        missing = self.count - len(centers)
        self.centers.assign(np.pad(centers, [(0, missing), (0, 0)]))
        self.shares.assign(np.bincount(members, minlength=self.count) / len(points))

    def call(self, images):
        centers, shares = ops.convert_to_tensor(self.centers), ops.convert_to_tensor(self.shares)
        distances = ops.sum(centers**2, axis=1) - 2 * self._points(images) @ ops.transpose(centers)
        return ops.cast(ops.argmin(ops.where(shares > 0, distances, np.inf), axis=1), "int32")

    def split(self, latents):
        """Splits latents into the number of a cluster and what is left, which is as random as before.

        The first number of a standard normal latent vector chooses the cluster: it lies in one of as many intervals,
        whose probabilities are the clusters' shares. Its position in the interval becomes the new first number.

        Args:
            latents: Float tensor `(batch, latent_dim)`, standard normal.

        Returns:
            A pair of ints `(batch,)` and of latents `(batch, latent_dim)`, which are independent and standard normal.
        """
        shares = ops.convert_to_tensor(self.shares)
        ends = ops.cumsum(shares) / ops.sum(shares)
        quantile = _inside((1 + ops.erf(latents[:, 0] / math.sqrt(2))) / 2)
        cluster = ops.sum(ops.cast(quantile[:, None] >= ends, "int32"), axis=1)
        end, share = ops.take(ends, cluster), ops.take(shares, cluster)
        position = _inside((quantile - end) / share + 1)
        first = math.sqrt(2) * ops.erfinv(2 * position - 1)
        return cluster, ops.concatenate([first[:, None], latents[:, 1:]], axis=1)

    def compute_output_shape(self, input_shape):
        return input_shape[:1]

    def get_config(self):
        return {**super().get_config(), "count": self.count}

    def _points(self, images):
        images = ops.average_pool(ops.cast(images, "float32"), self.factor, strides=self.factor)
        return ops.reshape(images, (-1, self.centers.shape[1]))

    def _shrink(self, images):
        return ops.convert_to_numpy(self._points(ops.convert_to_tensor(np.asarray(images))))


def find_centers(points, count, rng):
    """Finds centers by k-means: Lloyd's algorithm, from centers that lie far from one another.

    Source: Arthur and Vassilvitskii 2007, k-means++: The Advantages of Careful Seeding.

    Args:
        points: Float array `(points, size)`.
        count: Int, number of centers.
        rng: `numpy.random.Generator` of the first centers.

    Returns:
        A pair of a float array `(count, size)`, and the number of the nearest center of each point.
    """
    centers = points[rng.integers(len(points))][None]
    distances = np.full(len(points), np.inf)
    while len(centers) < count:
        distances = np.minimum(distances, ((points - centers[-1]) ** 2).sum(1))
        # Equal points have no distance.
        weights = distances + 1e-12
        centers = np.concatenate([centers, points[rng.choice(len(points), 1, p=weights / weights.sum())]])
    for _ in range(ROUNDS):
        members = np.argmin((centers**2).sum(1) - 2 * points @ centers.T, axis=1)
        is_member = np.eye(count, dtype="float32")[members]
        sizes = is_member.sum(0)
        # A center without points stays.
        centers = np.where(sizes[:, None] > 0, is_member.T @ points / np.maximum(sizes, 1)[:, None], centers)
    return centers, members


def _inside(probabilities):
    """Keeps probabilities away from 0 and 1, where the normal distribution has no quantiles."""
    return ops.clip(probabilities, 1e-6, 1 - 1e-6)
