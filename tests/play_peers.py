"""Trains with the hand-written loop of the engine of KERAS_BACKEND and with ours, and writes the weights of both.

Both start from the same weights, draw the same latents and see the same images, without dropout.

Usage: python play_peers.py FOLDER_OF_BENCHMARKS OUTPUT.npz PRESET...
"""

import importlib
import sys

import keras
import numpy as np

import gan
from gan import draws

UPDATES = 5
SMALL = {
    "reference": {"generator_widths": [16, 12], "discriminator_widths": [12, 8], "dropout": 0.0},
    "fast": {"clusters": 0, "latent_dim": 100, "generator_width": 4, "discriminator_width": 3},
}
NETWORKS = ("generator", "discriminator", "average")


def replace_draws(latents):
    """All latents are these from here on."""
    draws.normal = lambda shape, seed: keras.ops.convert_to_tensor(latents)
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.random.normal = lambda shape: tf.constant(latents)
    elif keras.backend.backend() == "jax":
        import jax

        jax.random.normal = lambda key, shape: jax.numpy.asarray(latents)
    else:
        import torch

        torch.randn = lambda *shape: torch.tensor(latents)


def trained(network):
    """The weights of a Keras network that training updates, not its moving statistics."""
    return [weight for weight in network.weights if not weight.name.startswith("moving")]


def to_torch(kernel, shape_below, shape_above):
    """A kernel in PyTorch's layout, mirrored, because PyTorch pads the other side of an image than Keras.

    Args:
        kernel: Weight of a Keras layer.
        shape_below: Shape of the images that a Flatten below the layer takes, or None.
        shape_above: Shape of the images that a Reshape above the layer gives, or None.
    """
    if kernel.ndim == 4:
        return kernel[::-1, ::-1].transpose(3, 2, 0, 1)
    if kernel.ndim == 2 and shape_below:
        kernel = kernel.reshape(*shape_below, -1)[::-1, ::-1].transpose(2, 0, 1, 3).reshape(kernel.shape)
    if kernel.ndim == 2 and shape_above:
        kernel = kernel.reshape(-1, *shape_above)[:, ::-1, ::-1].transpose(0, 3, 1, 2).reshape(kernel.shape)
    return kernel.T


def weights_of_ours(model):
    """The trained weights of each network, in the layout of the peer."""
    weights = {}
    for name in NETWORKS:
        if (network := getattr(model, name)) is not None:
            weights[name] = [np.array(keras.ops.convert_to_numpy(weight)) for weight in trained(network)]
    if keras.backend.backend() == "torch":
        below = above = None
        if any(weight.ndim == 4 for weight in weights["discriminator"]):
            below, above = model.discriminator.layers[-2].input.shape[1:], model.generator.layers[1].output.shape[1:]
        for name, values in weights.items():
            shapes = (below, None) if name == "discriminator" else (None, above)
            weights[name] = [np.ascontiguousarray(to_torch(value, *shapes)) for value in values]
    return weights


def weights_of_peer(loop, names):
    """The trained weights of each network."""
    if keras.backend.backend() == "tensorflow":
        return {name: [weight.numpy() for weight in trained(getattr(loop, name))] for name in names}
    if keras.backend.backend() == "jax":
        import jax

        return {name: [np.asarray(weight) for weight in jax.tree.leaves(loop.state[name][0])] for name in names}
    return {name: [weight.detach().numpy() for weight in getattr(loop, name).parameters()] for name in names}


def set_weights_of_peer(loop, weights):
    for name, values in weights.items():
        if keras.backend.backend() == "tensorflow":
            for weight, value in zip(trained(getattr(loop, name)), values, strict=True):
                weight.assign(value)
        elif keras.backend.backend() == "jax":
            import jax

            params, slots = loop.state[name]
            loop.state[name] = jax.tree.unflatten(jax.tree.structure(params), map(jax.numpy.array, values)), slots
        else:
            import torch

            for weight, value in zip(getattr(loop, name).parameters(), values, strict=True):
                weight.data = torch.tensor(value)


def play(module, preset):
    """Trains both. Returns the weights of each network: a pair of the peer's and ours."""
    settings = gan.presets.resolve(preset, SMALL[preset])
    images = np.random.default_rng(0).uniform(-1, 1, (8, 28, 28, 1)).astype("float32")
    model = gan.presets.build(settings, seed=0)
    mirrors = settings["networks"] == "conv" and keras.backend.backend() == "torch"
    loop = module.Loop(settings, images[:, ::-1, ::-1].copy() if mirrors else images)
    set_weights_of_peer(loop, weights_of_ours(model))
    for update in range(1, UPDATES + 1):
        if keras.backend.backend() == "torch":
            # PyTorch adds its epsilon after the correction of the second moment, Keras before it.
            for optimizer in (model.generator_optimizer, model.discriminator_optimizer):
                optimizer.epsilon = 1e-7 * (1 - optimizer.beta_2**update) ** 0.5
        model.train_on_batch(images)
        loop.train(loop.images)
    weights = weights_of_ours(model)
    peers = weights_of_peer(loop, weights)
    return {name: (peers[name], weights[name]) for name in weights}


def main():
    folder, output, *presets = sys.argv[1:]
    sys.path.insert(0, folder)
    keras.utils.set_random_seed(0)
    module = importlib.import_module(f"peers.{keras.backend.backend()}")
    replace_draws(np.random.default_rng(1).normal(size=(8, 100)).astype("float32"))
    results = {}
    for preset in presets:
        for network, (peers, ours) in play(module, preset).items():
            for index, pair in enumerate(zip(peers, ours, strict=True)):
                results[f"{preset} {network} {index}"] = np.stack(pair)
    np.savez(output, **results)


if __name__ == "__main__":
    main()
