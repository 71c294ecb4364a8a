"""Grids on the page: transparent between the images, one of them framed, and the cell at a position."""

import math

import numpy as np

from gan import images as pictures

PADDING = 2
PIXELS = 480
FRAME_COLOR = 124, 58, 237
TITLE_COLOR = 128, 128, 140


def choose_columns(kinds):
    """Returns how many columns a grid has: one or more for each class if that fits, else 8."""
    return kinds * max(1, 8 // kinds) if 0 < kinds <= 16 else 8


def draw(images, columns, titles=None, framed=None):
    """Draws a grid.

    Args:
        images: uint8 array `(count, height, width, 1 or 3)`.
        columns: Int.
        titles: List of strings, one per column. Defaults to None: no titles.
        framed: Int, index of the image with a frame. Defaults to None: no image has one.

    Returns:
        uint8 array `(height, width, 4)`.
    """
    colors = np.broadcast_to(images, (*images.shape[:3], 3))
    # An opaque image has a fourth channel of 255, and the gutter that `grid` draws gets one of 0.
    opaque = np.full((*images.shape[:3], 1), 255, "uint8")
    alpha = pictures.grid(opaque, columns, PADDING) // 255 * 255
    picture = np.concatenate([pictures.grid(colors, columns, PADDING), alpha], axis=2)
    picture = np.pad(picture, ((PADDING, PADDING), (PADDING, PADDING), (0, 0)))
    if framed is not None:
        _, height, width, _ = images.shape
        row, column = divmod(framed, columns)
        top, left = row * (height + PADDING), column * (width + PADDING)
        frame = picture[top : top + height + 2 * PADDING, left : left + width + 2 * PADDING]
        frame[frame[..., 3] == 0] = *FRAME_COLOR, 255
    picture = pictures.enlarge(picture, PIXELS)
    return _add_titles(picture, titles) if titles else picture


def _add_titles(picture, titles):
    titled = pictures.add_titles(picture[..., :1], titles)
    strip = titled[: len(titled) - len(picture)]
    color = np.broadcast_to(np.array(TITLE_COLOR, "uint8"), (*strip.shape[:2], 3))
    return np.concatenate([np.concatenate([color, 255 - strip], axis=2), picture])


def find_cell(position, image_shape, count, columns, titles=None):
    """Returns the index of the image at a position of a grid; None between and beside the images.

    Args:
        position: `(x, y)` in the pixels of the grid that `draw` returned.
        image_shape: `(height, width, channels)` of an image.
        count: Int, number of images.
        columns: Int, number of columns.
        titles: As in `draw`.
    """
    whole = draw(np.zeros((count, *image_shape), "uint8"), columns, titles)
    height, width = (side + PADDING for side in image_shape[:2])
    scale = whole.shape[1] // (columns * width + PADDING)
    rows = math.ceil(count / columns)
    above = whole.shape[0] - scale * (rows * height + PADDING)
    column = (position[0] // scale - PADDING) // width
    row = ((position[1] - above) // scale - PADDING) // height
    index = int(row * columns + column)
    return index if 0 <= column < columns and row >= 0 and index < count else None
