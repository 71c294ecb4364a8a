"""Builders of convolutional networks for images of any size."""

import math

from keras import layers

from gan.layers import BatchNormalization, Smoothing, SpectralNormalization
from gan.networks import parts

# A multiple of the stride, so that the same number of taps contributes to every pixel.
GENERATOR_KERNEL = 4
DISCRIMINATOR_KERNEL = 5
LONGEST_START = 7
LONGEST_END = 4


def build_conv_generator(latent_dim=100, width=32, depth=None, image_shape=(28, 28, 1), num_classes=None):
    """Builds a convolutional generator.

    A Dense layer produces a small image with many channels. Each of `depth` transposed convolutions (4x4, stride 2)
    then doubles height and width and halves the number of channels. BatchNormalization and ReLU precede each
    convolution. If a side is not a multiple of `2**depth`, the excess is cropped. Smoothing by [1, 2, 1] and tanh
    follow the last one, so images have no checkerboards, nor other detail that alternates from pixel to pixel.

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
    parts.check_size("width", width)
    sides = parts.halve_sides(image_shape, depth, LONGEST_START)
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
    return parts.generator([*hidden, Smoothing(), layers.Activation("tanh", dtype="float32")], latent_dim, num_classes)


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
    parts.check_size("width", width)

    def normalize(layer):
        return SpectralNormalization(layer, dtype=layer.dtype_policy) if spectral_norm else layer

    hidden = []
    for level in range(len(parts.halve_sides(image_shape, depth, LONGEST_END)) - 1):
        convolution = layers.Conv2D(width * 2**level, DISCRIMINATOR_KERNEL, 2, padding="same")
        hidden += [normalize(convolution), layers.LeakyReLU(0.2)]
    return parts.discriminator([*hidden, layers.Flatten()], image_shape, num_classes, normalize)
