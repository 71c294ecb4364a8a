"""Images between classes."""

import functools

import keras
import numpy as np
from keras import ops

from gan import checks


def mix_classes(model, latents, weights):
    """Generates images between the classes of a conditional GAN, or between the clusters of one without labels.

    The generator's embeddings of the classes are mixed, as weights say. With all the weight on one class, the images
    are those of `model.generate(latents=latents, labels=...)`.

    Args:
        model: A `gan.GAN` with `num_classes` or `clusters`, whose generator embeds labels by a
            `keras.layers.Embedding`, as all of `gan.networks` do.
        latents: Float array `(count, latent_dim)`. They do not choose clusters here.
        weights: Float array `(count, classes)`, what each class contributes to each image; rows sum to 1.

    Returns:
        Float32 NumPy array `(count, height, width, channels)` in [-1, 1].

    Raises:
        ValueError: The model has neither classes nor clusters, its generator does not embed them, an argument has
            another shape, or a row of weights does not sum to 1.

    Example:

    >>> model = gan.GAN(gan.build_generator(num_classes=10), gan.build_discriminator(num_classes=10), num_classes=10)
    >>> latents = np.random.default_rng(0).normal(size=(1, 100))
    >>> four_and_nine = [[0, 0, 0, 0, 0.5, 0, 0, 0, 0, 0.5]]
    >>> gan.latents.mix_classes(model, latents, four_and_nine).shape
    (1, 28, 28, 1)
    """
    checks.check_adapted(model)
    embeddings = find_embeddings(model.best_generator)
    if (model.num_classes is None and model.clusters is None) or len(embeddings) != 1:
        raise ValueError(
            "classes can only be mixed in a GAN with classes or clusters whose generator has one Embedding of them."
        )
    (embedding,) = embeddings
    latents, weights = checks.check_latents(latents, model.latent_dim), np.asarray(weights, "float32")
    shape = (len(latents), embedding.input_dim)
    if weights.shape != shape:
        raise ValueError(f"weights for {len(latents)} latents must have the shape {shape}, not {weights.shape}.")
    if not np.allclose(weights.sum(axis=1), 1, atol=1e-3):
        raise ValueError("each row of weights must sum to 1.")
    model.synchronize()
    embedded = weights @ ops.convert_to_numpy(embedding.embeddings)
    return model.predict_images(_after_embedding(model.best_generator), latents, embedded)


def find_embeddings(generator):
    """Returns the layers of a generator that embed classes."""
    return [layer for layer in generator.layers if isinstance(layer, keras.layers.Embedding)]


def after_embedding(generator):
    """Returns the model that a generator is, from latents and an embedded class on."""
    (embedding,) = find_embeddings(generator)
    return keras.Model([generator.inputs[0], embedding.output], generator.output)


_after_embedding = functools.lru_cache(maxsize=1)(after_embedding)  # so that it is compiled once
