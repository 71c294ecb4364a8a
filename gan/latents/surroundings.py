"""Latents near other latents."""

import math

import numpy as np
from keras import ops

from gan import checks


def neighbors(model, latents, count, distance, seed=0):
    """Draws latents at a distance from given ones, in random directions. In a GAN with clusters, they keep the cluster.

    A neighbor lies on the arc from the latents to random ones, and is as long as the latents are, so that it stays as
    typical as they are of a standard normal distribution.

    Args:
        model: A `gan.GAN`.
        latents: Float array `(1, latent_dim)`.
        count: Int, number of neighbors.
        distance: Float from 0 to 1, the share of the arc: 0 gives the latents themselves, and 1 gives latents that
            are unrelated to them.
        seed: Int. The same seed gives neighbors in the same directions. Defaults to 0.

    Returns:
        Float32 array `(count, latent_dim)`.

    Raises:
        ValueError: The latents have another shape, or the distance is not from 0 to 1.

    Example:

    >>> model = gan.GAN(gan.build_generator(latent_dim=8), gan.build_discriminator())
    >>> gan.latents.neighbors(model, np.ones((1, 8)), count=12, distance=0.3).shape
    (12, 8)
    """
    checks.check_adapted(model)
    latents = checks.check_latents(latents, model.latent_dim)
    if len(latents) != 1:
        raise ValueError(f"neighbors are those of one latent vector, not of {len(latents)}.")
    if not 0 <= distance <= 1:
        raise ValueError(f"distance must be from 0 to 1, not {distance!r}.")
    if model.clusters is None:
        return _draw_around(latents, count, distance, seed)
    cluster, rest = map(ops.convert_to_numpy, model.clusters.split(ops.convert_to_tensor(latents)))
    drawn = _draw_around(rest, count, distance, seed)
    return ops.convert_to_numpy(model.clusters.join(np.repeat(cluster, count), drawn))


def _draw_around(latents, count, distance, seed):
    random = np.random.default_rng(seed).standard_normal((count, latents.shape[1]))
    random -= random @ latents.T * latents / max((latents**2).sum(), 1e-12)  # what points elsewhere
    random *= np.linalg.norm(latents) / np.linalg.norm(random, axis=1, keepdims=True)
    angle = distance * math.pi / 2
    return (math.cos(angle) * latents + math.sin(angle) * random).astype("float32")
