"""Arrays of images become grids, picture files, animations and curves. Nothing here depends on a model."""

from gan.images.animation import add_captions, save_animation, to_frame
from gan.images.arrays import check, enlarge, format_shape, grid, to_float, to_uint8
from gan.images.files import read_picture, save_picture
from gan.images.plots import label_logarithmically, save_curves, save_figure, save_panels
from gan.images.titles import add_titles

__all__ = [
    "add_captions",
    "add_titles",
    "check",
    "enlarge",
    "format_shape",
    "grid",
    "label_logarithmically",
    "read_picture",
    "save_animation",
    "save_curves",
    "save_figure",
    "save_panels",
    "save_picture",
    "to_float",
    "to_frame",
    "to_uint8",
]
