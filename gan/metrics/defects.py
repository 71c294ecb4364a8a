"""Defects that generated images may have, drawn into real images: blur, noise, displaced parts, missing classes."""

import numpy as np

PATCHES = 4
DIRECTIONS = 8
LEAST_PIXELS = 32


def blur(images, strength, rng):
    """Blurs images with a Gaussian, whose standard deviation is `strength` times the height and the width.

    Images below 32 pixels are blurred as much as images of 32 pixels: a third of a pixel blurs nothing.
    """
    for axis in (1, 2):
        position = np.arange(images.shape[axis]) / max(images.shape[axis], LEAST_PIXELS)
        weights = np.exp(-(((position[:, None] - position) / strength) ** 2) / 2)
        weights = (weights / weights.sum(axis=1, keepdims=True)).astype("float32")
        images = np.moveaxis(np.tensordot(images, weights, axes=(axis, 1)), -1, axis)
    return images


def add_noise(images, strength, rng):
    """Adds normal noise with the standard deviation `strength`."""
    return np.clip(images + strength * rng.standard_normal(images.shape, "float32"), -1, 1)


def shuffle_patches(images, strength, rng):
    """Divides images into 4x4 patches and lets the share `strength` of them change places."""
    count, height, width, channels = images.shape
    rows, columns = height // PATCHES, width // PATCHES
    whole = np.s_[:, : PATCHES * rows, : PATCHES * columns]
    cells = (count, PATCHES, PATCHES, rows, columns, channels)
    by_row = (count, PATCHES, rows, PATCHES, columns, channels)
    patches = images[whole].reshape(by_row).swapaxes(2, 3).reshape(count, PATCHES**2, *cells[3:])
    order = np.tile(np.arange(PATCHES**2), (count, 1))
    for places in order:
        moved = rng.permutation(PATCHES**2)[: round(strength * PATCHES**2)]
        places[moved] = np.roll(moved, 1)
    patches = np.take_along_axis(patches, order[:, :, None, None, None], axis=1)
    images = images.copy()
    images[whole] = patches.reshape(cells).swapaxes(2, 3).reshape(images[whole].shape)
    return images


def without_classes(classes, share, rng):
    """Returns the indices of images, in random order, without the share of them that belongs to the smallest classes.

    The last class that is left out may be left out in part. Classes of one size have a random order.
    """
    names, numbers, counts = np.unique(classes, return_inverse=True, return_counts=True)
    ranks = np.empty(len(names), int)
    ranks[np.lexsort((rng.random(len(names)), counts))] = np.arange(len(names))
    order = np.lexsort((rng.random(len(classes)), ranks[numbers]))
    return rng.permutation(order[round(share * len(classes)) :])


def without_kinds(positions, share, rng):
    """Returns the indices of images, in random order, without the share of them that has the lowest positions."""
    return rng.permutation(np.argsort(positions)[round(share * len(positions)) :])


def place_by_edges(images):
    """Places images by what they show, without an extractor: along the main axis of their shares of edge directions.

    An untrained network sees colors and brightness, so places by pixels could not tell it from a trained one.
    """
    down, right = np.gradient(images.mean(axis=3, dtype="float32"), axis=(1, 2))
    direction = (np.arctan2(down, right) % np.pi / np.pi * DIRECTIONS).astype(int) % DIRECTIONS
    strength = np.hypot(down, right)
    points = np.stack([np.sum(strength * (direction == index), axis=(1, 2)) for index in range(DIRECTIONS)], axis=1)
    points = np.sqrt(points / np.maximum(points.sum(axis=1, keepdims=True), 1e-6))
    points -= points.mean(axis=0)
    return points @ np.linalg.svd(points, full_matrices=False)[2][0]
