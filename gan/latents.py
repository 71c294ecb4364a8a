"""Ways through latent space."""

import numpy as np


def walk(waypoints, steps):
    """Leads from each waypoint to the next on the shortest arc, and from the last one back to the first.

    Spherical interpolation keeps the latents' lengths typical of a standard normal, which a straight line would not
    (White 2016, arXiv 1609.04468).

    Args:
        waypoints: Float array `(count, ..., latent_dim)`.
        steps: Int, points from one waypoint to the next.

    Returns:
        Float array `(count * steps, ..., latent_dim)`; each waypoint is in it, and what follows the last point is
        the first one.

    Example:

    >>> gan.latents.walk(np.random.normal(size=(8, 100)), steps=16).shape
    (128, 100)
    """
    start, end = np.asarray(waypoints), np.roll(waypoints, -1, axis=0)
    lengths = np.linalg.norm(start, axis=-1, keepdims=True) * np.linalg.norm(end, axis=-1, keepdims=True)
    angle = np.arccos(np.clip((start * end).sum(-1, keepdims=True) / lengths, -1, 1))
    # Where two waypoints have one direction, the limit of both weights is that of a straight line.
    angle = np.maximum(angle, 1e-6)
    share = np.linspace(0, 1, steps, endpoint=False).reshape(-1, *[1] * start.ndim)
    points = (np.sin((1 - share) * angle) * start + np.sin(share * angle) * end) / np.sin(angle)
    return np.swapaxes(points, 0, 1).reshape(-1, *start.shape[1:])
