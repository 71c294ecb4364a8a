"""Titles above the columns of a grid."""

import numpy as np
from PIL import Image, ImageDraw

from gan.images.animation import frame_step, load_font

# The size in a frame of an animation. If tall titles make the frame smaller, it is two thirds of this.
FRAME_TEXT_PIXELS = 10
LINE_HEIGHT = 1.2
MOST_LETTERS = 24


def add_titles(picture, titles):
    """Writes a title above each column of a grid.

    The titles are horizontal if all of them fit above their columns, and vertical otherwise. A title of more than 24
    letters is shortened. The font, DejaVu Sans, covers Latin, Greek, Cyrillic and many other scripts, but not Chinese,
    Japanese and Korean, whose characters become boxes.

    Args:
        picture: uint8 array `(height, width, 1 or 3)`, a grid that `enlarge` has returned.
        titles: List of strings, one per column.

    Returns:
        uint8 array `(height + height of the titles, width, channels)`.

    Example:

    ```python
    images = gan.images.to_uint8(model.generate(16, seed=0))
    grid = gan.images.enlarge(gan.images.grid(images, columns=4, padding=2))
    gan.images.save_picture("samples.png", gan.images.add_titles(grid, ["north", "east", "south", "west"]))
    ```
    """
    strip = _draw_strip([_shorten(title) for title in titles], picture.shape[1], frame_step(picture))
    return np.concatenate([np.broadcast_to(strip, (*strip.shape[:2], picture.shape[2])), picture])


def _shorten(title):
    title = " ".join(title.split())
    return title if len(title) <= MOST_LETTERS else f"{title[: MOST_LETTERS - 1].rstrip()}…"


def _draw_strip(titles, width, step):
    """Draws black titles on white, for a grid whose frames average blocks of side `step`."""
    pitch = width / len(titles)
    font = load_font(max(1, min(FRAME_TEXT_PIXELS * step, int(pitch / LINE_HEIGHT))))
    labels = [_draw_label(title, font) for title in titles]
    if max(label.shape[1] for label in labels) > pitch - font.size / 2:
        labels = [np.rot90(label) for label in labels]
    margin = font.size // 4
    # The height is a multiple of the block's side, even if tall titles make the blocks larger, so that the frames of an
    # animation keep the pixels of the grid.
    block = step * (step + 1)
    height = -(-(max(label.shape[0] for label in labels) + 2 * margin) // block) * block
    strip = np.full((height, width, 1), 255, "uint8")
    for column, label in enumerate(labels):
        bottom, left = height - margin, round((column + 0.5) * pitch - label.shape[1] / 2)
        strip[bottom - label.shape[0] : bottom, left : left + label.shape[1], 0] = label
    return strip


def _draw_label(title, font):
    ascent, descent = font.getmetrics()
    image = Image.new("L", (max(1, round(font.getlength(title))), ascent + descent), 255)
    ImageDraw.Draw(image).text((0, ascent), title, fill=0, font=font, anchor="ls")
    return np.asarray(image)
