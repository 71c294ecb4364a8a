"""Every random number that a game draws: latents, augmentation, the points of a penalty.

A test that replaces these functions plays the same game on every backend.
"""

import keras

from gan import engines


def normal(shape, seed):
    """Draws from the standard normal distribution, as `keras.random.normal` does."""
    return engines.normal(shape, seed)


def uniform(shape, minval, maxval, seed):
    """Draws floats from [minval, maxval), as `keras.random.uniform` does."""
    return keras.random.uniform(shape, minval, maxval, dtype="float32", seed=seed)


def integers(shape, minval, maxval, seed):
    """Draws integers from minval to maxval - 1, as `keras.random.randint` does."""
    return keras.random.randint(shape, minval, maxval, dtype="int32", seed=seed)
