"""Arrays of images in `.npz` files and in IDX files, the format of MNIST."""

import gzip
import math
import zipfile
import zlib

import numpy as np

from gan.text import format_count, format_shape

# The original files call the test set t10k.
_IDX_NAMES = {"train": ("train",), "test": ("test", "t10k")}


def read_npz(path):
    """Reads the arrays `x_train`, `y_train`, `x_test` and `y_test`, of which only the first is required.

    Args:
        path: `pathlib.Path`.

    Returns:
        Two pairs of images and labels, for training and test. Labels are None if there are none, and so is the second
        pair.

    Raises:
        ValueError: The file cannot be read, or its arrays are not images and labels.
    """
    try:
        with np.load(path) as file:
            arrays = {name: file[name] for name in ("x_train", "y_train", "x_test", "y_test") if name in file}
            names = list(file)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is damaged or not an .npz file ({error}).") from error
    if "x_train" not in arrays:
        raise ValueError(f"{path} must hold an array x_train. It holds {', '.join(names) or 'no array'}.")
    return tuple(
        _check_set(path, split, arrays.get(f"x_{split}"), arrays.get(f"y_{split}")) for split in ("train", "test")
    )


def has_idx(folder):
    """Whether a folder holds an IDX file of training images."""
    return bool(_find_idx(folder, "train", 3))


def has_whole_idx(folder):
    """Whether a folder holds IDX files of training and test images and of the labels of both."""
    return all(_find_idx(folder, split, dimensions) for split in _IDX_NAMES for dimensions in (1, 3))


def read_idx_folder(folder):
    """Reads the IDX files of a folder, gzipped or not, of which only the training images are required.

    Args:
        folder: `pathlib.Path`.

    Returns:
        As in `read_npz`.

    Raises:
        ValueError: A file cannot be read, there are several files of a kind, or labels do not match their images.
    """

    def read(split, dimensions):
        paths = _find_idx(folder, split, dimensions)
        if len({path.name.removesuffix(".gz") for path in paths}) > 1:
            raise ValueError(
                f"{folder} holds several data sets: {', '.join(path.name for path in paths)}. "
                "Use a folder with only one of them."
            )
        return _read_idx(paths[0], dimensions) if paths else None

    return tuple(_check_set(folder, split, read(split, 3), read(split, 1)) for split in ("train", "test"))


def _find_idx(folder, split, dimensions):
    return sorted(path for name in _IDX_NAMES[split] for path in folder.glob(f"*{name}*idx{dimensions}-ubyte*"))


def _read_idx(path, dimensions):
    try:
        with gzip.open(path) if path.suffix == ".gz" else open(path, "rb") as file:
            content = file.read()
    except (zlib.error, EOFError, OSError) as error:
        raise ValueError(f"{path} cannot be read ({error}).") from error
    # Two zero bytes, the type (8: unsigned bytes), the number of dimensions, each dimension as a big-endian integer.
    start = 4 + 4 * dimensions
    if len(content) < start or content[:4] != bytes([0, 0, 8, dimensions]):
        raise ValueError(f"{path} is not an IDX file of {'images' if dimensions == 3 else 'labels'}.")
    shape = tuple(map(int, np.frombuffer(content[4:start], ">u4")))
    values = np.frombuffer(content[start:], "uint8")
    if len(values) != math.prod(shape):
        raise ValueError(
            f"{path} is damaged: its header announces {format_shape(shape)} bytes, but {len(values):,} follow."
        )
    return values.reshape(shape)


def _check_set(path, split, images, labels):
    """Pairs images with their labels; None if there are no images."""
    if images is None:
        return None
    kind = "training" if split == "train" else split
    if images.dtype != np.uint8:
        raise ValueError(f"{path} must hold its {kind} images as bytes (uint8) from 0 to 255, not as {images.dtype}.")
    if labels is None:
        return images, None
    labels = labels.ravel()
    if len(labels) != len(images) or not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(
            f"{path} must hold a whole number as the label of each {kind} image. It holds "
            f"{format_count(len(images), 'image')} and {format_count(len(labels), 'label')} of {labels.dtype}."
        )
    return images, labels
