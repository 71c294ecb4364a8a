"""A picture file becomes an array of bytes, as people see it."""

import contextlib
import hashlib
import os
import warnings
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageColor, ImageOps, UnidentifiedImageError

FORMATS = ("BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP")
SUFFIXES = (".bmp", ".gif", ".heic", ".heif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
# The bytes 4 to 11 of HEIC files, the pictures of phones.
HEIC_BRANDS = (b"ftypheic", b"ftypheix", b"ftyphevc", b"ftypheim", b"ftypheis", b"ftypmif1", b"ftypmsf1")
MAX_PIXELS = 400_000_000

with contextlib.suppress(ImportError):
    import pillow_heif

    pillow_heif.register_heif_opener()
    FORMATS += ("HEIF",)


def parse_color(name):
    """Returns the color of a name or of `"#rrggbb"` as `(red, green, blue)`, from 0 to 255 each."""
    try:
        return ImageColor.getrgb(name)[:3]
    except (AttributeError, TypeError, ValueError) as error:
        raise ValueError(f"background must be a color such as white or #ff8000, not {name!r}.") from error


class Reading(NamedTuple):
    """What was found in a file.

    Attributes:
        pixels: uint8 array of the image's shape, or None if the file is no picture or cannot be read.
        size: `(width, height)` of the picture in the file.
        is_transparent: Bool, whether a part of the picture is transparent.
        is_cropped: Bool, whether at least a row or a column of pixels of the result is cropped.
        digest: Bytes, the SHA-256 of the file.
        problem: String that says why a picture cannot be read, or None. A file that is no picture has none.
    """

    pixels: np.ndarray | None = None
    size: tuple | None = None
    is_transparent: bool = False
    is_cropped: bool = False
    digest: bytes = b""
    problem: str | None = None


def read_picture(path, image_shape, background):
    """Reads a picture as people see it: upright, its first frame, in 8 bits, on a background where it is transparent.

    The content decides the format, not the name. The largest centered rectangle with the proportions of `image_shape`
    is cropped and resized.

    Args:
        path: String or `pathlib.Path`.
        image_shape: `(height, width, 1 or 3)`.
        background: `(red, green, blue)`, from 0 to 255 each.

    Returns:
        A `Reading`, also of a damaged file: nothing that a file contains raises an exception.
    """
    try:
        with open(path, "rb") as file, _any_size(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                Image.open(file, formats=FORMATS).verify()
            except UnidentifiedImageError:
                return Reading(problem=_explain(path, file))
            file.seek(0)
            digest = hashlib.file_digest(file, "sha256").digest()
            with Image.open(file, formats=FORMATS) as image:
                return _read(image, image_shape, background, digest)
    # Damaged files make Pillow raise exceptions of nearly every kind.
    except Exception as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return Reading(problem=reason.splitlines()[0])


def read_pictures(paths, image_shape, background="white"):
    """Reads pictures as training on a folder does: upright, cropped around their center, and resized.

    Args:
        paths: List of paths.
        image_shape: Tuple `(height, width, 1 or 3)`.
        background: String, the color behind transparent pictures, as a name or `"#rrggbb"`. Defaults to `"white"`.

    Returns:
        uint8 array `(len(paths), *image_shape)`.

    Raises:
        ValueError: There are no paths, a file is no picture or cannot be read, `background` is no color, or images
            have another number of channels.

    Example:

    >>> gan.images.save_picture("wide.png", np.zeros((30, 40, 1), "uint8"))
    >>> gan.datasets.read_pictures(["wide.png"], (28, 28, 1)).shape
    (1, 28, 28, 1)
    """
    if isinstance(paths, (str, os.PathLike)) or not paths:
        raise ValueError(f"paths must be a list of at least one path, not {paths!r}.")
    if len(image_shape) != 3 or image_shape[2] not in (1, 3):
        raise ValueError(f"image_shape must be (height, width, 1 or 3), not {tuple(image_shape)}.")
    color = parse_color(background)
    readings = [read_picture(path, image_shape, color) for path in paths]
    for path, reading in zip(paths, readings, strict=True):
        if reading.pixels is None:
            raise ValueError(f"{path} cannot be read: {reading.problem or 'not a picture'}.")
    return np.stack([reading.pixels for reading in readings])


@contextlib.contextmanager
def _any_size():
    """Lifts Pillow's own limit, which is below the size of scans and panoramas."""
    limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = limit


def _explain(path, file):
    """Says why Pillow does not recognize a file that should be a picture; None for other files."""
    file.seek(4)
    if file.read(8) in HEIC_BRANDS:
        if "HEIF" in FORMATS:
            return "a damaged HEIC picture"
        return "HEIC pictures need the package pillow-heif, which the extra 'heic' installs"
    return "not a picture" if str(path).lower().endswith(SUFFIXES) else None


def _read(image, image_shape, background, digest):
    height, width, channels = image_shape
    if image.width * image.height > MAX_PIXELS:
        return Reading(problem=f"{image.width:,}x{image.height:,} pixels, more than {MAX_PIXELS:,}")
    size = image.size
    # JPEG files can be decoded at a half, a quarter or an eighth of their size, which is much faster.
    image.draft(None, (2 * max(height, width),) * 2)
    image = ImageOps.exif_transpose(image)
    image, is_transparent = _flatten(_to_8_bits(image), background)
    scales = image.width / width, image.height / height
    is_cropped = max(scales) - min(scales) >= min(scales) / max(width, height)
    image = ImageOps.fit(image.convert("L" if channels == 1 else "RGB"), (width, height), Image.Resampling.BICUBIC)
    return Reading(np.asarray(image).reshape(image_shape), size, is_transparent, is_cropped, digest)


def _to_8_bits(image):
    """Scales 16 bits to 8. Pillow's own conversion would clip them at 255."""
    if not image.mode.startswith(("I", "F")):
        return image
    values = np.asarray(image)
    if image.mode == "F" or values.min() < 0 or values.max() > 65535:
        raise ValueError("its pixels have more than 16 bits")
    # Whole numbers of 32 bits may be bytes.
    is_bytes = image.mode == "I" and values.max() <= 255
    return Image.fromarray((values if is_bytes else values // 257).astype("uint8"))


def _flatten(image, background):
    """Puts a picture on a background; also returns whether this made a difference."""
    if not image.has_transparency_data:
        return image, False
    image = image.convert("RGBA")
    if image.getchannel("A").getextrema()[0] == 255:
        return image, False
    return Image.alpha_composite(Image.new("RGBA", image.size, (*background, 255)), image), True
