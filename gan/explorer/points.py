"""What the page shows images of: latents, and the class of each."""

import dataclasses

import numpy as np
from keras import ops

from gan import sheets


@dataclasses.dataclass(frozen=True, eq=False)
class Points:
    """Points of latent space.

    Attributes:
        latents: Float32 array `(count, latent_dim)`.
        labels: Int array `(count,)`, the class of each. None if the GAN has no classes.
    """

    latents: np.ndarray
    labels: np.ndarray | None = None

    def __len__(self):
        return len(self.latents)

    def take(self, start, stop):
        return Points(self.latents[start:stop], None if self.labels is None else self.labels[start:stop])

    def join(self, other):
        labels = None if self.labels is None else np.concatenate([self.labels, other.labels])
        return Points(np.concatenate([self.latents, other.latents]), labels)


def count_kinds(model):
    """Returns the number of classes or of clusters that were found; 0 if the GAN has neither."""
    return model.num_classes or (model.clusters.found if model.clusters is not None else 0)


def name_kinds(model, class_names):
    """Returns the name of each class, or of each cluster; an empty list if the GAN has neither."""
    count = count_kinds(model)
    if model.num_classes is None:
        return [f"cluster {index}" for index in range(count)]
    return class_names if len(class_names) == count else [str(index) for index in range(count)]


def draw(model, count, seed, kind=None, truncation=1.0):
    """Draws points.

    Args:
        model: A `gan.GAN`.
        count: Int, number of points.
        seed: Int.
        kind: Int, the class or the cluster of all of them. Defaults to None: one class after the other; the clusters
            that the latents choose.
        truncation: Float, by which the latents are multiplied. Defaults to 1.

    Raises:
        ValueError: The model has no such class or cluster.
    """
    return _with_kind(model, truncation * ops.convert_to_numpy(model.draw_latents(count, seed)), kind)


def read(model, path, kind=None):
    """Reads points from a `.npy` file of latents. `kind` is that of `draw`.

    Raises:
        ValueError: The file holds no latents of this model.
    """
    return _with_kind(model, sheets.read_latents(path, model), kind)


def _with_kind(model, latents, kind):
    kinds = count_kinds(model)
    if kind is not None and not 0 <= kind < kinds:
        raise ValueError(f"there is no class or cluster {kind}: this model has {kinds or 'none'}.")
    if model.num_classes:
        labels = np.arange(len(latents)) % kinds if kind is None else np.full(len(latents), kind)
        return Points(latents, labels)
    if kind is None:
        return Points(latents)
    _, rest = model.clusters.split(ops.convert_to_tensor(latents))
    return Points(ops.convert_to_numpy(model.clusters.join(np.full(len(latents), kind), rest)))
