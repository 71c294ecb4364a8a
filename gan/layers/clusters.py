"""Clusters of images, which stand in for labels where there are none."""

import math
import numbers
import warnings

import keras
import numpy as np
from keras import ops

from gan.text import format_count

LONGEST_SIDE = 16  # of the images that are compared
MOST_IMAGES = 20_000
LEAST_IMAGES = 10  # of a cluster, on average
ROUNDS = 25


@keras.saving.register_keras_serializable(package="gan")
class Clusters(keras.layers.Layer):
    """Finds the cluster of an image: the nearest of several centers, which k-means has found.

    The images are compared by their pixels, shrunk to at most 16x16. `adapt` finds the centers, as in Keras's
    preprocessing layers.

    Sources: Sage et al. 2018 (arXiv 1712.04407) and Liu et al. 2020 (arXiv 2006.10728), who condition a GAN on
    clusters.

    Args:
        count: Int. Number of clusters.
        **kwargs: Further arguments of `keras.layers.Layer`, such as `name`.

    Raises:
        ValueError: `count` is not a positive integer.

    Example:

    >>> clusters = gan.layers.Clusters(2)
    >>> images = np.repeat([[[[-1.0]]], [[[1.0]]]], 20, axis=0)
    >>> clusters.adapt(images)
    >>> np.bincount(clusters(images)).tolist()
    [20, 20]
    """

    def __init__(self, count, **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs})
        if not isinstance(count, numbers.Integral) or count < 1:
            raise ValueError(f"count must be a positive integer, not {count!r}.")
        self.count = count
        self.trainable = False

    def build(self, input_shape):
        self.image_shape = tuple(input_shape[1:])
        self.factors = tuple(math.ceil(side / LONGEST_SIDE) for side in self.image_shape[:2])
        height, width = (side // factor for side, factor in zip(self.image_shape[:2], self.factors, strict=True))
        size = height * width * self.image_shape[2]
        self.centers = self.add_weight(shape=(self.count, size), initializer="zeros", trainable=False, name="centers")
        # The share of the images in each cluster. A cluster without a share was not found.
        self.shares = self.add_weight(shape=(self.count,), initializer="zeros", trainable=False, name="shares")

    @property
    def found(self):
        """Int, the number of clusters that `adapt` has found: 0 before it, and fewer than `count` in few images."""
        return int((ops.convert_to_numpy(self.shares) > 0).sum())

    def adapt(self, images, seed=0):
        """Finds the centers. Warns if there are fewer than 10 images for each, and then finds fewer.

        Called again, for other images, it moves the centers that it has, so that clusters keep their numbers, which
        the networks have learned.

        Args:
            images: Float array `(count, height, width, channels)` in [-1, 1]. Of more than 20,000 images, a random
                20,000 are used.
            seed: Int. Seed of the first centers. Defaults to 0.

        Raises:
            TypeError: The images are not floats.
            ValueError: They have another shape than the layer was built for, or values outside [-1, 1].
        """
        from gan.images import check  # imports Matplotlib

        images = np.asarray(images)
        check(images, self.image_shape if self.built else images.shape[1:])
        if not self.built:
            self.build(images.shape)
        rng = np.random.default_rng(seed)
        rows = rng.permutation(len(images))[:MOST_IMAGES]
        parts = np.array_split(rows, -(-len(rows) // 1000))  # shrunk part by part, to save memory
        points = np.concatenate([ops.convert_to_numpy(self._points(images[part])) for part in parts])
        known = ops.convert_to_numpy(self.centers)
        known = known[known.any(axis=1)]
        count = min(self.count, max(1, len(known), len(points) // LEAST_IMAGES))
        if count < self.count:
            warnings.warn(
                f"{self.count} clusters need {self.count * LEAST_IMAGES:,} images, {LEAST_IMAGES} for each. In "
                f"{format_count(len(points), 'image')}, up to {count} are found.",
                stacklevel=2,
            )
        centers, sizes = find_centers(points, count, rng, known)
        missing = self.count - len(centers)
        self.centers.assign(np.pad(centers, [(0, missing), (0, 0)]))
        self.shares.assign(np.pad(sizes / len(points), (0, missing)))

    def call(self, images):
        centers, shares = ops.convert_to_tensor(self.centers), ops.convert_to_tensor(self.shares)
        distances = ops.sum(centers**2, axis=1) - 2 * self._points(images) @ ops.transpose(centers)
        return ops.cast(ops.argmin(ops.where(shares > 0, distances, np.inf), axis=1), "int32")

    def split(self, latents):
        """Splits latents into the number of a cluster and what is left, which is as random as before.

        The first two numbers of a standard normal latent vector are a point in the plane, whose direction is uniform
        and chooses the cluster: each one has a sector as large as its share. The position in the sector becomes the
        new direction.

        Args:
            latents: Float tensor `(batch, latent_dim)`, standard normal.

        Returns:
            A pair of ints `(batch,)` and of latents `(batch, latent_dim)`, which are independent and standard normal.
        """
        shares, ends = self._sectors()
        latents = ops.convert_to_tensor(latents)
        x, y = latents[:, 0], latents[:, 1]
        direction = ops.minimum(ops.arctan2(y, x) / (2 * math.pi) + 0.5, 1 - 1e-6)
        cluster = ops.sum(ops.cast(direction[:, None] >= ends, "int32"), axis=1)
        # Measured from the middle of the sector, as dividing by a small share enlarges a rounding of the direction.
        # No constant is added to the middle, so that no compiler rounds it in another way.
        middle = 2 * math.pi * (ends - 0.5 * shares)
        cos, sin = ops.take(ops.cos(middle), cluster), ops.take(ops.sin(middle), cluster)
        angle = math.pi + ops.arctan2(x * sin - y * cos, -x * cos - y * sin) / ops.take(shares, cluster)
        radius = ops.sqrt(x**2 + y**2)
        plane = ops.stack([radius * ops.cos(angle), radius * ops.sin(angle)], axis=1)
        return cluster, ops.concatenate([plane, latents[:, 2:]], axis=1)

    def join(self, cluster, latents):
        """Joins what `split` has split: the latents whose cluster is the given one.

        Args:
            cluster: Int tensor `(batch,)`, numbers of clusters that were found.
            latents: Float tensor `(batch, latent_dim)`, what is left of the latents.

        Returns:
            Float tensor `(batch, latent_dim)`.
        """
        shares, ends = self._sectors()
        x, y = latents[:, 0], latents[:, 1]
        position = (ops.arctan2(y, x) / (2 * math.pi)) % 1.0
        # Not so near to the end of a sector that rounding would lead to the next one.
        direction = ops.take(ends, cluster) - ops.take(shares, cluster) * ops.clip(1 - position, 1e-3, 1 - 1e-3)
        radius, angle = ops.sqrt(x**2 + y**2), 2 * math.pi * (direction - 0.5)
        plane = ops.stack([radius * ops.cos(angle), radius * ops.sin(angle)], axis=1)
        return ops.concatenate([plane, latents[:, 2:]], axis=1)

    def compute_output_shape(self, input_shape):
        return input_shape[:1]

    def get_config(self):
        return {**super().get_config(), "count": self.count}

    def _sectors(self):
        """Returns the share of each cluster and where its sector ends, from 0 to 1."""
        # Multiples of a power of 2, whose sums are exact: backends add in another order.
        shares = ops.round(ops.convert_to_tensor(self.shares) * 2.0**23) / 2.0**23
        return shares, ops.cumsum(shares) / ops.sum(shares)

    def _points(self, images):
        images = ops.convert_to_tensor(images, "float32")
        images = ops.average_pool(images, self.factors, strides=self.factors)
        return ops.reshape(images, (-1, self.centers.shape[1]))


def find_centers(points, count, rng, known):
    """Finds centers by k-means: Lloyd's algorithm, from known centers and others that lie far from one another.

    Source: Arthur and Vassilvitskii 2007, k-means++: The Advantages of Careful Seeding.

    Args:
        points: Float array `(points, size)`.
        count: Int, number of centers.
        rng: `numpy.random.Generator` of the first centers.
        known: Float array `(known, size)`, at most `count` centers to start with.

    Returns:
        A pair of a float array `(count, size)` and of an int array `(count,)`, the number of points nearest to each.
    """
    centers = known if len(known) else points[rng.integers(len(points))][None]
    distances = np.full(len(points), np.inf)
    for center in centers[:-1]:
        distances = np.minimum(distances, ((points - center) ** 2).sum(1))
    while len(centers) < count:
        distances = np.minimum(distances, ((points - centers[-1]) ** 2).sum(1))
        # Equal points have no distance.
        weights = distances + 1e-12
        centers = np.concatenate([centers, points[rng.choice(len(points), 1, p=weights / weights.sum())]])
    for _ in range(ROUNDS):
        is_member = _find_members(points, centers)
        sizes = is_member.sum(0)
        # A center without points stays.
        centers = np.where(sizes[:, None] > 0, is_member.T @ points / np.maximum(sizes, 1)[:, None], centers)
    return centers, _find_members(points, centers).sum(0)


def _find_members(points, centers):
    """Returns a float array `(points, count)`: 1 for the nearest center of each point, 0 for the others."""
    members = np.argmin((centers**2).sum(1) - 2 * points @ centers.T, axis=1)
    return np.eye(len(centers), dtype="float32")[members]
