"""Builders of multilayer perceptrons."""

import math
import random

from keras import layers

from gan.layers import BatchNormalization
from gan.networks import parts


def build_generator(latent_dim=100, widths=(256, 512, 1024), image_shape=(28, 28, 1), num_classes=None):
    """Builds a generator that is a multilayer perceptron.

    Each hidden layer is Dense, ReLU and BatchNormalization (momentum 0.8). The output layer is Dense with tanh.

    Args:
        latent_dim: Int. Length of a latent vector. Defaults to 100.
        widths: Tuple of ints. Units of the hidden layers, from the latents to the image. Defaults to
            `(256, 512, 1024)`.
        image_shape: Tuple `(height, width, channels)`. Shape of the images. Defaults to `(28, 28, 1)`.
        num_classes: Int. Number of classes of a conditional generator. It takes labels as a second input and
            concatenates a learned embedding of the label to the latents. Defaults to None: the generator takes only
            latents.

    Returns:
        A `keras.Model` that maps latents `(batch, latent_dim)` to float images `(batch, *image_shape)` in [-1, 1].
        With `num_classes`, its inputs are `[latents, labels]`, where labels are ints `(batch,)`.

    Raises:
        ValueError: A size is not a positive integer, or `image_shape` does not have three sizes.

    Example:

    >>> gan.build_generator(latent_dim=64, widths=(128, 256)).output_shape
    (None, 28, 28, 1)
    """
    parts.check_sizes("widths", widths)
    parts.check_image_shape(image_shape)
    hidden = []
    for width in widths:
        hidden += [layers.Dense(width, activation="relu"), BatchNormalization(momentum=0.8)]
    # Images and logits are float32 under every dtype policy.
    output = layers.Dense(math.prod(image_shape), activation="tanh", dtype="float32")
    return parts.generator([*hidden, output, layers.Reshape(image_shape, dtype="float32")], latent_dim, num_classes)


def build_discriminator(image_shape=(28, 28, 1), widths=(512, 256), dropout=0.3, num_classes=None):
    """Builds a discriminator that is a multilayer perceptron.

    Each hidden layer is Dense, ReLU and Dropout. The output is one logit per image; above 0 means "real".

    Args:
        image_shape: Tuple `(height, width, channels)`. Shape of the images. Defaults to `(28, 28, 1)`.
        widths: Tuple of ints. Units of the hidden layers, from the image to the logit. Defaults to `(512, 256)`.
        dropout: Float in [0, 1). Fraction of units dropped in training. Defaults to 0.3.
        num_classes: Int. Number of classes of a conditional discriminator. It takes labels as a second input and adds
            the inner product of the features and a learned vector of the class to the logit (projection; Miyato and
            Koyama 2018, arXiv 1802.05637). Defaults to None: the discriminator takes only images.

    Returns:
        A `keras.Model` that maps float images `(batch, *image_shape)` to logits `(batch, 1)`. With `num_classes`, its
        inputs are `[images, labels]`, where labels are ints `(batch,)`.

    Raises:
        ValueError: A size is not a positive integer, `image_shape` does not have three sizes, or `dropout` is
            outside [0, 1).

    Example:

    >>> gan.build_discriminator(widths=(256,), dropout=0.5).output_shape
    (None, 1)
    """
    parts.check_sizes("widths", widths)
    parts.check_image_shape(image_shape)
    if not 0 <= dropout < 1:
        raise ValueError(f"dropout must be in [0, 1), not {dropout}.")
    hidden = [layers.Flatten()]
    for width in widths:
        # PyTorch's dropout without a seed draws from a state that is not saved.
        seed = random.randint(1, 10**9)
        hidden += [layers.Dense(width, activation="relu"), layers.Dropout(dropout, seed=seed)]
    return parts.discriminator(hidden, image_shape, num_classes)
