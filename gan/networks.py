"""Builders of generators and discriminators: multilayer perceptrons and convolutional networks, sizes as arguments."""

import math
import numbers

import keras
from keras import layers, ops

# A multiple of the stride, so that all pixels of an image are made of as many taps.
GENERATOR_KERNEL = 4
DISCRIMINATOR_KERNEL = 5
LABEL_SIZE = 32
LONGEST_START = 7
LONGEST_END = 4


def build_generator(latent_dim=100, widths=(256, 512, 1024), image_shape=(28, 28, 1), num_classes=None):
    """Builds a multilayer perceptron from latents to images.

    Each hidden layer is Dense, ReLU, BatchNormalization (momentum 0.8); the last one ends in tanh.

    Args:
        latent_dim: Int, length of a latent vector. Default 100.
        widths: Ints, units of the hidden layers from the latents on. Default `(256, 512, 1024)`.
        image_shape: `(height, width, channels)` of the images. Default `(28, 28, 1)`.
        num_classes: Int, number of classes of a generator that is told which to make: each has a vector of its own,
            which is appended to the latents. Default None: it takes latents alone.

    Returns:
        A `keras.Model` from `(batch, latent_dim)`, or from these and labels `(batch,)`, to float images
        `(batch, *image_shape)` in [-1, 1].

    Raises:
        ValueError: A size is not a positive whole number, or `image_shape` has not three of them.

    Example:

    >>> gan.build_generator(latent_dim=64, widths=(128, 256)).output_shape
    (None, 28, 28, 1)
    """
    _check_sizes("widths", widths)
    _check_image_shape(image_shape)
    hidden = []
    for width in widths:
        hidden += [layers.Dense(width, activation="relu"), layers.BatchNormalization(momentum=0.8)]
    # float32 whatever the dtype policy: images and logits leave a network in full precision.
    output = layers.Dense(math.prod(image_shape), activation="tanh", dtype="float32")
    return _generator([*hidden, output, layers.Reshape(image_shape, dtype="float32")], latent_dim, num_classes)


def build_discriminator(image_shape=(28, 28, 1), widths=(512, 256), dropout=0.3, num_classes=None):
    """Builds a multilayer perceptron from images to one logit, positive where it takes an image for real.

    Each hidden layer is Dense, ReLU, Dropout.

    Args:
        image_shape: `(height, width, channels)` of the images. Default `(28, 28, 1)`.
        widths: Ints, units of the hidden layers from the image on. Default `(512, 256)`.
        dropout: Float in [0, 1), the share of units dropped in training. Default 0.3.
        num_classes: Int, number of classes of a discriminator that is told which an image is to be of: the features
            are projected on a vector of the class (Miyato and Koyama 2018, arXiv 1802.05637). Default None: it takes
            images alone.

    Returns:
        A `keras.Model` from float images `(batch, *image_shape)`, or from these and labels `(batch,)`, to logits
        `(batch, 1)`.

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
    hidden = [layers.Flatten()]
    for width in widths:
        hidden += [layers.Dense(width, activation="relu"), layers.Dropout(dropout)]
    return _discriminator(hidden, image_shape, num_classes)


def build_conv_generator(latent_dim=100, width=32, depth=None, image_shape=(28, 28, 1), num_classes=None):
    """Builds a convolutional network from latents to images.

    A Dense layer makes a small image of many channels; `depth` transposed convolutions of 4x4 and stride 2 each double
    its sides and halve its channels, the last one ends in tanh. All others are followed by BatchNormalization and ReLU
    (DCGAN; Radford et al. 2016, arXiv 1511.06434). Sides that are no multiple of `2**depth` are cut on the way.

    Args:
        latent_dim: Int, length of a latent vector. Default 100.
        width: Int, channels before the last convolution, doubled in each one before it. Default 32.
        depth: Int, number of convolutions. Default: as many as make a side of 7 or less the first one, 2 for images
            of 28x28 and 5 for 128x128.
        image_shape: `(height, width, channels)` of the images. Default `(28, 28, 1)`.
        num_classes: As in `build_generator`.

    Returns:
        A `keras.Model` from `(batch, latent_dim)`, or from these and labels `(batch,)`, to float images
        `(batch, *image_shape)` in [-1, 1].

    Raises:
        ValueError: A size is not a positive whole number, `image_shape` has not three of them, or the images are too
            small for `depth`.

    Example:

    >>> gan.build_conv_generator(width=64, image_shape=(64, 64, 3)).output_shape
    (None, 64, 64, 3)
    """
    _check_sizes("width", [width])
    sides = _sides(image_shape, depth, LONGEST_START)
    channels = [image_shape[-1], *(width * 2**level for level in range(len(sides) - 1))]
    start = (*sides[-1], channels[-1])
    hidden = [layers.Dense(math.prod(start), use_bias=False), layers.Reshape(start)]
    for level in range(len(sides) - 2, -1, -1):
        hidden += [layers.BatchNormalization(), layers.ReLU()]
        is_last = level == 0
        hidden.append(layers.Conv2DTranspose(channels[level], GENERATOR_KERNEL, 2, padding="same", use_bias=is_last))
        excess = tuple((0, 2 * small - large) for small, large in zip(sides[level + 1], sides[level], strict=True))
        if any(end for _, end in excess):
            hidden.append(layers.Cropping2D(excess))
    return _generator([*hidden, layers.Activation("tanh", dtype="float32")], latent_dim, num_classes)


def build_conv_discriminator(image_shape=(28, 28, 1), width=32, depth=None, spectral_norm=False, num_classes=None):
    """Builds a convolutional network from images to one logit, positive where it takes an image for real.

    `depth` convolutions of 5x5 and stride 2, each followed by LeakyReLU (0.2), each with twice the channels of the one
    before it (DCGAN; Radford et al. 2016, arXiv 1511.06434, but without BatchNormalization, which would make the
    logit of an image depend on the others in its batch).

    Args:
        image_shape: `(height, width, channels)` of the images. Default `(28, 28, 1)`.
        width: Int, channels after the first convolution. Default 32.
        depth: Int, number of convolutions. Default: as many as make a side of 4 or less the last one, 3 for images of
            28x28 and 5 for 128x128.
        spectral_norm: Bool, whether the largest singular value of every layer is kept at 1 (Miyato et al. 2018,
            arXiv 1802.05957), by `keras.layers.SpectralNormalization`. Default False.
        num_classes: As in `build_discriminator`.

    Returns:
        A `keras.Model` from float images `(batch, *image_shape)`, or from these and labels `(batch,)`, to logits
        `(batch, 1)`.

    Raises:
        ValueError: As in `build_conv_generator`.

    Example:

    >>> gan.build_conv_discriminator((32, 32, 3), spectral_norm=True).output_shape
    (None, 1)
    """
    _check_sizes("width", [width])

    def normalize(layer):
        return layers.SpectralNormalization(layer, dtype=layer.dtype_policy) if spectral_norm else layer

    hidden = []
    for level in range(len(_sides(image_shape, depth, LONGEST_END)) - 1):
        convolution = layers.Conv2D(width * 2**level, DISCRIMINATOR_KERNEL, 2, padding="same")
        hidden += [normalize(convolution), layers.LeakyReLU(0.2)]
    return _discriminator([*hidden, layers.Flatten()], image_shape, num_classes, normalize)


def _generator(hidden, latent_dim, num_classes):
    _check_sizes("latent_dim", [latent_dim])
    latents = keras.Input((latent_dim,))
    if num_classes is None:
        return keras.Sequential([latents, *hidden], name="generator")
    _check_sizes("num_classes", [num_classes])
    labels = keras.Input((), dtype="int32")
    inputs = layers.Concatenate()([latents, layers.Embedding(num_classes, LABEL_SIZE)(labels)])
    return keras.Model([latents, labels], keras.Sequential(hidden)(inputs), name="generator")


def _discriminator(hidden, image_shape, num_classes, normalize=lambda layer: layer):
    images = keras.Input(image_shape)
    logit = normalize(layers.Dense(1, dtype="float32"))
    if num_classes is None:
        return keras.Sequential([images, *hidden, logit], name="discriminator")
    _check_sizes("num_classes", [num_classes])
    labels = keras.Input((), dtype="int32")
    features = keras.Sequential(hidden)(images)
    # Not an Embedding, whose wrapper for spectral normalization would make whole numbers of its vectors.
    embed = normalize(layers.Dense(features.shape[-1], use_bias=False))
    products = layers.Multiply(dtype="float32")([features, embed(ops.one_hot(labels, num_classes))])
    logits = logit(features) + ops.sum(products, axis=-1, keepdims=True)
    return keras.Model([images, labels], logits, name="discriminator")


def _sides(image_shape, depth, longest):
    """`(height, width)` of an image before and after each of `depth` halvings, rounded up; by default to `longest`."""
    _check_image_shape(image_shape)
    sides = [tuple(image_shape[:2])]
    if depth is None:
        depth = max(1, math.ceil(math.log2(max(sides[0]) / longest)))
    _check_sizes("depth", [depth])
    for _ in range(depth):
        if max(sides[-1]) == 1:
            raise ValueError(f"depth must be at most {len(sides) - 1} for images of {image_shape}, not {depth}.")
        sides.append(tuple(math.ceil(side / 2) for side in sides[-1]))
    return sides


def _check_image_shape(image_shape):
    _check_sizes("image_shape", image_shape)
    if len(image_shape) != 3:
        raise ValueError(f"image_shape must be (height, width, channels), not {tuple(image_shape)}.")


def _check_sizes(name, sizes):
    is_list = isinstance(sizes, (list, tuple)) and sizes
    if not is_list or not all(isinstance(size, numbers.Integral) and size > 0 for size in sizes):
        raise ValueError(f"{name} must be positive whole numbers, not {sizes}.")
