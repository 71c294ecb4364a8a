"""A name or a path becomes arrays of images or a list of image files."""

import sys
from pathlib import Path
from typing import NamedTuple

from gan.datasets import folders, formats, published
from gan.datasets.splits import hold_out
from gan.datasets.stacking import stack
from gan.text import format_count, format_shape

DEFAULT_IMAGE_SHAPE = (28, 28, 1)
STACKED_PREFIX = "stacked:"

_NAMED = {
    "mnist": lambda: published.read("mnist"),
    "fashion_mnist": lambda: published.read("fashion_mnist"),
    "mnist5k": published.read_mnist5k,
    "stacked_mnist": lambda: _read_stacked("mnist"),
    "stacked_mnist5k": lambda: _read_stacked("mnist5k"),
}
_FALLBACKS = {"auto": ("mnist", "mnist5k"), "stacked_mnist": ("stacked_mnist", "stacked_mnist5k")}


class ImageCounts(NamedTuple):
    """How many images a source holds.

    Attributes:
        found: Int. Number of images, with published test images.
        held_out: Int. Number of these that are not trained on but validated on.
        skipped: Int. Number of other files in a folder.
    """

    found: int
    held_out: int
    skipped: int


def read(source, image_shape=None, split=None):
    """Reads the images of a source, or lists the image files of a folder.

    Args:
        source: As in `load`.
        image_shape: As in `load`.
        split: As in `load`.

    Returns:
        A pair. First the images: a uint8 NumPy array `(count, height, width, channels)` or, for a folder of images,
        the sorted list of their paths. Second their labels: an integer array `(count,)`, or None if there are none.

    Raises:
        ValueError: As in `load`.

    Example:

    >>> images, labels = gan.datasets.read("mnist5k", split="test")
    >>> images.shape, labels.shape
    ((500, 28, 28, 1), (500,))
    """
    if split not in (None, "train", "test"):
        raise ValueError(f"split must be 'train', 'test' or None, not {split!r}.")
    train, test = read_sets(source, image_shape)
    if split is None:
        images, labels = train
    elif test is None:
        images, labels = hold_out(source, *train)[split]
    else:
        images, labels = {"train": train, "test": test}[split]
    return check_images(source, images, image_shape), labels


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


def count_classes(source):
    """Counts the classes of a source with labels.

    Args:
        source: As in `load`.

    Returns:
        Int, the largest label plus 1.

    Raises:
        ValueError: As in `load`; or the source has no labels, a negative label, or a label that is not below the
            number of images.

    Example:

    >>> gan.datasets.count_classes("mnist5k")
    10
    """
    _, labels = read(source)
    if labels is None or labels.min() < 0:
        raise ValueError(f"{source} has no labels from 0 on. Use an .npz file with y_train, or IDX files with labels.")
    count = int(labels.max()) + 1
    if count > len(labels):
        raise ValueError(
            f"{source} has {format_count(len(labels), 'image')}, but labels up to {count - 1:,}. "
            "Number its classes from 0 on."
        )
    return count


def count_images(source, image_shape=None):
    """Counts the images of a source.

    Args:
        source: As in `load`.
        image_shape: As in `load`.

    Returns:
        A named tuple of ints. `found` is the number of images, published test images included. `held_out` is the
        number of images in the test split: published test images, or a tenth of the images found. `skipped` is the
        number of files in a folder of images that are not JPEG, PNG or GIF; 0 for other sources.

    Raises:
        ValueError: As in `load`.

    Example:

    >>> gan.datasets.count_images("mnist5k")
    ImageCounts(found=5000, held_out=500, skipped=0)
    """
    (images, labels), test = read_sets(source, image_shape)
    check_images(source, images, image_shape)
    if test is not None:
        return ImageCounts(len(images) + len(test[0]), len(test[0]), 0)
    # A single image can be trained on, but not split.
    held_out = len(hold_out(source, images, labels)["test"][0]) if len(images) > 1 else 0
    skipped = folders.count_others(Path(source)) if isinstance(images, list) else 0
    return ImageCounts(len(images), held_out, skipped)


def read_sets(source, image_shape=None):
    """Reads the training set of a source and its published test set.

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
    if path.suffix == ".npz":
        return formats.read_npz(path)
    if not path.is_dir():
        raise ValueError(f"{path} is not a source of images. Use an .npz file, a folder of images or of IDX files.")
    if formats.has_idx(path):
        return formats.read_idx_folder(path)
    shape = image_shape or DEFAULT_IMAGE_SHAPE
    if len(shape) != 3 or min(shape) < 1 or shape[2] not in (1, 3):
        raise ValueError(f"image_shape must be (height, width, 1 or 3), not {tuple(shape)}.")
    return (folders.find_images(path), None), None


def check_images(source, images, image_shape):
    """Adds the channel axis if it is missing, and refuses arrays that are not gray or RGB images of this shape."""
    if isinstance(images, list):
        return images
    if images.ndim == 3:
        images = images[..., None]
    if images.ndim != 4 or images.shape[-1] not in (1, 3) or not images.size:
        raise ValueError(
            f"{source} must hold images (count, height, width) or (count, height, width, 1 or 3), not {images.shape}."
        )
    if image_shape is not None and images.shape[1:] != tuple(image_shape):
        raise ValueError(
            f"{source} holds images of {format_shape(images.shape[1:])}, but image_shape is "
            f"{format_shape(image_shape)}. Only a folder of images is resized."
        )
    return images


def _read_stacked(source):
    """Stacks the training images and the test images of a source."""
    train, test = read_sets(source)
    if test is None:
        splits = hold_out(source, *train)
        train, test = splits["train"], splits["test"]
    return stack(source, train, test)
