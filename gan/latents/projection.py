"""The latents of an image: the inverse of generating it."""

import functools
import math
import numbers
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from gan import checks, schedules
from gan.images import check as check_images

CANDIDATES = 2_000
IMAGES_AT_ONCE = 32
LEARNING_RATES = 0.2, 0.002
BETA_2 = 0.95  # a short memory: near an image the gradients shrink by orders of magnitude
# The lengths of 99% of standard normal latents lie within so many standard deviations of the mean length.
SPREAD = 2.58


class Projection(NamedTuple):
    """What `project` finds. `model.generate(latents=found.latents, labels=found.labels)` shows it.

    Attributes:
        latents: Float32 array `(count, latent_dim)`.
        labels: Int array `(count,)`, the classes that go with them. None if the GAN has no classes.
        distances: Float32 array `(count,)`, the root mean square difference of the pixels, from 0 to 2.
    """

    latents: Any
    labels: Any
    distances: Any


def project(model, images, labels=None, steps=1000, starts=16, seed=0, verbose=1, callbacks=()):
    """Finds latents whose generated images are as similar to given images as possible.

    From many random latents, the search starts at those whose images are nearest, and descends the squared difference
    of the pixels. The latents keep a length that is typical of a standard normal distribution.

    Source: Zhu et al. 2016, arXiv 1609.03552; Karras et al. 2020, arXiv 1912.04958, for the many random latents.

    Args:
        model: A `gan.GAN`.
        images: Float array `(count, height, width, channels)` in [-1, 1].
        labels: Int array `(count,)`, the classes of the images, for a GAN with `num_classes`. Defaults to None: the
            search finds them too.
        steps: Int. Steps of the search. Defaults to 1000.
        starts: Int, at most 2,000. Latents from which the search starts for each image. It follows the best one.
            Defaults to 16.
        seed: Int. Seed of the random latents. Defaults to 0.
        verbose: 0, 1 or 2, as in `keras.Model.fit`. Defaults to 1: two progress bars for every 32 images, of the short
            descents from all starts, and of the long one from the best.
        callbacks: List of `keras.callbacks.Callback`, which follow these descents as they would a `fit`. Each step
            is a batch. Defaults to none.

    Returns:
        A `Projection`: latents, labels and distances.

    Raises:
        TypeError: The images are not floats.
        ValueError: They have another shape than the model's or values outside [-1, 1], the labels are not its classes,
            `steps` or `starts` is out of range, or the generator takes no latents.

    Example:

    ```python
    digits = gan.images.to_float(gan.datasets.read("mnist5k")[0][:16])
    found = gan.latents.project(model, digits, steps=200)
    similar = model.generate(latents=found.latents, labels=found.labels)
    ```
    """
    images = np.asarray(images)
    check_images(images, model.image_shape)
    checks.check_adapted(model)
    if model.latent_dim is None:
        raise ValueError("the generator takes no latents that could be found.")
    if labels is not None:
        if model.num_classes is None:
            raise ValueError("labels need a GAN with num_classes.")
        labels = np.asarray(labels)
        checks.check_labels(labels, len(images), model.num_classes)
    if not isinstance(steps, numbers.Integral) or steps < 1:
        raise ValueError(f"steps must be a positive integer, not {steps!r}.")
    if not isinstance(starts, numbers.Integral) or not 1 <= starts <= CANDIDATES:
        raise ValueError(f"starts must be an integer from 1 to {CANDIDATES:,}, not {starts!r}.")
    model.synchronize()
    latents, labels = _find_starts(model, images, labels, starts, seed)
    latents, labels, distances = _descend(model, images, latents, labels, steps, verbose, callbacks)
    if model.clusters is not None:
        latents = ops.convert_to_numpy(model.clusters.join(labels, latents))
    return Projection(latents, None if model.num_classes is None else labels, distances)


def _find_starts(model, images, labels, starts, seed):
    """Returns the random latents, and their labels, whose images are nearest: `(images, starts, latent_dim)`."""
    latents, drawn = _draw_candidates(model, seed)
    if labels is None:
        is_labeled = len(model.best_generator.inputs) > 1
        indices = _find_nearest(images, model.generate(latents=latents, labels=drawn if is_labeled else None), starts)
        return latents[indices], drawn[indices]
    indices = np.empty((len(images), starts), int)
    for label in np.unique(labels):
        candidates = model.generate(latents=latents, labels=np.full(len(latents), label))
        indices[labels == label] = _find_nearest(images[labels == label], candidates, starts)
    return latents[indices], np.repeat(labels[:, None], starts, axis=1)


def _draw_candidates(model, seed):
    latents = model.draw_latents(CANDIDATES, seed)
    if model.clusters is not None:
        labels, latents = model.clusters.split(latents)
    else:
        labels = np.random.default_rng(seed).integers(model.num_classes or 1, size=CANDIDATES)
    return ops.convert_to_numpy(latents), ops.convert_to_numpy(labels).astype("int32")


def _find_nearest(images, candidates, count):
    candidates = candidates.reshape(len(candidates), -1)
    distances = np.stack([((candidates - image.ravel()) ** 2).sum(axis=1) for image in images])
    return np.argsort(distances, axis=1)[:, :count]


def _descend(model, images, latents, labels, steps, *reporting):
    """Descends from all starts for a while, then from the best one of each image. Returns what that leads to."""
    devices = model.device_count
    size = -(-min(IMAGES_AT_ONCE, len(images)) // devices) * devices  # each device has the same share
    short = _Search(model, size, latents.shape[1], max(steps // 5, 1))
    long = _Search(model, size, 1, steps)
    found = []
    for first in range(0, len(images), size):
        rows = slice(first, first + size)
        best_latents, best_labels, _ = short.run(images[rows], latents[rows], labels[rows], *reporting)
        found.append(long.run(images[rows], best_latents[:, None], best_labels[:, None], *reporting))
    return map(np.concatenate, zip(*found, strict=True))


class _Search(keras.Model):
    """A model whose only weights are latents, and whose outputs are their images."""

    def __init__(self, model, count, starts, steps):
        super().__init__(dtype="float32", name="search")
        self.latents = self.add_weight((count * starts, model.latent_dim), "zeros", name="latents")
        self.steps = steps
        # Not an attribute that Keras would search for weights: the generator stays as it is.
        self.render = functools.partial(_render, model.best_generator)
        mean = math.sqrt(max(model.latent_dim - 0.5, 0.5))  # of the length, whose standard deviation is 1 / sqrt(2)
        self.shortest, self.longest = max(mean - SPREAD / math.sqrt(2), 0.1), mean + SPREAD / math.sqrt(2)
        optimizer = keras.optimizers.Adam(schedules.Cosine(*LEARNING_RATES, steps), beta_2=BETA_2)
        self.compile(optimizer, loss="mean_squared_error", auto_scale_loss=False)

    def limited_latents(self):
        """The latents, no longer and no shorter than nearly all standard normal ones."""
        latents = ops.convert_to_tensor(self.latents)
        lengths = ops.sqrt(ops.sum(latents**2, axis=1, keepdims=True) + 1e-12)
        return latents * ops.clip(lengths, self.shortest, self.longest) / lengths

    def call(self, labels):
        return self.render(self.limited_latents(), labels)

    def run(self, images, latents, labels, verbose, callbacks):
        """Returns the latents `(count, latent_dim)`, the label and the distance of the best start of each image."""
        count, starts = labels.shape
        rows = np.arange(self.latents.shape[0] // starts) % count  # repeats images that fill the last batch
        self.latents.assign(latents[rows].reshape(self.latents.shape))
        for variable in self.optimizer.variables:
            variable.assign(np.zeros(variable.shape, variable.dtype))
        targets = np.repeat(images[rows], starts, axis=0).astype("float32")
        batch = tf.data.Dataset.from_tensors((labels[rows].ravel(), targets)).repeat(self.steps)
        self.fit(batch, shuffle=False, verbose=verbose, callbacks=list(callbacks))
        generated = ops.convert_to_numpy(self(ops.convert_to_tensor(labels[rows].ravel())))
        squares = ((generated - targets) ** 2).reshape(len(rows), starts, -1).mean(axis=2)[:count]
        best = np.arange(count), squares.argmin(axis=1)
        latents = ops.convert_to_numpy(self.limited_latents()).reshape(len(rows), starts, -1)
        return latents[best], labels[best], np.sqrt(squares[best])


def _render(generator, latents, labels):
    inputs = [latents, labels][: len(generator.inputs)]
    return ops.cast(generator(inputs if len(inputs) > 1 else latents, training=False), "float32")
