"""Random augmentation of the images that the discriminator sees, so that it cannot memorize a small dataset."""

import keras

from gan.augmentation.adaptive import AdaptiveAugment
from gan.augmentation.fixed import DiffAugment

__all__ = ["AdaptiveAugment", "DiffAugment", "get"]


def get(identifier):
    """Returns the augmentation for an identifier, as `keras.losses.get` does for losses.

    Args:
        identifier: A `DiffAugment` or an `AdaptiveAugment`, its config, a list of names as in `DiffAugment`, or None.

    Returns:
        A `DiffAugment`, an `AdaptiveAugment`, or None.

    Raises:
        ValueError: A name is unknown, or `identifier` is none of these.

    Example:

    >>> gan.augmentation.get(["cutout"]).names
    ['cutout']
    """
    if isinstance(identifier, dict):
        identifier = keras.saving.deserialize_keras_object(identifier)
    if identifier is None or isinstance(identifier, (AdaptiveAugment, DiffAugment)):
        return identifier
    return DiffAugment(identifier)
