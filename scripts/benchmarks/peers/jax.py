"""A hand-written JAX loop: pure functions of arrays, compiled by `jax.jit`, without a library of layers or optimizers.

It knows multilayer perceptrons, the networks of the preset `reference`.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np

MOMENTUM = 0.8  # of BatchNormalization
EPSILON = 1e-3  # of BatchNormalization
glorot = jax.nn.initializers.glorot_uniform()


class Loop:
    """Trains the networks of `reference`.

    Args:
        settings: Dict of settings of a preset.
        images: Float array `(count, height, width, channels)` in [-1, 1].
    """

    def __init__(self, settings, images):
        self.settings = settings
        self.images = images.reshape(len(images), -1)
        g_key, d_key, self.key = jax.random.split(jax.random.key(0), 3)
        pixels = self.images.shape[1]
        g_params, moving = init_generator(g_key, [settings["latent_dim"], *settings["generator_widths"], pixels])
        d_params = init_dense_layers(d_key, [pixels, *settings["discriminator_widths"], 1])
        self.state = {
            "generator": (g_params, init_adam(g_params)),
            "discriminator": (d_params, init_adam(d_params)),
            "moving": moving,
        }
        self.train_step = jax.jit(functools.partial(train_step, settings), donate_argnums=0)

    def batches(self):
        """Shuffled batches without end."""
        size = self.settings["batch_size"]
        while True:
            order = np.random.permutation(len(self.images))
            for start in range(0, len(order), size):
                yield self.images[order[start : start + size]]

    def train(self, images):
        """Trains on a batch. Returns the generator's loss, which is known when the step is finished."""
        self.key, key = jax.random.split(self.key)
        (g_loss, _), self.state = self.train_step(self.state, images, key)
        return float(g_loss)


def train_step(settings, state, images, key):
    latent_key, real_key, fake_key = jax.random.split(key, 3)
    latents = jax.random.normal(latent_key, (len(images), settings["latent_dim"]))

    def play(g_params, d_params):
        fakes, statistics = generate(g_params, latents)
        real_logits = discriminate(d_params, images, real_key, settings["dropout"])
        fake_logits = discriminate(d_params, fakes, fake_key, settings["dropout"])
        g_loss = jnp.mean(jax.nn.softplus(-fake_logits))
        d_loss = jnp.mean(jax.nn.softplus(-real_logits)) + jnp.mean(jax.nn.softplus(fake_logits))
        return (g_loss, d_loss), statistics

    (g_params, g_slots), (d_params, d_slots) = state["generator"], state["discriminator"]
    losses, pull_back, statistics = jax.vjp(play, g_params, d_params, has_aux=True)
    g_gradients, _ = pull_back((1.0, 0.0))
    _, d_gradients = pull_back((0.0, 1.0))
    betas = settings["beta_1"], settings["beta_2"]
    return losses, {
        "generator": adam(g_params, g_slots, g_gradients, settings["generator_lr"], *betas),
        "discriminator": adam(d_params, d_slots, d_gradients, settings["discriminator_lr"], *betas),
        "moving": jax.tree.map(lambda old, new: MOMENTUM * old + (1 - MOMENTUM) * new, state["moving"], statistics),
    }


def generate(params, latents):
    """Dense, ReLU and BatchNormalization, then Dense and tanh. Returns images and the batch's statistics."""
    *hidden, (kernel, bias) = params
    x, statistics = latents, []
    for (kernel_below, bias_below), (scale, offset) in hidden:
        x = jax.nn.relu(x @ kernel_below + bias_below)
        mean, variance = x.mean(axis=0), x.var(axis=0)
        statistics.append((mean, variance))
        x = scale * (x - mean) * jax.lax.rsqrt(variance + EPSILON) + offset
    return jnp.tanh(x @ kernel + bias), statistics


def discriminate(params, images, key, rate):
    """Dense, ReLU and dropout, then Dense. Returns logits."""
    *hidden, (kernel, bias) = params
    x = images
    for layer_key, (kernel_below, bias_below) in zip(jax.random.split(key, len(hidden)), hidden, strict=True):
        x = jax.nn.relu(x @ kernel_below + bias_below)
        x = jnp.where(jax.random.bernoulli(layer_key, 1 - rate, x.shape), x / (1 - rate), 0)
    return x @ kernel + bias


def init_dense_layers(key, sizes):
    keys = jax.random.split(key, len(sizes) - 1)
    shapes = zip(sizes[:-1], sizes[1:], strict=True)
    return [(glorot(layer_key, shape), jnp.zeros(shape[1])) for layer_key, shape in zip(keys, shapes, strict=True)]


def init_generator(key, sizes):
    *hidden, output = init_dense_layers(key, sizes)
    params = [(dense, (jnp.ones_like(dense[1]), jnp.zeros_like(dense[1]))) for dense in hidden]
    moving = [(jnp.zeros_like(bias), jnp.ones_like(bias)) for _, bias in hidden]
    return [*params, output], moving


def init_adam(params):
    zeros = jax.tree.map(jnp.zeros_like, params)
    return jnp.array(0), zeros, jax.tree.map(jnp.copy, zeros)


def adam(params, slots, gradients, learning_rate, beta_1, beta_2, epsilon=1e-7):
    step, means, squares = slots
    step = step + 1
    means = jax.tree.map(lambda mean, gradient: mean + (1 - beta_1) * (gradient - mean), means, gradients)
    squares = jax.tree.map(lambda square, gradient: square + (1 - beta_2) * (gradient**2 - square), squares, gradients)
    rate = learning_rate * jnp.sqrt(1 - beta_2**step) / (1 - beta_1**step)

    def update(value, mean, square):
        return value - rate * mean / (jnp.sqrt(square) + epsilon)

    return jax.tree.map(update, params, means, squares), (step, means, squares)


def compile_products(products):
    """Compiles a function that computes `(one, other, transpose_one, transpose_other)` for each product.

    Returns:
        A function without arguments, which returns when all products are computed.
    """
    operands = [(jnp.asarray(one), jnp.asarray(other)) for one, other, *_ in products]

    @jax.jit
    def multiply(operands):
        return [
            (one.T if transpose_one else one) @ (other.T if transpose_other else other)
            for (one, other), (*_, transpose_one, transpose_other) in zip(operands, products, strict=True)
        ]

    return lambda: jax.block_until_ready(multiply(operands))
