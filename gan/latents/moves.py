"""Directions in latent space along which images change most, and latents that are moved along them."""

import numbers

import keras
import numpy as np
from keras import ops

from gan import checks
from gan.layers import LearnedStart


def directions(model, count):
    """Finds the directions in latent space along which a generator's images change most, in closed form (SeFa).

    They are singular vectors of the kernel of the generator's first layer, those with the largest singular values
    first. `gan.latents.move` moves latents along them.

    Source: Shen and Zhou 2020, "Closed-Form Factorization of Latent Semantics in GANs", arXiv 2007.06600.

    Args:
        model: A `gan.GAN` whose generator takes latents to a dense layer first, as all of `gan.networks` do. In a
            conditional generator, an embedding of the class may follow the latents.
        count: Int, from 1 to the length of the latents. Number of directions.

    Returns:
        A float32 array `(count, latent_dim)` of unit vectors, each orthogonal to the others.

    Raises:
        ValueError: The generator does not start with a dense layer, or `count` is out of range.

    Example:

    >>> model = gan.GAN(gan.build_generator(latent_dim=8), gan.build_discriminator())
    >>> gan.latents.directions(model, 2).shape
    (2, 8)
    """
    if model.latent_dim is None:
        raise ValueError("directions need a generator that takes latents.")
    if not isinstance(count, numbers.Integral) or not 1 <= count <= model.latent_dim:
        raise ValueError(f"count must be an integer from 1 to {model.latent_dim}, not {count!r}.")
    kernel = _find_first_kernel(model)
    _, vectors = np.linalg.eigh(kernel @ kernel.T)
    found = vectors.T[::-1][:count]
    # The sign is arbitrary. The largest entry is positive, so that it is the same on every machine.
    largest = np.take_along_axis(found, np.abs(found).argmax(axis=1)[:, None], axis=1)
    return (found * np.sign(largest)).astype("float32")


def move(model, latents, direction, strengths):
    """Moves latents along a direction. In a GAN with clusters, they keep their clusters.

    Args:
        model: A `gan.GAN`.
        latents: Float array `(count, latent_dim)`.
        direction: Float array `(latent_dim,)`, such as a row of what `gan.latents.directions` returns.
        strengths: List of floats, how far to move. From -3 to 3, images usually stay plausible.

    Returns:
        A float32 array `(len(strengths), count, latent_dim)`.

    Raises:
        ValueError: The latents or the direction have another shape, or the GAN does not know its clusters yet.

    Example:

    >>> model = gan.GAN(gan.build_generator(latent_dim=8), gan.build_discriminator())
    >>> first, *_ = gan.latents.directions(model, 1)
    >>> gan.latents.move(model, np.zeros((4, 8)), first, [-2, 0, 2]).shape
    (3, 4, 8)
    """
    checks.check_adapted(model)
    latents = checks.check_latents(latents, model.latent_dim)
    direction = np.asarray(ops.convert_to_numpy(direction), "float32")
    if direction.shape != latents.shape[1:]:
        raise ValueError(f"direction must have the shape ({model.latent_dim},), not {direction.shape}.")
    steps = np.outer(strengths, direction).astype("float32")
    if model.clusters is None:
        return latents + steps[:, None]
    clusters, rest = map(ops.convert_to_numpy, model.clusters.split(ops.convert_to_tensor(latents)))
    return np.stack([ops.convert_to_numpy(model.clusters.join(clusters, rest + step)) for step in steps])


def show_directions(model, count, latents, strengths, label=0):
    """Generates images that show where directions lead: one latent vector, moved along each of them.

    Args:
        model: As in `directions`.
        count: As in `directions`.
        latents: Float array `(1, latent_dim)`.
        strengths: List of floats, as in `move`.
        label: Int, the class of all images of a conditional GAN. Defaults to 0.

    Returns:
        Float32 NumPy array `(count * len(strengths), height, width, channels)`, direction by direction.

    Example:

    >>> model = gan.GAN(gan.build_generator(latent_dim=8), gan.build_discriminator())
    >>> gan.latents.show_directions(model, 2, np.zeros((1, 8)), [-2, 0, 2]).shape
    (6, 28, 28, 1)
    """
    moved = np.concatenate([move(model, latents, one, strengths)[:, 0] for one in directions(model, count)])
    labels = None if model.num_classes is None else np.full(len(moved), label)
    return model.generate(latents=moved, labels=labels)


def _find_first_kernel(model):
    """Returns the kernel, `(latent_dim, units)`, of the dense layer that takes the latents."""
    generator = model.best_generator
    start = latents = generator.inputs[0]
    for layer in generator.layers:
        if isinstance(layer, keras.layers.Concatenate) and layer.input[0] is latents:
            start = layer.output  # latents, and an embedding, for which the last rows of the kernel are
        is_network = isinstance(layer, keras.Sequential)
        first = layer.layers[0] if is_network else layer
        takes_start = (len(generator.inputs) == 1 or start is not latents) if is_network else first.input is start
        if isinstance(first, (keras.layers.Dense, LearnedStart)) and takes_start:
            return ops.convert_to_numpy(first.kernel).astype("float64")[: model.latent_dim]
        if first.weights and not isinstance(first, keras.layers.Embedding):
            break
    raise ValueError("directions need a generator that starts with a dense layer, whose kernel gives them.")
