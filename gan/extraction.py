"""An extractor for your own pictures: the method is chosen, the network is trained and checked. Imports Keras late."""

import hashlib
import time

import numpy as np

from gan.cli import format_duration
from gan.text import format_count

# 10,000 images of 128x128x3.
MOST_BYTES = 10_000 * 128 * 128 * 3
LEAST_IMAGES_OF_CLASS = 20


def train(images, labels, test_images, test_labels, name, seed=0, epochs=None):
    """Trains an extractor on your own images and checks it: by their labels if possible, otherwise without labels.

    The method, the progress and the check are printed.

    Args:
        images: uint8 array `(count, height, width, channels)`. Training images.
        labels: Int array `(count,)`, or None.
        test_images: uint8 array. Images of the same shape that are not trained on.
        test_labels: Int array, or None.
        name: String. Name of the extractor.
        seed: Int. Seed of all random numbers. Defaults to 0.
        epochs: Int. Number of passes over the images. Defaults to None: as many as take one or two minutes.

    Returns:
        The extractor, a `keras.Model`.

    Raises:
        ValueError: The images cannot be trained on, or the extractor does not pass the check.
    """
    reasons = []
    if labels is not None and has_classes(labels):
        network, reasons = _train(images, labels, test_images, test_labels, name, seed, epochs)
        if not reasons:
            return network
        print(f"The classifier does not pass: {'; '.join(reasons)}.", flush=True)
    network, reasons = _train(images, None, test_images, test_labels, name, seed, epochs)
    if reasons:
        raise ValueError(f"no extractor for these images passes the check: {'; '.join(reasons)}.")
    return network


def has_classes(labels):
    """Whether labels are enough for a classifier: at least two classes of at least 20 images."""
    return int(np.sum(np.unique(labels, return_counts=True)[1] >= LEAST_IMAGES_OF_CLASS)) >= 2


def describe_file(path):
    """Returns the name, the size and the SHA-256 of a saved extractor, for a message."""
    content = path.read_bytes()
    return f"{path}: {len(content):,} bytes, SHA-256 {hashlib.sha256(content).hexdigest()}"


def _train(images, labels, test_images, test_labels, name, seed, epochs):
    """Trains with one method; returns the network and the reasons why it does not pass the check."""
    import keras

    from gan.metrics import train_extractor
    from gan.metrics.sanity import check_extractor, format_check
    from gan.metrics.training import build_extractor

    limit = max(1, MOST_BYTES // images[0].nbytes)
    if len(images) > limit:
        chosen = np.sort(np.random.default_rng(seed).permutation(len(images))[:limit])
        images, labels = images[chosen], None if labels is None else labels[chosen]
    images = np.asarray(images)
    method = "prediction of rotations, without labels (RotNet)" if labels is None else "classification of the labels"
    print(f"extractor {name}: {method}, trained on {format_count(len(images), 'image')}", flush=True)
    network = train_extractor(images, labels, epochs, seed, name, verbose=0, callbacks=[_progress()])
    keras.utils.set_random_seed(seed)
    untrained = build_extractor(images.shape[1:])
    check = check_extractor(network, untrained, *_held_out_first(images, labels, test_images, test_labels), seed)
    print(format_check(check), flush=True)
    return network, check.reasons


def _held_out_first(images, labels, test_images, test_labels):
    """Returns the images of the check: held-out ones, with training images if these are too few."""
    from gan.metrics.sanity import MOST_IMAGES

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
