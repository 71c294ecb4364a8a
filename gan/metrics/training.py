"""Training of feature extractors on your own images, with labels or without."""

import math

import keras
import numpy as np
from keras import layers, ops

from gan.images import to_float

BATCH_SIZE = 128
STEPS = 900
LEAST_EPOCHS = 6
SMALLEST, LARGEST = 8, 256
# The last feature maps have about this many rows and columns.
MAP_SIZE = 4
# How far an image is shifted at most, as a share of its side.
SHIFT = 0.1
QUARTER_TURNS = 4
NORMALIZED_IMAGES = 2000


def train_extractor(
    images, labels=None, epochs=None, seed=0, name="extractor", validation_data=None, verbose="auto", callbacks=None
):
    """Trains an extractor on your own images: a classifier, or without labels a network that recognizes rotations.

    Without labels, the network learns to predict by how many quarter turns an image is rotated. This requires features
    of what the image shows. Of images that are not square, it sees random squares.

    Source of the method without labels: Gidaris, Singh, Komodakis 2018, arXiv 1803.07728 (RotNet).

    Args:
        images: Array `(count, height, width, channels)` of uint8, or of floats in [-1, 1].
        labels: Int array `(count,)`. Classes, starting at 0. Defaults to None: training without labels.
        epochs: Int. Number of passes over the images. Defaults to None: as many as one or two minutes on two CPU cores
            allow, for few images as for many.
        seed: Int. Seed of the weights and of the order of the images. Defaults to 0.
        name: String. Name of the extractor, shown next to its results. Defaults to `"extractor"`.
        validation_data: Pair of images and labels on which the accuracy of a classifier is reported after each epoch.
            Defaults to None.
        verbose: As in `keras.Model.fit`. Defaults to `"auto"`.
        callbacks: As in `keras.Model.fit`. Defaults to None.

    Returns:
        A `keras.Model` from float images in [-1, 1] to features `(batch, 128)`, each with a mean of 0 and a variance
        of 1 on the images; with labels, to a pair of features and
        logits `(batch, classes)`.

    Raises:
        ValueError: There are no images, they are smaller than 8x8 or larger than 256x256, they are neither uint8 nor
            floats in [-1, 1], the number of labels differs from that of the images, or a label is not an integer of at
            least 0.

    Example:

    ```python
    images, labels = gan.datasets.read("mnist5k")
    network = gan.metrics.train_extractor(images[::10], labels[::10], epochs=1, name="mnist500")
    metric = gan.metrics.FrechetDistance(network)
    ```
    """
    _check_images(images)
    keras.utils.set_random_seed(seed)
    if labels is None:
        network = build_extractor(images.shape[1:], name=name)
        data = _Rotations(images, _count_steps(images, epochs), seed)
        square = keras.Input(data.image_shape)
        logits = layers.Dense(QUARTER_TURNS)(_apply(network.layers[1:], square))
        classifier = _compile([keras.Model(square, logits)], data.image_shape, images.dtype, len(data))
        classifier.fit(data, verbose=verbose, callbacks=callbacks)
        return normalize(network, images)
    labels = np.asarray(labels)
    _check_labels(images, labels)
    network = build_extractor(images.shape[1:], int(labels.max()) + 1, name)
    steps = -(-len(images) // BATCH_SIZE)
    epochs = epochs or max(LEAST_EPOCHS, -(-_count_steps(images) // steps))
    shift = layers.RandomTranslation(SHIFT, SHIFT, fill_mode="nearest")
    logits = keras.Model(network.inputs, network.outputs[1])
    classifier = _compile([shift, logits], images.shape[1:], images.dtype, epochs * steps)
    classifier.fit(
        images,
        labels,
        batch_size=BATCH_SIZE,
        epochs=epochs,
        validation_data=validation_data,
        verbose=verbose,
        callbacks=callbacks,
    )
    return normalize(network, images)


def normalize(network, images):
    """Returns an extractor whose features have a mean of 0 and a variance of 1 on images, so that each counts the same.

    Args:
        network: A `keras.Model` from images to features or to a pair of features and logits.
        images: Array `(count, height, width, channels)` of uint8, or of floats in [-1, 1]. 2,000 of them are used.

    Returns:
        A `keras.Model` with the same inputs and outputs.
    """
    rows = np.unique(np.linspace(0, len(images) - 1, NORMALIZED_IMAGES).astype(int))
    features = keras.Model(network.input, network.outputs[0]).predict(_to_float(images[rows]), verbose=0)
    variance = features.var(axis=0)
    # A feature that hardly varies on real images must not outweigh all others on generated ones.
    scale = layers.Normalization(mean=features.mean(axis=0), variance=np.maximum(variance, 1e-6 * variance.max()))
    outputs = [scale(network.outputs[0]), *network.outputs[1:]]
    return keras.Model(network.input, outputs if len(outputs) > 1 else outputs[0], name=network.name)


def _to_float(images):
    return to_float(images) if images.dtype == np.uint8 else images


def build_extractor(image_shape, num_classes=None, name="extractor"):
    """Returns an untrained extractor with 128 features; with `num_classes`, one that also returns logits."""
    inputs = keras.Input(image_shape)
    body = []
    for width, kernel_size, strides in zip((32, 64, 64, 128, 128), (5, 3, 3, 3, 3), _strides(image_shape), strict=True):
        body += [
            layers.Conv2D(width, kernel_size, strides, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
        ]
    features = _apply([*body, layers.GlobalAveragePooling2D(name="features")], inputs)
    if num_classes is None:
        return keras.Model(inputs, features, name=name)
    return keras.Model(inputs, [features, layers.Dense(num_classes, name="logits")(features)], name=name)


def _strides(image_shape):
    """Returns the strides of the convolutions. Larger images take more of them, to keep the last maps small."""
    strides = [2, 2, 1, 1, 2]
    for position, more in ((2, 2), (0, 4), (3, 2)):
        if math.sqrt(math.prod(image_shape[:2])) > MAP_SIZE * math.prod(strides):
            strides[position] = more
    return strides


def _apply(sequence, x):
    for layer in sequence:
        x = layer(x)
    return x


def _count_steps(images, epochs=None):
    """Returns the number of steps of `epochs`, by default as many as a minute or two allow."""
    if epochs:
        return -(-epochs * len(images) * QUARTER_TURNS // BATCH_SIZE)
    return round(STEPS * min(1, 128**2 / math.prod(images.shape[1:3])))


def _compile(sequence, image_shape, dtype, steps):
    """Returns a classifier of images, bytes or floats, from layers for floats."""
    scale = [_Scale()] if dtype == np.uint8 else []
    classifier = keras.Sequential([keras.Input(image_shape, dtype=dtype), *scale, *sequence])
    classifier.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(3e-3, steps)),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return classifier


class _Scale(layers.Layer):
    """Scales bytes to [-1, 1] by a table, because a compiled division rounds differently from `gan.images.to_float`."""

    def call(self, images):
        levels = to_float(np.arange(256, dtype="uint8"))
        return ops.take(ops.convert_to_tensor(levels), ops.cast(images, "int32"))


class _Rotations(keras.utils.PyDataset):
    """Batches of square images in all four rotations, shifted, with the number of quarter turns as the label."""

    def __init__(self, images, steps, seed):
        super().__init__()
        self.images = images
        self.seed = seed
        self.size = min(images.shape[1:3])
        self.image_shape = (self.size, self.size, images.shape[3])
        rng = np.random.default_rng(seed)
        count = BATCH_SIZE // QUARTER_TURNS
        passes = -(-steps * count // len(images))
        order = np.concatenate([rng.permutation(len(images)) for _ in range(passes)])
        self.batches = order[: steps * count].reshape(steps, count)

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, index):
        chosen = self.batches[index]
        images = self.images[chosen]
        height, width = np.subtract(images.shape[1:3], self.size)
        rng = np.random.default_rng((self.seed, index))
        top, left = rng.integers(height + 1), rng.integers(width + 1)
        images = images[:, top : top + self.size, left : left + self.size]
        rotated = np.concatenate([np.rot90(images, turns, axes=(1, 2)) for turns in range(QUARTER_TURNS)])
        return _shift(rotated, rng), np.repeat(np.arange(QUARTER_TURNS), len(images))


def _shift(images, rng):
    """Shifts each square image by random numbers of whole pixels, and repeats the pixels at its edges.

    Parts of pixels would blur the images, and a network that has learned from blurred images hardly sees noise.
    """
    size = images.shape[1]
    most = max(1, round(SHIFT * size))
    padded = np.pad(images, ((0, 0), (most, most), (most, most), (0, 0)), "edge")
    corners = rng.integers(2 * most + 1, size=(len(images), 2))
    return np.stack(
        [image[top : top + size, left : left + size] for image, (top, left) in zip(padded, corners, strict=True)]
    )


def _check_images(images):
    is_scaled = np.issubdtype(images.dtype, np.floating) and len(images) and np.abs(images).max() <= 1
    if not len(images) or not (images.dtype == np.uint8 or is_scaled):
        raise ValueError(
            "images must be a nonempty array of uint8, or of floats in [-1, 1], "
            f"not {images.dtype} of shape {images.shape}."
        )
    if images.ndim != 4 or not SMALLEST <= min(images.shape[1:3]) <= max(images.shape[1:3]) <= LARGEST:
        raise ValueError(
            f"images must be an array (count, height, width, channels) of images from {SMALLEST}x{SMALLEST} to "
            f"{LARGEST}x{LARGEST}, not of shape {images.shape}."
        )


def _check_labels(images, labels):
    if labels.shape != (len(images),) or not np.issubdtype(labels.dtype, np.integer) or labels.min() < 0:
        raise ValueError(
            f"labels must be integers of at least 0, one for each of the {len(images):,} images, "
            f"not {labels.dtype} of shape {labels.shape}."
        )
