"""A set of images is split into images to train on and images to test with."""

import numpy as np


def hold_out(source, count, labels):
    """Holds out a tenth of a set, always the same images: a tenth of each class, or random images without labels.

    Args:
        source: Name of the set, for the message.
        count: Int, number of images.
        labels: Int array `(count,)`, or None.

    Returns:
        Dict from `"train"` and `"test"` to int arrays of the positions of their images.

    Raises:
        ValueError: There are fewer than two images.
    """
    order = np.random.default_rng(0).permutation(count)
    if labels is not None:
        order = order[np.argsort(labels[order], kind="stable")]
    if count < 2:
        raise ValueError(f"{source} must hold at least two images, one to train on and one to hold out.")
    is_test = np.zeros(count, bool)
    is_test[order[::10]] = True
    return {split: np.flatnonzero(is_test == (split == "test")) for split in ("train", "test")}
