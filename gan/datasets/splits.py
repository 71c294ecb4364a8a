"""A set of images is split into images to train on and images to test with."""

import numpy as np


def hold_out(source, images, labels):
    """Holds out a tenth of a set, always the same images: a tenth of each class, or random images without labels.

    Args:
        source: Name of the set, for the message.
        images: Array `(count, ...)` or list.
        labels: Int array `(count,)`, or None.

    Returns:
        Dict from `"train"` and `"test"` to pairs of images and labels.

    Raises:
        ValueError: There are fewer than two images.
    """
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
