"""Pictures as files."""

from pathlib import Path

import numpy as np
from PIL import Image

from gan.files import written_whole

# A generated image has few pixels, which are enlarged: what a format blurs by default would be seen.
_OPTIONS = {
    ".png": {},
    ".jpg": {"quality": 95, "subsampling": 0},
    ".jpeg": {"quality": 95, "subsampling": 0},
    ".webp": {"lossless": True},
}


def save_picture(path, picture):
    """Writes a picture as PNG, JPEG or WebP, depending on the suffix of its path.

    PNG and WebP are lossless; JPEG has a quality of 95.

    Args:
        path: The file to write: `.png`, `.jpg`, `.jpeg` or `.webp`. A write that fails leaves no partial file.
        picture: uint8 array `(height, width, 1 or 3)`.

    Raises:
        ValueError: The path has another suffix.

    Example:

    ```python
    images = gan.images.to_uint8(model.generate(16, seed=0))
    gan.images.save_picture("samples.webp", gan.images.enlarge(gan.images.grid(images, columns=4, padding=2)))
    ```
    """
    options = _OPTIONS.get(Path(path).suffix.lower())
    if options is None:
        raise ValueError(f"a picture must be named .png, .jpg, .jpeg or .webp, not {path}.")
    with written_whole(path) as partial:
        to_pillow(picture).save(partial, **options)


def read_picture(path):
    """Reads a picture.

    Args:
        path: A file of any format that Pillow reads.

    Returns:
        uint8 array `(height, width, 1)` if the file is grayscale, else `(height, width, 3)`.
    """
    with Image.open(path) as image:
        picture = np.asarray(image if image.mode == "L" else image.convert("RGB"))
    return picture[..., np.newaxis] if picture.ndim == 2 else picture


def to_pillow(picture):
    """Converts a uint8 array `(height, width, 1 or 3)` to a Pillow image."""
    return Image.fromarray(picture[..., 0] if picture.shape[-1] == 1 else picture)
