"""What all builders share: inputs and outputs of the networks, and checks of their sizes."""

import math
import numbers

import keras
from keras import layers, ops

LABEL_SIZE = 32


def generator(hidden, latent_dim, num_classes):
    check_size("latent_dim", latent_dim)
    latents = keras.Input((latent_dim,))
    if num_classes is None:
        return keras.Sequential([latents, *hidden], name="generator")
    check_size("num_classes", num_classes)
    labels = keras.Input((), dtype="int32")
    inputs = layers.Concatenate()([latents, layers.Embedding(num_classes, LABEL_SIZE)(labels)])
    return keras.Model([latents, labels], keras.Sequential(hidden)(inputs), name="generator")


def discriminator(hidden, image_shape, num_classes, normalize=lambda layer: layer):
    images = keras.Input(image_shape)
    logit = normalize(layers.Dense(1, dtype="float32"))
    if num_classes is None:
        return keras.Sequential([images, *hidden, logit], name="discriminator")
    check_size("num_classes", num_classes)
    labels = keras.Input((), dtype="int32")
    features = keras.Sequential(hidden)(images)
    # An Embedding has no kernel that SpectralNormalization could divide.
    embed = normalize(layers.Dense(features.shape[-1], use_bias=False))
    products = layers.Multiply(dtype="float32")([features, embed(ops.one_hot(labels, num_classes))])
    logits = logit(features) + ops.sum(products, axis=-1, keepdims=True)
    return keras.Model([images, labels], logits, name="discriminator")


def halve_sides(image_shape, depth, longest):
    """Returns `(height, width)` before and after each of `depth` halvings; by default, halves down to `longest`."""
    check_image_shape(image_shape)
    sides = [tuple(image_shape[:2])]
    if depth is None:
        depth = max(1, math.ceil(math.log2(max(sides[0]) / longest)))
    check_size("depth", depth)
    for _ in range(depth):
        if max(sides[-1]) == 1:
            raise ValueError(f"depth must be at most {len(sides) - 1} for images of shape {image_shape}, not {depth}.")
        sides.append(tuple(math.ceil(side / 2) for side in sides[-1]))
    return sides


def check_image_shape(image_shape):
    check_sizes("image_shape", image_shape)
    if len(image_shape) != 3:
        raise ValueError(f"image_shape must be (height, width, channels), not {tuple(image_shape)}.")


def check_sizes(name, sizes):
    if not isinstance(sizes, (list, tuple)) or not sizes or not all(map(_is_size, sizes)):
        raise ValueError(f"{name} must be a list or tuple of positive integers, not {sizes!r}.")


def check_size(name, size):
    if not _is_size(size):
        raise ValueError(f"{name} must be a positive integer, not {size!r}.")


def _is_size(size):
    return isinstance(size, numbers.Integral) and size > 0
