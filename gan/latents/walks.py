"""Paths through latent space."""

import numbers

import numpy as np
from keras import ops

from gan import checks
from gan.latents.mixing import mix_classes


def walk(waypoints, steps):
    """Interpolates between latents: from each waypoint to the next and from the last one back to the first.

    The interpolation is spherical. It keeps the norms of the points typical of a standard normal distribution, unlike
    linear interpolation. Of the many ways to an opposite point, it takes one.

    Source: White 2016, arXiv 1609.04468.

    Args:
        waypoints: Float array `(count, ..., latent_dim)`.
        steps: Int, at least 1. Number of points from one waypoint to the next.

    Returns:
        A float array `(count * steps, ..., latent_dim)`. It contains every waypoint. It does not repeat the first
        waypoint at the end, so that the points form a loop.

    Raises:
        ValueError: `steps` is not a positive integer.

    Example:

    >>> gan.latents.walk(np.random.normal(size=(8, 100)), steps=16).shape
    (128, 100)
    """
    if not isinstance(steps, numbers.Integral) or steps < 1:
        raise ValueError(f"steps must be a positive integer, not {steps!r}.")
    start = np.asarray(waypoints, float)
    end = _turn_from_opposite(start, np.roll(start, -1, axis=0))
    # From or to the origin, which has no direction, the path is a straight line.
    angle = np.arccos(np.clip(_cosine(start, end), -1, 1))
    # If two waypoints have the same direction, both weights tend to those of linear interpolation.
    angle = np.clip(angle, 1e-6, np.pi - 1e-6)
    share = np.linspace(0, 1, steps, endpoint=False).reshape(-1, *[1] * start.ndim)
    points = (np.sin((1 - share) * angle) * start + np.sin(share * angle) * end) / np.sin(angle)
    return np.swapaxes(points, 0, 1).reshape(-1, *start.shape[1:])


def _cosine(start, end):
    lengths = np.linalg.norm(start, axis=-1, keepdims=True) * np.linalg.norm(end, axis=-1, keepdims=True)
    return (start * end).sum(-1, keepdims=True) / np.maximum(lengths, 1e-12)


def _turn_from_opposite(start, end):
    """Turns an end that lies opposite to its start by a hundredth of a radian, which gives a way around the origin."""
    # The axis farthest from both.
    aside = np.arange(start.shape[-1]) == np.abs(start).argmin(axis=-1, keepdims=True)
    turned = end + 0.01 * np.linalg.norm(end, axis=-1, keepdims=True) * aside
    return np.where(_cosine(start, end) < -0.9999, turned, end)


def show_walk(model, waypoints, steps, labels=None):
    """Generates the images on a walk: from each waypoint to the next and from the last one back to the first.

    On the way from one class to another, or from one cluster to another, `gan.latents.mix_classes` mixes the two.

    Args:
        model: A `gan.GAN`.
        waypoints: Float array `(count, latent_dim)`, at least two latents.
        steps: As in `walk`.
        labels: Int array `(count,)`, the classes of the waypoints; for a GAN with `num_classes` only. Defaults to None.

    Returns:
        Float32 NumPy array `(count * steps, height, width, channels)` in [-1, 1].

    Raises:
        ValueError: An argument has another shape, or labels are missing, are not classes of the model, or are given to
            a model without classes.

    Example:

    >>> model = gan.GAN(gan.build_generator(num_classes=10), gan.build_discriminator(num_classes=10), num_classes=10)
    >>> latents = np.random.default_rng(0).normal(size=(2, 100))
    >>> gan.latents.show_walk(model, latents, 16, labels=[4, 9]).shape
    (32, 28, 28, 1)
    """
    waypoints = checks.check_latents(waypoints, model.latent_dim)
    if len(waypoints) < 2:
        raise ValueError("a walk needs at least two waypoints, not 1.")
    if (labels is None) != (model.num_classes is None):
        raise ValueError("a walk needs labels, one for each waypoint, if and only if the GAN has num_classes.")
    kinds = model.num_classes
    if model.clusters is not None:
        checks.check_adapted(model)
        kinds = model.clusters.count
        labels, waypoints = map(ops.convert_to_numpy, model.clusters.split(ops.convert_to_tensor(waypoints)))
    if kinds is None:
        return model.generate(latents=walk(waypoints, steps))
    labels = np.asarray(labels)
    checks.check_labels(labels, len(waypoints), kinds)
    start, end = np.eye(kinds)[labels], np.eye(kinds)[np.roll(labels, -1)]
    share = np.linspace(0, 1, steps, endpoint=False)[:, None]
    weights = (1 - share) * start[:, None] + share * end[:, None]
    return mix_classes(model, walk(waypoints, steps), weights.reshape(-1, kinds))
