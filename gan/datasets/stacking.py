"""Gray images become the channels of RGB images, as in Stacked MNIST (Metz et al. 2016, arXiv 1611.02163)."""

import numpy as np

from gan.text import format_shape

TRAIN_IMAGES = 60_000
TEST_IMAGES = 26_000
SHAPE = (28, 28)


def stack(source, train, test):
    """Stacks three random images into each RGB image. The label of digits 7, 0 and 3 is 703.

    Args:
        source: Name of the source, for messages.
        train: Pair of uint8 images `(count, 28, 28)` or `(count, 28, 28, 1)` and labels from 0 to 9.
        test: Another such pair.

    Returns:
        Two pairs of images `(count, 28, 28, 3)` and labels from 0 to 999.

    Raises:
        ValueError: The images have another shape, or no labels from 0 to 9.
    """
    stacked = []
    for seed, count, (images, labels) in ((0, TRAIN_IMAGES, train), (1, TEST_IMAGES, test)):
        images = _check(source, images, labels)
        chosen = np.random.default_rng(seed).integers(len(images), size=(3, count))
        stacked.append((np.stack(list(images[chosen]), axis=-1), np.array([100, 10, 1]) @ labels[chosen]))
    return stacked


def _check(source, images, labels):
    if images.ndim == 4 and images.shape[-1] == 1:
        images = images[..., 0]
    if images.shape[1:] != SHAPE:
        raise ValueError(f"only gray images of 28x28 are stacked; {source} holds {format_shape(images.shape[1:])}.")
    if not len(images):
        raise ValueError(f"{source} holds no images to stack.")
    if labels is None:
        raise ValueError(f"only images with labels are stacked; {source} has no labels for its images.")
    if labels.min() < 0 or labels.max() > 9:
        raise ValueError(
            f"only images with labels from 0 to 9 are stacked; {source} has labels from {labels.min()} to "
            f"{labels.max()}."
        )
    return images
