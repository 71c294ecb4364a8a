"""Arrays of images: their range, their layout in a grid, their size."""

import math

import numpy as np

PICTURE_PIXELS = 480
# Middle gray stands out from black digits' backgrounds as well as from white ones, and adds no color.
GUTTER = 128


def format_shape(shape):
    """Formats the shape of an image for a message: `"28x28x1"`.

    Args:
        shape: Ints, such as `(height, width, channels)`.
    """
    return "x".join(map(str, shape))


def check(images, shape):
    """Checks that a GAN can train on these images.

    Args:
        images: Array `(count, *shape)`, one batch or a whole set.
        shape: `(height, width, channels)` of each image.

    Raises:
        TypeError: The images are not floats.
        ValueError: There are no images, they have another shape, or they contain NaN, infinity or a value outside
            [-1, 1].
    """
    if images.shape[1:] != tuple(shape):
        raise ValueError(
            f"images must be {format_shape(shape)} each, an array (batch, {', '.join(map(str, shape))}), as the "
            f"networks expect; the array has the shape {images.shape}."
        )
    if not len(images):
        raise ValueError("there are no images: pass at least one.")
    if not np.issubdtype(images.dtype, np.floating):
        raise TypeError(f"images must be floats in [-1, 1], not {images.dtype}: scale them by images / 127.5 - 1.")
    low, high = images.min(), images.max()
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ValueError("images must be finite, but they contain NaN or infinity.")
    if low < -1 or high > 1:
        if low < 0:
            likely = ""
        elif high > 2:
            likely = " They look like 0..255: scale them by images / 127.5 - 1."
        else:
            likely = " They look like 0..1: scale them by images * 2 - 1."
        raise ValueError(f"images must lie in [-1, 1], not in [{low:.4g}, {high:.4g}].{likely}")


def to_uint8(images):
    """Converts float images in [-1, 1] to uint8, rounding to the nearest of 0 to 255.

    Args:
        images: Float array of any shape. Values outside [-1, 1] are clipped.

    Returns:
        uint8 array of the same shape.
    """
    return np.clip(np.rint((np.asarray(images, "float32") + 1) * 127.5), 0, 255).astype("uint8")


def to_float(images):
    """Converts uint8 images to float32 images in [-1, 1].

    Args:
        images: uint8 array of any shape.

    Returns:
        float32 array of the same shape.
    """
    return np.asarray(images, "float32") / np.float32(127.5) - 1


def grid(images, columns, padding=0):
    """Arranges images in a grid, row by row.

    Args:
        images: uint8 array `(count, height, width, channels)`.
        columns: Int, number of images in a row. Empty cells of the last row are middle gray.
        padding: Int, width in pixels of the middle-gray gutter between neighboring images. Defaults to 0.

    Returns:
        uint8 array `(rows * (height + padding) - padding, columns * (width + padding) - padding, channels)`.

    Example:

    >>> gan.images.grid(np.zeros((16, 28, 28, 1), "uint8"), columns=4, padding=2).shape
    (118, 118, 1)
    """
    count, height, width, channels = images.shape
    rows = math.ceil(count / columns)
    cells = np.full((rows * columns, height + padding, width + padding, channels), GUTTER, "uint8")
    cells[:count, :height, :width] = images
    cells = cells.reshape(rows, columns, height + padding, width + padding, channels)
    picture = cells.transpose(0, 2, 1, 3, 4).reshape(rows * cells.shape[2], columns * cells.shape[3], channels)
    return picture[: picture.shape[0] - padding, : picture.shape[1] - padding]


def enlarge(picture, pixels=PICTURE_PIXELS):
    """Enlarges a small picture by a whole number, without blurring it.

    Args:
        picture: uint8 array `(height, width, channels)`.
        pixels: Int. The result has about as many pixels as a square of this side. Defaults to 480.

    Returns:
        uint8 array `(scale * height, scale * width, channels)`, with a `scale` of at least 1.
    """
    scale = max(1, round(pixels / math.sqrt(math.prod(picture.shape[:2]))))
    return picture.repeat(scale, axis=0).repeat(scale, axis=1)
