"""Builders of generators and discriminators, widths as arguments."""

import math
import numbers

import keras
from keras import layers


def build_generator(latent_dim=100, widths=(256, 512, 1024), image_shape=(28, 28, 1)):
    """Builds a multilayer perceptron from latents to images.

    Each hidden layer is Dense, ReLU, BatchNormalization (momentum 0.8); the last one ends in tanh.

    Args:
        latent_dim: Int, length of a latent vector. Default 100.
        widths: Ints, units of the hidden layers from the latents on. Default `(256, 512, 1024)`.
        image_shape: `(height, width, channels)` of the images. Default `(28, 28, 1)`.

    Returns:
        A `keras.Sequential` from `(batch, latent_dim)` to float images `(batch, *image_shape)` in [-1, 1].

    Raises:
        ValueError: A size is not a positive whole number, or `image_shape` has not three of them.

    Example:

    >>> gan.build_generator(latent_dim=64, widths=(128, 256)).output_shape
    (None, 28, 28, 1)
    """
    _check_sizes("latent_dim", [latent_dim])
    _check_sizes("widths", widths)
    _check_image_shape(image_shape)
    generator = keras.Sequential([keras.Input((latent_dim,))], name="generator")
    for width in widths:
        generator.add(layers.Dense(width, activation="relu"))
        generator.add(layers.BatchNormalization(momentum=0.8))
    # float32 whatever the dtype policy: images and logits leave a network in full precision.
    generator.add(layers.Dense(math.prod(image_shape), activation="tanh", dtype="float32"))
    generator.add(layers.Reshape(image_shape, dtype="float32"))
    return generator


def build_discriminator(image_shape=(28, 28, 1), widths=(512, 256), dropout=0.3):
    """Builds a multilayer perceptron from images to one logit, positive where it takes an image for real.

    Each hidden layer is Dense, ReLU, Dropout.

    Args:
        image_shape: `(height, width, channels)` of the images. Default `(28, 28, 1)`.
        widths: Ints, units of the hidden layers from the image on. Default `(512, 256)`.
        dropout: Float in [0, 1), the share of units dropped in training. Default 0.3.

    Returns:
        A `keras.Sequential` from float images `(batch, *image_shape)` to logits `(batch, 1)`.

    Raises:
        ValueError: A size is not a positive whole number, `image_shape` has not three of them, or `dropout` lies
            outside of [0, 1).

    Example:

    >>> gan.build_discriminator(widths=(256,), dropout=0.5).output_shape
    (None, 1)
    """
    _check_sizes("widths", widths)
    _check_image_shape(image_shape)
    if not 0 <= dropout < 1:
        raise ValueError(f"dropout must lie in [0, 1), not {dropout}.")
    discriminator = keras.Sequential([keras.Input(image_shape), layers.Flatten()], name="discriminator")
    for width in widths:
        discriminator.add(layers.Dense(width, activation="relu"))
        discriminator.add(layers.Dropout(dropout))
    discriminator.add(layers.Dense(1, dtype="float32"))
    return discriminator


def _check_image_shape(image_shape):
    _check_sizes("image_shape", image_shape)
    if len(image_shape) != 3:
        raise ValueError(f"image_shape must be (height, width, channels), not {tuple(image_shape)}.")


def _check_sizes(name, sizes):
    if not sizes or not all(isinstance(size, numbers.Integral) and size > 0 for size in sizes):
        raise ValueError(f"{name} must be positive whole numbers, not {sizes}.")
