"""Trains with the hand-written loop of the engine of KERAS_BACKEND and with ours, and writes the weights of both.

Both start from the same weights, draw the same latents and see the same images.

Usage: python play_peers.py FOLDER_OF_BENCHMARKS OUTPUT.npz
"""

import importlib
import sys

import keras
import numpy as np

import gan

UPDATES = 5
SMALL = {
    "reference": {"generator_widths": [16, 12], "discriminator_widths": [12, 8], "dropout": 0.0},
    "fast": {"generator_width": 4, "discriminator_width": 3},
}


def replace_draws(backend, latents):
    """All latents are the same from here on."""
    if backend == "tensorflow":
        import tensorflow as tf

        tf.random.normal = lambda shape: tf.constant(latents)
    elif backend == "jax":
        import jax

        jax.random.normal = lambda key, shape: jax.numpy.asarray(latents)
    else:
        import torch

        torch.randn = lambda *shape: torch.tensor(latents)
    keras.random.normal = lambda shape, seed: keras.ops.convert_to_tensor(latents)


def mirror(kernel, first, last):
    """A kernel in the layout of PyTorch, whose convolutions pad the other side of an image: all is mirrored.

    `first` and `last` are the shapes of what a Dense layer flattens or is reshaped to, or None.
    """
    if kernel.ndim == 4:
        return kernel[::-1, ::-1].transpose(3, 2, 0, 1)
    if kernel.ndim == 2 and first:
        kernel = kernel.reshape(*first, -1)[::-1, ::-1].transpose(2, 0, 1, 3).reshape(kernel.shape)
    if kernel.ndim == 2 and last:
        kernel = kernel.reshape(-1, *last)[:, ::-1, ::-1].transpose(0, 3, 1, 2).reshape(kernel.shape)
    return kernel.T


def our_weights(model, is_torch):
    """The trained weights of a GAN and its average, as the peers keep them."""
    conv = len(model.discriminator.layers[0].weights[0].shape) == 4 if model.discriminator.layers[0].weights else False
    weights = {}
    for name in ("generator", "discriminator", "average"):
        if (network := getattr(model, name)) is None:
            continue
        values = [np.array(keras.ops.convert_to_numpy(variable)) for variable in trained(network)]
        if is_torch:
            first = network.layers[-2].input.shape[1:] if conv and name == "discriminator" else None
            last = network.layers[1].output.shape[1:] if conv and name != "discriminator" else None
            values = [np.ascontiguousarray(mirror(value, first, last)) for value in values]
        weights[name] = values
    return weights


def trained(network):
    return [variable for variable in network.variables if "moving" not in variable.name and "seed" not in variable.name]
