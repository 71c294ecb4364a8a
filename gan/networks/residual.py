"""Builders of residual networks for square images: those of R3GAN."""

from keras import initializers, layers

from gan.layers import Downsampling, LearnedStart, ResidualBlock, Upsampling, scaled_normal
from gan.networks import parts

SMALLEST, LARGEST = 16, 256
LONGEST_START = 4
# Channels at low resolutions, as a multiple of those at full size.
WIDEST = 4


def build_residual_generator(
    latent_dim=64,
    widths=16,
    blocks=1,
    expansion=2,
    group_size=16,
    image_shape=(32, 32, 3),
    num_classes=None,
):
    """Builds a residual generator.

    It starts from learned images of at most 4x4 pixels, one for each channel. At each resolution, residual blocks
    (1x1, grouped 3x3 and 1x1 convolution; `gan.layers.ResidualBlock`) follow. Between two resolutions, a 1x1
    convolution changes the number of channels, and the images are doubled and smoothed. A 1x1 convolution and tanh
    end it. If a side is not a multiple of a power of 2, the excess is cropped. There is no normalization.

    Source: Huang et al. 2025 (R3GAN), arXiv 2501.05441. Its images end without tanh.

    Args:
        latent_dim: Int. Length of a latent vector. Defaults to 64.
        widths: Int or tuple of ints. An int is the number of channels at full size; each halving of the size doubles
            it, up to four times. A tuple is the channels at each resolution, from the smallest to the largest: 3 for
            16x16, 4 for 28x28 and 32x32, 7 for 256x256. Defaults to 16.
        blocks: Int. Residual blocks at each resolution. Defaults to 1.
        expansion: Int. Channels inside of a block, as a multiple of the channels between blocks. Defaults to 2.
        group_size: Int. Channels of a group of the 3x3 convolutions. Must divide `expansion` times each width.
            Defaults to 16.
        image_shape: Tuple `(side, side, channels)`. Shape of the images, from 16x16 to 256x256. Defaults to
            `(32, 32, 3)`.
        num_classes: Int. Number of classes of a conditional generator, as in `build_generator`. Defaults to None.

    Returns:
        A `keras.Model` that maps latents `(batch, latent_dim)` to float images `(batch, *image_shape)` in [-1, 1].
        With `num_classes`, its inputs are `[latents, labels]`, where labels are ints `(batch,)`.

    Raises:
        ValueError: A size is not a positive integer, the images are not square or too small or large, the number of
            widths does not suit them, or `group_size` does not divide the channels.

    Example:

    >>> gan.build_residual_generator(widths=(32, 32, 16), image_shape=(16, 16, 1)).output_shape
    (None, 16, 16, 1)
    """
    sides, widths = _resolutions(image_shape, widths, blocks, expansion, group_size)
    hidden = [LearnedStart(sides[0], widths[0])]
    for level, width in enumerate(widths):
        if level:
            hidden += [*_change(widths[level - 1], width), Upsampling()]
            if excess := 2 * sides[level - 1] - sides[level]:
                hidden.append(layers.Cropping2D(((0, excess), (0, excess))))
        hidden += _blocks(blocks, len(widths), expansion, group_size)
    output = layers.Conv2D(image_shape[-1], 1, kernel_initializer=scaled_normal(1))
    return parts.generator([*hidden, output, layers.Activation("tanh", dtype="float32")], latent_dim, num_classes)


def build_residual_discriminator(
    image_shape=(32, 32, 3),
    widths=16,
    blocks=1,
    expansion=2,
    group_size=16,
    num_classes=None,
):
    """Builds a residual discriminator, the mirror image of `build_residual_generator`.

    Residual blocks at each resolution are followed by smoothing and halving, and a 1x1 convolution. A depthwise
    convolution as large as the last images ends it. The output is one logit per image; above 0 means "real".

    Source: Huang et al. 2025 (R3GAN), arXiv 2501.05441.

    Args:
        image_shape: As in `build_residual_generator`.
        widths: Int or tuple of ints, as in `build_residual_generator`. Defaults to 16.
        blocks: As in `build_residual_generator`.
        expansion: As in `build_residual_generator`.
        group_size: As in `build_residual_generator`.
        num_classes: Int. Number of classes of a conditional discriminator, as in `build_discriminator`. Defaults to
            None.

    Returns:
        A `keras.Model` that maps float images `(batch, *image_shape)` to logits `(batch, 1)`. With `num_classes`, its
        inputs are `[images, labels]`, where labels are ints `(batch,)`.

    Raises:
        ValueError: As in `build_residual_generator`.

    Example:

    >>> gan.build_residual_discriminator((16, 16, 1), widths=(32, 32, 16)).output_shape
    (None, 1)
    """
    sides, widths = _resolutions(image_shape, widths, blocks, expansion, group_size)
    hidden = [layers.Conv2D(widths[-1], 1, kernel_initializer=scaled_normal(1))]
    for level in range(len(widths) - 1, -1, -1):
        hidden += _blocks(blocks, len(widths), expansion, group_size)
        if level:
            hidden += [Downsampling(), *_change(widths[level], widths[level - 1])]
    # One output of each channel, with the variance of the channel.
    scale = initializers.RandomNormal(stddev=1 / sides[0])
    end = layers.DepthwiseConv2D(sides[0], use_bias=False, depthwise_initializer=scale)
    return parts.discriminator([*hidden, end, layers.Flatten()], image_shape, num_classes)


def _blocks(blocks, stages, expansion, group_size):
    return [ResidualBlock(blocks * stages, expansion, group_size) for _ in range(blocks)]


def _change(width, other):
    """A 1x1 convolution if the number of channels changes."""
    if width == other:
        return []
    return [layers.Conv2D(other, 1, use_bias=False, kernel_initializer=scaled_normal(1))]


def _resolutions(image_shape, widths, blocks, expansion, group_size):
    """Returns the side of the images and the number of channels at each resolution, from the smallest."""
    parts.check_image_shape(image_shape)
    height, width, _ = image_shape
    if height != width or not SMALLEST <= height <= LARGEST:
        raise ValueError(
            f"image_shape must be that of square images from {SMALLEST}x{SMALLEST} to {LARGEST}x{LARGEST}, "
            f"not {tuple(image_shape)}."
        )
    sides = [side for side, _ in parts.halve_sides(image_shape, None, LONGEST_START)][::-1]
    if not isinstance(widths, (list, tuple)):
        parts.check_size("widths", widths)
        widths = [widths * min(2**level, WIDEST) for level in range(len(sides))][::-1]
    parts.check_sizes("widths", widths)
    if len(widths) != len(sides):
        raise ValueError(
            f"widths must be {len(sides)} numbers for images of {height}x{width}, one for each resolution "
            f"({', '.join(map(str, sides))}), not {len(widths)}."
        )
    for name, size in (("blocks", blocks), ("expansion", expansion), ("group_size", group_size)):
        parts.check_size(name, size)
    if any(width * expansion % group_size for width in widths):
        raise ValueError(
            f"group_size must divide expansion ({expansion}) times the channels at each resolution, {tuple(widths)}, "
            f"and {group_size} does not."
        )
    return sides, widths
