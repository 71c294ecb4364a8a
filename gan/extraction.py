"""An extractor for your own pictures: the method is chosen, the network is trained and checked. Imports Keras late."""

import hashlib
import math
import time

import numpy as np

from gan.cli import format_duration
from gan.files import written_whole
from gan.images import to_uint8
from gan.text import format_count

# 10,000 images of 128x128x3.
MOST_BYTES = 10_000 * 128 * 128 * 3
LEAST_IMAGES_OF_CLASS = 20
UNTRAINED_NETWORKS = 3
# What rotations teach depends on chance.
ATTEMPTS = 3


def write_extractor(images, path, name, seed=0, epochs=None, uses_labels=True):
    """Trains an extractor on your own images, checks it and saves it. Prints its method, its check and its checksum.

    Args:
        images: A `gan.datasets.ImageSet`.
        path: `pathlib.Path` of the `.keras` file. It is only written if the extractor passes the check.
        name: String. Name of the extractor, shown next to its results.
        seed: Int. Seed of all random numbers. Defaults to 0.
        epochs: Int. Number of passes over the images. Defaults to None: as many as take one or two minutes.
        uses_labels: Bool. Whether the labels of the images are learned, if they have enough. Defaults to True.

    Raises:
        ValueError: The images cannot be trained on, or the extractor does not pass the check.
    """
    network = train(images, name, seed, epochs, uses_labels)
    with written_whole(path) as partial:
        network.save(partial)
    content = path.read_bytes()
    print(f"{path}: {len(content):,} bytes, SHA-256 {hashlib.sha256(content).hexdigest()}", flush=True)


def train(images, name, seed=0, epochs=None, uses_labels=True):
    """Trains and checks an extractor: by the labels of the images if possible, otherwise without labels.

    Args:
        images: As in `write_extractor`.
        name: As in `write_extractor`.
        seed: As in `write_extractor`.
        epochs: As in `write_extractor`.
        uses_labels: As in `write_extractor`.

    Returns:
        The extractor, a `keras.Model`.

    Raises:
        ValueError: As in `write_extractor`.
    """
    from gan import engines
    from gan.metrics.extractors import has_inception_weights
    from gan.metrics.sanity import LEAST_IMAGES, MOST_IMAGES

    if images.image_count < LEAST_IMAGES:
        count = format_count(images.image_count, "image")
        raise ValueError(f"{count} are too few to train and check an extractor, which takes at least {LEAST_IMAGES}.")
    if images.image_shape[2] == 3 and has_inception_weights():
        print("InceptionV3's weights are on this machine: for photos, --extractor inception_v3 is the better choice.")
    most = max(1, MOST_BYTES // math.prod(images.image_shape))
    training_set = _sample(images.split("train"), most, seed)
    test_set = _sample(images.split("test"), MOST_IMAGES, seed)
    # One process on one device: the others wait.
    with engines.alone():
        return _train_and_check(training_set, test_set, name, seed, epochs, uses_labels)


def _train_and_check(training_set, test_set, name, seed, epochs, uses_labels):
    labels = training_set[1]
    if uses_labels and labels is not None and has_classes(labels):
        network, reasons = _train(True, training_set, test_set, name, seed, epochs)
        if not reasons:
            return network
        print(f"The classifier does not pass: {'; '.join(reasons)}.", flush=True)
    for attempt in range(ATTEMPTS):
        network, reasons = _train(False, training_set, test_set, name, seed + attempt, epochs)
        if not reasons:
            return network
        print(f"It does not pass: {'; '.join(reasons)}.", flush=True)
    raise ValueError(
        f"no extractor for these images passes the check: {'; '.join(reasons)}. More or larger images may help; or "
        "name an extractor with --extractor."
    )


def _sample(split, most, seed):
    """Returns at most so many images of a split, as bytes in memory, and their labels."""
    rows = np.sort(np.random.default_rng(seed).permutation(split.rows)[:most])
    images = np.asarray(split.images[rows])
    if images.dtype != np.uint8:
        images = to_uint8(images)
    return images, None if split.labels is None else split.labels[rows]


def has_classes(labels):
    """Whether labels are enough for a classifier: at least two classes of at least 20 images."""
    return int(np.sum(np.unique(labels, return_counts=True)[1] >= LEAST_IMAGES_OF_CLASS)) >= 2


def _train(by_labels, training_set, test_set, name, seed, epochs):
    """Trains with one method; returns the network and the reasons why it does not pass the check."""
    from gan.metrics import train_extractor
    from gan.metrics.sanity import check_extractor, format_check
    from gan.metrics.training import build_extractor, normalize

    images, labels = training_set
    method = "classification of the labels" if by_labels else "prediction of rotations, without labels (RotNet)"
    print(f"extractor {name}: {method}, trained on {format_count(len(images), 'image')}", flush=True)
    network = train_extractor(
        images, labels if by_labels else None, epochs, seed, name, verbose=0, callbacks=[_progress()]
    )
    untrained = [normalize(build_extractor(images.shape[1:]), images) for _ in range(UNTRAINED_NETWORKS)]
    check = check_extractor(network, untrained, *_held_out_first(training_set, test_set), seed)
    print(format_check(check), flush=True)
    return network, check.reasons


def _held_out_first(training_set, test_set):
    """Returns the images of the check: held-out ones, with training images if these are too few."""
    from gan.metrics.sanity import MOST_IMAGES

    (images, labels), (test_images, test_labels) = training_set, test_set
    missing = max(0, MOST_IMAGES - len(test_images))
    # Spread over all training images, which may be sorted.
    added = np.unique(np.linspace(0, len(images) - 1, min(missing, len(images))).astype(int))
    images = np.concatenate([test_images, images[added]])
    has_labels = labels is not None and test_labels is not None
    return images, np.concatenate([test_labels, labels[added]]) if has_labels else None


def _progress():
    """Returns a callback that prints the accuracy and the time left at each tenth of the training."""
    import keras

    started = time.monotonic()
    done = 0

    def announce(batch, logs):
        nonlocal done
        done += 1
        total = callback.params["epochs"] * callback.params["steps"]
        if done * 10 // total > (done - 1) * 10 // total:
            left = (time.monotonic() - started) / done * (total - done)
            line = f"  {done / total:4.0%} trained, accuracy {logs['accuracy']:.3f}, {format_duration(left)} left"
            print(line, flush=True)

    callback = keras.callbacks.LambdaCallback(on_train_batch_end=announce)
    return callback
