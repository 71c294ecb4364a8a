"""Paths through latent space."""

import numpy as np


def walk(waypoints, steps):
    """Interpolates between latents: from each waypoint to the next and from the last one back to the first.

    The interpolation is spherical. It keeps the norms of the points typical of a standard normal distribution, unlike
    linear interpolation.

    Source: White 2016, arXiv 1609.04468.

    Args:
        waypoints: Float array `(count, ..., latent_dim)`.
        steps: Int, at least 1. Number of points from one waypoint to the next.

    Returns:
        A float array `(count * steps, ..., latent_dim)`. It contains every waypoint. It does not repeat the first
        waypoint at the end, so that the points form a loop.

    Example:

    >>> gan.latents.walk(np.random.normal(size=(8, 100)), steps=16).shape
    (128, 100)
    """
    start, end = np.asarray(waypoints), np.roll(waypoints, -1, axis=0)
    lengths = np.linalg.norm(start, axis=-1, keepdims=True) * np.linalg.norm(end, axis=-1, keepdims=True)
    angle = np.arccos(np.clip((start * end).sum(-1, keepdims=True) / lengths, -1, 1))
    # If two waypoints have the same direction, both weights tend to those of linear interpolation.
    angle = np.maximum(angle, 1e-6)
    share = np.linspace(0, 1, steps, endpoint=False).reshape(-1, *[1] * start.ndim)
    points = (np.sin((1 - share) * angle) * start + np.sin(share * angle) * end) / np.sin(angle)
    return np.swapaxes(points, 0, 1).reshape(-1, *start.shape[1:])
