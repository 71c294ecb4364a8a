"""A name, a path or an array becomes a set of images."""

import numbers
import os
import sys
from pathlib import Path

import numpy as np

from gan.datasets import cache, formats, published
from gan.datasets.image_set import ImageSet
from gan.datasets.splits import hold_out
from gan.datasets.stacking import stack
from gan.text import format_count, format_shape

STACKED_PREFIX = "stacked:"

_NAMED = {
    "mnist": lambda: published.read("mnist"),
    "fashion_mnist": lambda: published.read("fashion_mnist"),
    "mnist5k": published.read_mnist5k,
    "stacked_mnist": lambda: _read_stacked("mnist"),
    "stacked_mnist5k": lambda: _read_stacked("mnist5k"),
}
_FALLBACKS = {"auto": ("mnist", "mnist5k"), "stacked_mnist": ("stacked_mnist", "stacked_mnist5k")}


def open_source(source="auto", image_shape=None, background="white", skip_damaged=False, images=None, labels=None):
    """Opens a source of images, to look at it, and to pass it to `load` and `read` several times.

    The first call decodes the pictures of a folder into a file. Later calls map this file into memory.

    Args:
        source: As in `load`.
        image_shape: As in `load`.
        background: As in `load`.
        skip_damaged: As in `load`.
        images: As in `load`.
        labels: Int array `(count,)`, the labels of `images`. Default None.

    Returns:
        A `gan.datasets.ImageSet`.

    Raises:
        ValueError: As in `load`.

    Example:

    >>> gan.datasets.open_source("mnist5k").fingerprint[:8]
    'b2d8751a'
    """
    if images is not None:
        if source != "auto":
            raise ValueError("source and images exclude each other: pass one of them.")
        return ImageSet("images", _check_array(images, labels, image_shape))
    if labels is not None:
        raise ValueError("labels as an array need images=, the array of their images.")
    if not isinstance(source, (str, os.PathLike)):
        raise ValueError(f"source must be a name or a path, not {type(source).__name__}. Pass an array as images=.")
    source = resolve(source)
    if _is_folder_of_pictures(source):
        return _open_folder(Path(source), image_shape, background, skip_damaged)
    sets = [
        None if pair is None else (check_images(source, pair[0], image_shape), pair[1]) for pair in read_sets(source)
    ]
    return ImageSet(source, *sets)


def read(source, image_shape=None, split=None, **options):
    """Reads the images and labels of a source.

    Args:
        source: As in `load`, or what `open_source` returned.
        image_shape: As in `load`.
        split: As in `load`.
        **options: `background`, `skip_damaged` and `images`, as in `load`.

    Returns:
        A pair of images `(count, height, width, channels)` and labels: an integer array `(count,)`, or None if there
        are none. The images are bytes (uint8), or floats if you pass an array of floats. The pictures of a folder are
        mapped from a file, but a split of them is copied into memory.

    Raises:
        ValueError: As in `load`.

    Example:

    >>> images, labels = gan.datasets.read("mnist5k", split="test")
    >>> images.shape, labels.shape
    ((500, 28, 28, 1), (500,))
    """
    images, labels, rows = as_image_set(source, image_shape, **options).split(split)
    if len(rows) == len(images):
        return images, labels
    return images[rows], None if labels is None else labels[rows]


def as_image_set(source, image_shape=None, **options):
    """Returns what `open_source` has opened, or opens a source."""
    if not isinstance(source, ImageSet):
        return open_source(source, image_shape, **options)
    if image_shape is not None and tuple(image_shape) != tuple(source.image_shape):
        raise ValueError(
            f"{source.name} was opened with an image_shape of {format_shape(source.image_shape)}, not "
            f"{format_shape(image_shape)}."
        )
    return source


def resolve(source):
    """Decides which source `"auto"` and `"stacked_mnist"` stand for on this machine.

    If MNIST is neither found nor downloaded, a line on stderr says so. To repeat this at the end of a program, compare
    the returned source with the requested one.

    Args:
        source: As in `load`.

    Returns:
        The source itself, with these exceptions: `"auto"` becomes `"mnist"` or `"mnist5k"`, and `"stacked_mnist"`
        becomes `"stacked_mnist5k"` if there is no MNIST.

    Raises:
        ValueError: A local copy of MNIST is damaged.

    Example:

    >>> gan.datasets.resolve("fashion_mnist")
    'fashion_mnist'
    """
    if str(source).startswith(STACKED_PREFIX):
        return STACKED_PREFIX + resolve(str(source).removeprefix(STACKED_PREFIX))
    if source not in _FALLBACKS:
        return source
    whole, small = _FALLBACKS[source]
    try:
        published.read("mnist")
        return whole
    except published.DownloadError as error:
        print(f"{error} Using {small}, with only 5,000 digits of MNIST, instead.", file=sys.stderr)
        return small


def read_sets(source):
    """Reads the training set of a source of arrays and its published test set.

    Returns:
        Two pairs of images and labels, as in `read`, for training and test; None instead of the second if the source
        has no test images.
    """
    source = resolve(source)
    if str(source).startswith(STACKED_PREFIX):
        return _read_stacked(str(source).removeprefix(STACKED_PREFIX))
    if source in _NAMED:
        return _NAMED[source]()
    path = Path(source)
    if not path.exists():
        raise ValueError(
            f"there is no file or folder {str(source)!r}. The named sources are auto, {', '.join(_NAMED)}."
        )
    if path.suffix == ".npz" and path.is_file():
        return formats.read_npz(path)
    if not path.is_dir():
        raise ValueError(
            f"{path} is not a source of images. Use an .npz file, or a folder of pictures or of IDX files."
        )
    if not formats.has_idx(path):
        raise ValueError(f"{path} is a folder of pictures. Only an .npz file or IDX files are stacked.")
    return formats.read_idx_folder(path)


def _is_folder_of_pictures(source):
    if source in _NAMED or str(source).startswith(STACKED_PREFIX):
        return False
    return Path(source).is_dir() and not formats.has_idx(Path(source))


def _open_folder(folder, image_shape, background, skip_damaged):
    if image_shape is not None and not _is_shape(image_shape):
        raise ValueError(f"image_shape must be (height, width, 1 or 3), not {image_shape}.")
    pictures = cache.read_folder(
        folder, None if image_shape is None else tuple(map(int, image_shape)), background, skip_damaged
    )
    train = pictures.images, pictures.labels
    return ImageSet(folder, train, class_names=pictures.class_names, pictures=pictures)


def _is_shape(sizes):
    if not isinstance(sizes, (list, tuple, np.ndarray)) or len(sizes) != 3:
        return False
    return all(isinstance(size, numbers.Integral) and size > 0 for size in sizes) and sizes[2] in (1, 3)


def _check_array(images, labels, image_shape):
    """Refuses arrays that are not images and labels; adds the channel axis if it is missing."""
    images = np.asanyarray(images)  # keeps a numpy.memmap
    if images.dtype != np.uint8 and not np.issubdtype(images.dtype, np.floating):
        raise ValueError(f"images must be bytes (uint8) from 0 to 255 or floats in [-1, 1], not {images.dtype}.")
    images = check_images("images", images, image_shape)
    if images.dtype != np.uint8:
        from gan.images import check  # imports Matplotlib, which the processes that decode do not need

        check(images, images.shape[1:])
    if labels is None:
        return images, None
    labels = np.asarray(labels)
    if labels.shape == (len(images), 1):
        labels = labels[:, 0]  # the shape of labels in some of Keras's datasets
    if labels.shape != (len(images),) or not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(
            f"labels must be an array of one whole number for each of {format_count(len(images), 'image')}, not "
            f"{labels.dtype} of shape {labels.shape}."
        )
    return images, labels


def check_images(source, images, image_shape):
    """Adds the channel axis if it is missing, and refuses arrays that are not gray or RGB images of this shape."""
    if images.ndim == 3:
        images = images[..., None]
    if images.ndim != 4 or images.shape[-1] not in (1, 3) or not images.size:
        raise ValueError(
            f"{source} must hold images (count, height, width) or (count, height, width, 1 or 3), not {images.shape}."
        )
    if image_shape is not None and images.shape[1:] != tuple(image_shape):
        raise ValueError(
            f"{source} holds images of {format_shape(images.shape[1:])}, but image_shape is "
            f"{format_shape(image_shape)}. Only a folder of pictures is resized."
        )
    return images


def _read_stacked(source):
    """Stacks the training images and the test images of a source."""
    train, test = read_sets(source)
    if test is None:
        images, labels = train
        rows = hold_out(source, len(images), labels)
        train, test = ((images[rows[split]], labels if labels is None else labels[rows[split]]) for split in rows)
    return stack(source, train, test)
