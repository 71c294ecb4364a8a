"""Builders of generators and discriminators: multilayer perceptrons and convolutional networks of any size."""

import math
import numbers
import random

import keras
from keras import layers, ops

from gan.layers import BatchNormalization, SpectralNormalization

# A multiple of the stride, so that the same number of taps contributes to every pixel.
GENERATOR_KERNEL = 4
DISCRIMINATOR_KERNEL = 5
LABEL_SIZE = 32
LONGEST_START = 7
LONGEST_END = 4


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
    _check_sizes("widths", widths)
    _check_image_shape(image_shape)
    hidden = []
    for width in widths:
        hidden += [layers.Dense(width, activation="relu"), BatchNormalization(momentum=0.8)]
    # Images and logits are float32 under every dtype policy.
    output = layers.Dense(math.prod(image_shape), activation="tanh", dtype="float32")
    return _generator([*hidden, output, layers.Reshape(image_shape, dtype="float32")], latent_dim, num_classes)


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
    _check_sizes("widths", widths)
    _check_image_shape(image_shape)
    if not 0 <= dropout < 1:
        raise ValueError(f"dropout must be in [0, 1), not {dropout}.")
    hidden = [layers.Flatten()]
    for width in widths:
        # PyTorch's dropout without a seed draws from a state that is not saved.
        seed = random.randint(1, 10**9)
        hidden += [layers.Dense(width, activation="relu"), layers.Dropout(dropout, seed=seed)]
    return _discriminator(hidden, image_shape, num_classes)


def build_conv_generator(latent_dim=100, width=32, depth=None, image_shape=(28, 28, 1), num_classes=None):
    """Builds a convolutional generator.

    A Dense layer produces a small image with many channels. Each of `depth` transposed convolutions (4x4, stride 2)
    then doubles height and width and halves the number of channels. BatchNormalization and ReLU precede each
    convolution, and tanh follows the last one. If a side is not a multiple of `2**depth`, the excess is cropped.

    Source: Radford et al. 2016 (DCGAN), arXiv 1511.06434.

    Args:
        latent_dim: Int. Length of a latent vector. Defaults to 100.
        width: Int. Input channels of the last convolution. Each convolution before it has twice as many. Defaults to
            32.
        depth: Int. Number of transposed convolutions. Defaults to the number that starts from an image of at most
            7 pixels on its longer side: 2 for images of 28x28, 5 for 128x128.
        image_shape: Tuple `(height, width, channels)`. Shape of the images. Defaults to `(28, 28, 1)`.
        num_classes: Int. Number of classes of a conditional generator, as in `build_generator`. Defaults to None.

    Returns:
        A `keras.Model` that maps latents `(batch, latent_dim)` to float images `(batch, *image_shape)` in [-1, 1].
        With `num_classes`, its inputs are `[latents, labels]`, where labels are ints `(batch,)`.

    Raises:
        ValueError: A size is not a positive integer, `image_shape` does not have three sizes, or the images are
            too small for `depth`.

    Example:

    >>> gan.build_conv_generator(width=64, image_shape=(64, 64, 3)).output_shape
    (None, 64, 64, 3)
    """
    _check_size("width", width)
    sides = _sides(image_shape, depth, LONGEST_START)
    channels = [image_shape[-1], *(width * 2**level for level in range(len(sides) - 1))]
    start = (*sides[-1], channels[-1])
    hidden = [layers.Dense(math.prod(start), use_bias=False), layers.Reshape(start)]
    for level in range(len(sides) - 2, -1, -1):
        hidden += [BatchNormalization(), layers.ReLU()]
        is_last = level == 0
        hidden.append(layers.Conv2DTranspose(channels[level], GENERATOR_KERNEL, 2, padding="same", use_bias=is_last))
        excess = tuple((0, 2 * small - large) for small, large in zip(sides[level + 1], sides[level], strict=True))
        if any(end for _, end in excess):
            hidden.append(layers.Cropping2D(excess))
    return _generator([*hidden, layers.Activation("tanh", dtype="float32")], latent_dim, num_classes)


def build_conv_discriminator(image_shape=(28, 28, 1), width=32, depth=None, spectral_norm=False, num_classes=None):
    """Builds a convolutional discriminator.

    It has `depth` convolutions (5x5, stride 2), each followed by LeakyReLU (0.2). Each convolution has twice the
    channels of the one before it. The output is one logit per image; above 0 means "real".

    Source: Radford et al. 2016 (DCGAN), arXiv 1511.06434, but without BatchNormalization, which would make the logit
    of an image depend on the other images of its batch.

    Args:
        image_shape: Tuple `(height, width, channels)`. Shape of the images. Defaults to `(28, 28, 1)`.
        width: Int. Output channels of the first convolution. Defaults to 32.
        depth: Int. Number of convolutions. Defaults to the number that ends in an image of at most 4 pixels on its
            longer side: 3 for images of 28x28, 5 for 128x128.
        spectral_norm: Bool. Whether `gan.layers.SpectralNormalization` keeps the largest singular value of every layer
            at 1 (Miyato et al. 2018, arXiv 1802.05957). Defaults to False.
        num_classes: Int. Number of classes of a conditional discriminator, as in `build_discriminator`. Defaults to
            None.

    Returns:
        A `keras.Model` that maps float images `(batch, *image_shape)` to logits `(batch, 1)`. With `num_classes`, its
        inputs are `[images, labels]`, where labels are ints `(batch,)`.

    Raises:
        ValueError: A size is not a positive integer, `image_shape` does not have three sizes, or the images are
            too small for `depth`.

    Example:

    >>> gan.build_conv_discriminator((32, 32, 3), spectral_norm=True).output_shape
    (None, 1)
    """
    _check_size("width", width)

    def normalize(layer):
        return SpectralNormalization(layer, dtype=layer.dtype_policy) if spectral_norm else layer

    hidden = []
    for level in range(len(_sides(image_shape, depth, LONGEST_END)) - 1):
        convolution = layers.Conv2D(width * 2**level, DISCRIMINATOR_KERNEL, 2, padding="same")
        hidden += [normalize(convolution), layers.LeakyReLU(0.2)]
    return _discriminator([*hidden, layers.Flatten()], image_shape, num_classes, normalize)


def _generator(hidden, latent_dim, num_classes):
    _check_size("latent_dim", latent_dim)
    latents = keras.Input((latent_dim,))
    if num_classes is None:
        return keras.Sequential([latents, *hidden], name="generator")
    _check_size("num_classes", num_classes)
    labels = keras.Input((), dtype="int32")
    inputs = layers.Concatenate()([latents, layers.Embedding(num_classes, LABEL_SIZE)(labels)])
    return keras.Model([latents, labels], keras.Sequential(hidden)(inputs), name="generator")


def _discriminator(hidden, image_shape, num_classes, normalize=lambda layer: layer):
    images = keras.Input(image_shape)
    logit = normalize(layers.Dense(1, dtype="float32"))
    if num_classes is None:
        return keras.Sequential([images, *hidden, logit], name="discriminator")
    _check_size("num_classes", num_classes)
    labels = keras.Input((), dtype="int32")
    features = keras.Sequential(hidden)(images)
    # An Embedding has no kernel that SpectralNormalization could divide.
    embed = normalize(layers.Dense(features.shape[-1], use_bias=False))
    products = layers.Multiply(dtype="float32")([features, embed(ops.one_hot(labels, num_classes))])
    logits = logit(features) + ops.sum(products, axis=-1, keepdims=True)
    return keras.Model([images, labels], logits, name="discriminator")


def _sides(image_shape, depth, longest):
    """Returns `(height, width)` before and after each of `depth` halvings; by default, halves down to `longest`."""
    _check_image_shape(image_shape)
    sides = [tuple(image_shape[:2])]
    if depth is None:
        depth = max(1, math.ceil(math.log2(max(sides[0]) / longest)))
    _check_size("depth", depth)
    for _ in range(depth):
        if max(sides[-1]) == 1:
            raise ValueError(f"depth must be at most {len(sides) - 1} for images of shape {image_shape}, not {depth}.")
        sides.append(tuple(math.ceil(side / 2) for side in sides[-1]))
    return sides


def _check_image_shape(image_shape):
    _check_sizes("image_shape", image_shape)
    if len(image_shape) != 3:
        raise ValueError(f"image_shape must be (height, width, channels), not {tuple(image_shape)}.")


def _check_sizes(name, sizes):
    if not isinstance(sizes, (list, tuple)) or not sizes or not all(map(_is_size, sizes)):
        raise ValueError(f"{name} must be a list or tuple of positive integers, not {sizes!r}.")


def _check_size(name, size):
    if not _is_size(size):
        raise ValueError(f"{name} must be a positive integer, not {size!r}.")


def _is_size(size):
    return isinstance(size, numbers.Integral) and size > 0
