"""Images become shuffled batches.

The pipeline gathers the bytes of each batch from an array, in memory or in a mapped file, and scales them to floats in
[-1, 1]. The order of the images in a pass depends only on the seed and the number of the pass. `GAN.fit` sets this
number to its epoch, so a resumed run sees the same batches as a run that was never interrupted.
"""

import math

import numpy as np
import tensorflow as tf

from gan.datasets.sources import as_image_set

PREFETCHED_BATCHES = 2
TENSOR_ALIGNMENT = 64


def load(
    source="auto",
    batch_size=256,
    image_shape=None,
    seed=0,
    split=None,
    labels=False,
    drop_remainder=False,
    flip=False,
    images=None,
    background="white",
    skip_damaged=False,
):
    """Creates a dataset of shuffled batches of images, or of images and their labels.

    Each pass over the dataset shuffles all images. The last batch of a pass is smaller if the batch size does not
    divide the number of images.

    The dataset has more attributes. `image_count` is the number of images, `batch_size` the size of all batches except
    the last one. `for_process(index, count)` returns the dataset of one of several processes, which gathers only its
    share of each batch; `GAN.fit` calls it. `epoch`, a `tf.Variable`, is the number of the next pass. It increases with
    each pass, and `GAN.fit` sets it to its own epoch. If you pass `fit` a dataset derived from this one, for example by
    `map`, set it yourself before you resume: `dataset.epoch.assign(12)`.

    Args:
        source: Where the images come from. One of

            - `"mnist"` or `"fashion_mnist"`: 60,000 training and 10,000 test images of 28x28, from a local copy or, if
              there is none, downloaded once by `keras.datasets`. A local copy is `mnist.npz` in the layout of
              `keras.datasets`, or a folder `mnist` of the four IDX files (gzipped or not), in `~/.keras/datasets`, or
              in `$KERAS_HOME/datasets` if this variable is set. For Fashion-MNIST the names are `fashion_mnist.npz`
              and `fashion_mnist` or `fashion-mnist`. Local copies are checked, and never changed or removed.
            - `"mnist5k"`: 5,000 digits of MNIST, 500 of each class, installed with this package.
            - `"auto"` (default): `"mnist"`, or `"mnist5k"` and a line on stderr if MNIST is neither found nor
              downloaded.
            - `"stacked_mnist"`: 60,000 RGB images and 26,000 test images. Each channel is a random digit of MNIST,
              which gives 1,000 classes (Metz et al. 2016, arXiv 1611.02163). `"stacked_mnist5k"` does the same with
              the digits of mnist5k, a tenth of which are kept for the test images.
            - `"stacked:SOURCE"`, for example `"stacked:fashion_mnist"` or `"stacked:kuzushiji.npz"`: the same with the
              images of any source that has gray images of 28x28 and labels from 0 to 9.
            - The path of an `.npz` file with uint8 images `x_train`, `(count, height, width)` or
              `(count, height, width, 1 or 3)`, and optionally `y_train`, `x_test` and `y_test`.
            - A folder with training images in an IDX file, gzipped or not (`train-images-idx3-ubyte.gz`), and
              optionally test images (`t10k-...`) and labels (`...-labels-idx1-ubyte`).
            - A folder of pictures of any size and name, subfolders included: JPEG, PNG, GIF (first frame), BMP, WebP
              and TIFF files, and HEIC files if `pillow-heif` is installed. They are turned upright, center-cropped to
              the proportions of `image_shape` and resized. This happens once: the bytes are kept in
              `~/.cache/gan` (or in `gan` in `$XDG_CACHE_HOME`) and mapped into memory from there, until the folder
              changes. If there are at least two subfolders and all pictures lie in them, each subfolder is a class, as
              in `keras.utils.image_dataset_from_directory`. Hidden files, and files that are no pictures, are skipped.
            - What `open_source` returned. Pass `image_shape`, `background` and `skip_damaged` to `open_source` then.
        batch_size: Int, images per batch. Default 256.
        image_shape: `(height, width, channels)`, the size to which the pictures of a folder are resized. 1 channel is
            gray, 3 channels are RGB. Default: a square as large as the pictures, but at most 64x64, with 3 channels if
            they are in color. Other sources keep their size, which must equal `image_shape` if you pass one.
        seed: Int, seed of the order. Default 0.
        split: `"train"`, `"test"` or None. The two splits share no image. If a source has test images, they are its
            test split. Otherwise a tenth of the images is held out, the same in each run: a tenth of each class if the
            source has labels, random images if not. Each pass over the test split has the same order, and its batches
            may be as large as the split. Default None: all images except published test images.
        labels: Bool, whether to add the labels to each batch, for a GAN with `num_classes`. With `images`, the int
            array `(count,)` of their labels, from 0. Default False.
        drop_remainder: Bool, whether each pass leaves out the last images if they do not fill a batch. Each pass
            leaves out others. Default False.
        flip: Bool, whether to mirror half of the images from left to right, chosen anew in each pass. The test split is
            never mirrored. Default False.
        images: Array of images to use instead of a source, `(count, height, width)` or
            `(count, height, width, 1 or 3)`: uint8, or floats in [-1, 1]. An array that `np.load` has opened with
            `mmap_mode="r"` is not copied into memory. Default None.
        background: String, the color behind transparent pictures of a folder: a name or `"#rrggbb"`. Default `"white"`.
        skip_damaged: Bool, whether to leave out damaged pictures of a folder instead of refusing the folder. Default
            False.

    Returns:
        A `tf.data.Dataset` of float32 batches `(batch, height, width, channels)` in [-1, 1], or of pairs of such a
        batch and int32 labels `(batch,)`.

    Raises:
        ValueError: The source does not exist, cannot be read, or has no images, or no labels although `labels` is
            True; a class has a single image and `split` would hold it out; the images differ from `image_shape`;
            pictures are damaged; `background` is no color; `batch_size` is below 1 or above the number of images; or
            `split` is unknown.

    Example:

    >>> dataset = gan.datasets.load("mnist5k", batch_size=500)
    >>> len(dataset), next(iter(dataset)).shape
    (10, TensorShape([500, 28, 28, 1]))
    """
    has_labels = labels is not None and not np.array_equal(labels, False)
    given_labels = None if isinstance(labels, (bool, np.bool_)) else labels
    image_set = as_image_set(
        source, image_shape, background=background, skip_damaged=skip_damaged, images=images, labels=given_labels
    )
    if has_labels:
        image_set.check_labels(split)
    pixels, classes, rows = image_set.split(split)
    count = len(rows)
    if split == "test":
        batch_size = min(batch_size, count)
    if not 1 <= batch_size <= count:
        raise ValueError(
            f"batch_size must lie between 1 and the number of images, {count:,}, not {batch_size}. "
            "With a larger batch, each epoch would be a single step."
        )
    epoch = tf.Variable(0, dtype=tf.int64, trainable=False)
    if split == "test":
        order = tf.data.Dataset.from_tensor_slices((np.random.default_rng(seed).permutation(count),))
    else:
        order = _passes(count, seed, epoch, flip)
    order = order.batch(batch_size, drop_remainder)
    batch_count = count // batch_size if drop_remainder else math.ceil(count / batch_size)
    gather = _gather(pixels, rows, classes if has_labels else None)

    def for_process(index, process_count):
        batches = order
        if process_count > 1:
            batches = order.map(lambda *batch: tuple(_share(part, index, process_count) for part in batch))
        dataset = batches.map(gather).apply(tf.data.experimental.assert_cardinality(batch_count))
        dataset = dataset.prefetch(PREFETCHED_BATCHES)
        options = tf.data.Options()
        # The autotune thread sleeps for up to ten seconds, and sometimes the end of a pass waits for it.
        options.autotune.enabled = False
        # The optimizer would copy all images into the graph.
        options.experimental_optimization.apply_default_optimizations = False
        return dataset.with_options(options)

    dataset = for_process(0, 1)
    dataset.for_process = for_process
    dataset.epoch = epoch
    dataset.image_count = count
    dataset.batch_size = batch_size
    return dataset


def rebatch(dataset, batch_size):
    """Changes the batch size of a dataset.

    Args:
        dataset: A `tf.data.Dataset` of batches of images, or of images and labels. If `load` did not create it, it is
            read once to count its images.
        batch_size: Int, images per batch.

    Returns:
        A `tf.data.Dataset` of the same images in the same order, with the attributes of a dataset from `load`.

    Example:

    >>> len(gan.datasets.rebatch(gan.datasets.load("mnist5k"), batch_size=500))
    10
    """
    if hasattr(dataset, "image_count"):
        # The dataset may leave out the last images.
        count = min(dataset.image_count, len(dataset) * dataset.batch_size)
    else:
        lengths = dataset.map(lambda *batch: tf.shape(tf.nest.flatten(batch)[0], tf.int64)[0])
        count = int(lengths.reduce(tf.constant(0, tf.int64), lambda total, length: total + length))
    # Without a known number of batches, Keras runs one step too many.
    cardinality = tf.data.experimental.assert_cardinality(math.ceil(count / batch_size))
    batches = dataset.rebatch(batch_size).apply(cardinality)
    batches.image_count = count
    batches.batch_size = batch_size
    if hasattr(dataset, "epoch"):
        batches.epoch = dataset.epoch
    return batches


def _passes(count, seed, epoch, flip):
    """Positions of images and, to flip them, whether each is mirrored: functions of the seed and the pass's number."""

    def one_pass(_):
        number = epoch.assign_add(1)
        seeds = tf.stack([tf.constant(seed, tf.int64), number])
        passes = (tf.random.experimental.stateless_shuffle(tf.range(count), seeds),)
        if flip:
            # The seeds of a pass have a positive second number.
            passes += (tf.random.stateless_uniform([count], seeds * [1, -1]) < 0.5,)
        return tf.data.Dataset.from_tensor_slices(passes)

    dataset = tf.data.Dataset.range(1).flat_map(one_pass)
    # The dataset's graph holds only the variable's handle: without this reference the state would be freed.
    dataset.epoch = epoch
    return dataset


def _share(batch, index, count):
    """The part of a batch that one of several processes reads. `check_batches` has made sure that they divide it."""
    size = tf.shape(batch)[0] // count
    return batch[index * size : (index + 1) * size]


def _gather(images, rows, labels):
    """Returns a function from positions and flips to a batch of images, with labels unless these are None."""
    with tf.device("CPU"):
        images, rows = _share_memory(images), tf.constant(rows)
        labels = None if labels is None else tf.constant(labels, tf.int32)

    def gather(positions, flips=None):
        chosen = tf.gather(rows, positions)
        batch = tf.gather(images, chosen)
        if flips is not None:
            batch = tf.where(flips[:, None, None, None], tf.reverse(batch, [2]), batch)
        batch = _scale(batch)
        return batch if labels is None else (batch, tf.gather(labels, chosen))

    return gather


def _share_memory(images):
    """Returns a tensor of images, which maps the same file if the images are a mapped file, and copies them if not."""
    is_whole = isinstance(images, np.memmap) and images.flags.c_contiguous
    if not is_whole or images.ctypes.data % TENSOR_ALIGNMENT:
        return tf.constant(images)
    return tf.experimental.dlpack.from_dlpack(np.asarray(_Writable(images)).__dlpack__())


class _Writable:
    """Poses as a writable array, the only kind that DLPack knows. TensorFlow does not write to its tensors."""

    def __init__(self, array):
        self.array = array
        address, _ = array.__array_interface__["data"]
        self.__array_interface__ = {**array.__array_interface__, "data": (address, False)}


def _scale(images):
    floats = tf.cast(images, tf.float32)
    return floats / 127.5 - 1 if images.dtype == tf.uint8 else floats
