"""Folders of JPEG, PNG and GIF files."""

import functools

from PIL import Image, UnidentifiedImageError

SUFFIXES = (".gif", ".jpeg", ".jpg", ".png")


def find_images(folder):
    """Lists the images in a folder and its subfolders, and checks that each file is one.

    Args:
        folder: `pathlib.Path`.

    Returns:
        Sorted list of `pathlib.Path`.

    Raises:
        ValueError: There are no images, or one is damaged.
    """
    paths = sorted(path for path in folder.rglob("*") if _is_image(path))
    if not paths:
        raise ValueError(f"{folder} holds no images ({', '.join(SUFFIXES)}) and no IDX files.")
    for path in paths:
        status = path.stat()
        _check(path, status.st_size, status.st_mtime_ns)
    return paths


def count_others(folder):
    """Counts the files in a folder and its subfolders that `find_images` skips."""
    return sum(path.is_file() and not _is_image(path) for path in folder.rglob("*"))


def _is_image(path):
    return path.suffix.lower() in SUFFIXES


@functools.cache
def _check(path, size, modified):
    """Refuses a file that is not an image. Size and time of modification only make sure that a new file is checked."""
    try:
        with Image.open(path, formats=("GIF", "JPEG", "PNG")) as image:
            image.verify()
    except (UnidentifiedImageError, OSError, SyntaxError) as error:
        raise ValueError(f"{path} is not an image, or it is damaged ({error}).") from error
