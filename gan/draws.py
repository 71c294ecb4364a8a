"""Every random number that a game draws: latents, augmentation, the points of a penalty.

A test that replaces these functions plays the same game on every backend.
"""

import keras
from keras import ops

from gan import engines

BLOCK_SIZE = 64


def normal(shape, seed):
    """Draws from the standard normal distribution, as `keras.random.normal` does."""
    return engines.normal(shape, seed)


def uniform(shape, minval, maxval, seed):
    """Draws floats from [minval, maxval), as `keras.random.uniform` does."""
    return keras.random.uniform(shape, minval, maxval, dtype="float32", seed=seed)


def integers(shape, minval, maxval, seed):
    """Draws integers from minval to maxval - 1, as `keras.random.randint` does."""
    return keras.random.randint(shape, minval, maxval, dtype="int32", seed=seed)


def for_batch(draw, count, seed):
    """Draws one row for each image of a training batch, the same rows on one device and on many.

    Every device draws the rows of the whole batch and keeps those of its own images.

    Args:
        draw: Function of a count and a `keras.random.SeedGenerator` that returns as many rows.
        count: Int or int scalar tensor, number of images that this device trains on.
        seed: A `keras.random.SeedGenerator`.
    """
    return engines.share(draw(engines.whole_count(count), seed))


def in_blocks(draw, count, generator):
    """Draws the next rows of a sequence that is the same however it is cut into batches.

    The rows are drawn in blocks of a fixed size, each from a seed of its own.

    Args:
        draw: Function of a count and a `keras.random.SeedGenerator` that returns as many rows.
        count: Int or int scalar tensor, number of rows.
        generator: A `keras.random.SeedGenerator`. Its state holds the seed and the number of rows drawn so far.
    """
    state = generator.state
    seed, start = state[0] * 1, state[1] * 1  # copies, not views of the variable
    state.assign(state + ops.cast(ops.stack([0, count]), state.dtype))
    first = start // BLOCK_SIZE
    # One block more than fits into the batch, which may begin and end inside a block.
    blocks = first + ops.cast(ops.arange(count // BLOCK_SIZE + 2), state.dtype)
    drawn = ops.map(lambda block: draw(BLOCK_SIZE, _BlockSeed(seed, block)), blocks)
    drawn = ops.reshape(drawn, (-1, *drawn.shape[2:]))
    rows = start - first * BLOCK_SIZE + ops.cast(ops.arange(count), state.dtype)
    return ops.take(drawn, rows, axis=0)


class _BlockSeed(keras.random.SeedGenerator):
    """Seeds for the draws of one block. Unlike its parent it has no state to update."""

    def __init__(self, seed, block):
        self.seed = seed
        self.block = block
        self.draws = 0

    def next(self, ordered=True):
        self.draws += 1
        return ops.stack([self.seed + self.draws - 1, self.block])
