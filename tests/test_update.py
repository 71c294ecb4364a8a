"""One update of both networks, against hand-written ones."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import IMAGE_SHAPE, JIT_COMPILE, draw_normal, pair
from keras import layers, ops

import gan


class HandWritten:
    """The reference job's update in bare TensorFlow: no Keras layer, loss or optimizer."""

    def __init__(self, generator_weights, discriminator_weights, learning_rate):
        self.generator = [tf.Variable(weight) for weight in generator_weights]
        self.discriminator = [tf.Variable(weight) for weight in discriminator_weights]
        self.learning_rate = learning_rate
        self.moments = {}
        self.step = 0

    def generate(self, latents):
        *hidden, kernel, bias = self.generator
        x = latents
        for first in range(0, len(hidden), 6):
            kernel_, bias_, gamma, beta, moving_mean, moving_variance = hidden[first : first + 6]
            x = tf.nn.relu(x @ kernel_ + bias_)
            mean = tf.reduce_mean(x, 0)
            variance = tf.reduce_mean((x - mean) ** 2, 0)
            x = gamma * (x - mean) / tf.sqrt(variance + 1e-3) + beta
            moving_mean.assign(0.8 * moving_mean + 0.2 * mean)
            moving_variance.assign(0.8 * moving_variance + 0.2 * variance)
        return tf.tanh(x @ kernel + bias)

    def discriminate(self, x):
        *hidden, kernel, bias = self.discriminator
        for first in range(0, len(hidden), 2):
            x = tf.nn.relu(x @ hidden[first] + hidden[first + 1])
        return x @ kernel + bias

    def train(self, images, latents):
        def cross_entropy(label, logits):
            probability = 1 / (1 + tf.exp(-tf.cast(logits, tf.float64)))
            return -tf.reduce_mean(tf.math.log(probability if label else 1 - probability))

        with tf.GradientTape(persistent=True) as tape:
            real_logits = self.discriminate(tf.reshape(images, (len(images), -1)))
            fake_logits = self.discriminate(self.generate(latents))
            g_loss = cross_entropy(1, fake_logits)
            d_loss = cross_entropy(1, real_logits) + cross_entropy(0, fake_logits)
        trained = [v for i, v in enumerate(self.generator) if i % 6 < 4]
        gradients = tape.gradient(g_loss, trained) + tape.gradient(d_loss, self.discriminator)
        self.step += 1
        for variable, gradient in zip(trained + self.discriminator, gradients, strict=True):
            m, v = self.moments.get(variable.ref(), (0, 0))
            m, v = 0.9 * m + 0.1 * gradient, 0.999 * v + 0.001 * gradient**2
            self.moments[variable.ref()] = m, v
            # Epsilon where Kingma and Ba put it in the efficient form (end of section 2), as Keras does.
            rate = self.learning_rate * (1 - 0.999**self.step) ** 0.5 / (1 - 0.9**self.step)
            variable.assign_sub(rate * m / (tf.sqrt(v) + 1e-7))
        return float(g_loss), float(d_loss)


@pytest.mark.parametrize("jit_compile", JIT_COMPILE)
def test_steps_equal_a_hand_written_reference(images, jit_compile):
    generator = gan.build_generator(5, (8, 12), IMAGE_SHAPE)
    discriminator = gan.build_discriminator(IMAGE_SHAPE, (12, 8), dropout=0.0)
    model = gan.GAN(generator, discriminator, seed=3)
    model.compile(keras.optimizers.Adam(1e-3), keras.optimizers.Adam(1e-3), jit_compile=jit_compile)
    reference = HandWritten(generator.get_weights(), discriminator.get_weights(), learning_rate=1e-3)

    dataset = tf.data.Dataset.from_tensor_slices(images).batch(24)  # four batches and one of four images
    history = model.fit(dataset, verbose=0).history

    noise = keras.random.SeedGenerator(3)
    losses = [
        (*reference.train(batch, draw_normal((len(batch), 5), noise, jit_compile)), len(batch)) for batch in dataset
    ]
    for weight, expected in zip(generator.get_weights(), reference.generator, strict=True):
        np.testing.assert_allclose(weight, expected, rtol=1e-3, atol=2e-6)
    for weight, expected in zip(discriminator.get_weights(), reference.discriminator, strict=True):
        np.testing.assert_allclose(weight, expected, rtol=1e-3, atol=2e-6)
    g_losses, d_losses, sizes = zip(*losses, strict=True)
    assert history["g_loss"][0] == pytest.approx(np.average(g_losses, weights=sizes), rel=1e-5)
    assert history["d_loss"][0] == pytest.approx(np.average(d_losses, weights=sizes), rel=1e-5)


@pytest.mark.parametrize("jit_compile", JIT_COMPILE)
def test_alternating_updates_train_the_discriminator_first(images, jit_compile):
    """Two updates of the discriminator, then one of the generator against it, each on latents of its own."""
    generator = keras.Sequential([keras.Input((5,)), layers.Dense(36), layers.Reshape(IMAGE_SHAPE)])
    discriminator = keras.Sequential([keras.Input(IMAGE_SHAPE), layers.Flatten(), layers.Dense(1)])
    kernel, bias, direction, offset = (
        weight.astype("float64") for network in (generator, discriminator) for weight in network.get_weights()
    )
    model = gan.GAN(generator, discriminator, seed=3)
    optimizers = keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.2)
    model.compile(*optimizers, discriminator_steps=2, jit_compile=jit_compile)
    logs = model.train_on_batch(images, return_dict=True)
    assert int(optimizers[0].iterations) == 1 and int(optimizers[1].iterations) == 2

    def softplus(x):
        return np.log1p(np.exp(x))

    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    noise = keras.random.SeedGenerator(3)
    latents = [draw_normal((len(images), 5), noise, jit_compile) for _ in range(3)]
    assert not np.array_equal(latents[0], latents[1]) and not np.array_equal(latents[1], latents[2])
    real, count = images.reshape(len(images), -1), len(images)
    for drawn in latents[:2]:
        fake = drawn @ kernel + bias
        real_logits, fake_logits = real @ direction + offset, fake @ direction + offset
        d_loss = softplus(-real_logits).mean() + softplus(fake_logits).mean()
        real_slopes, fake_slopes = -sigmoid(-real_logits) / count, sigmoid(fake_logits) / count
        direction = direction - 0.2 * (real.T @ real_slopes + fake.T @ fake_slopes)
        offset = offset - 0.2 * (real_slopes + fake_slopes).sum(axis=0)
    logits = (latents[2] @ kernel + bias) @ direction + offset
    g_loss = softplus(-logits).mean()
    slopes = -sigmoid(-logits) / count @ direction.T
    kernel, bias = kernel - 0.1 * latents[2].T @ slopes, bias - 0.1 * slopes.sum(axis=0)

    weights = [*generator.get_weights(), *discriminator.get_weights()]
    for weight, expected in zip(weights, (kernel, bias, direction, offset), strict=True):
        np.testing.assert_allclose(weight, expected, rtol=1e-4, atol=1e-6)
    assert logs["g_loss"] == pytest.approx(g_loss, rel=1e-4) and logs["d_loss"] == pytest.approx(d_loss, rel=1e-4)
    assert logs["loss"] == pytest.approx(g_loss + d_loss, rel=1e-4)


@pytest.mark.parametrize("regularizers", [[], [gan.regularizers.R1(1, interval=2)]])
def test_accumulated_gradients_equal_one_large_batch(images, regularizers):
    """The weights, their average, and which penalties are due."""
    models = []
    for steps in (1, 4):
        keras.utils.set_random_seed(0)
        model = gan.GAN(*pair(), seed=0, averaging=0.5)
        # The same latents in four small batches as in a large one.
        model.draw_latents = lambda count, seed: ops.ones((count, 5))
        optimizers = [keras.optimizers.SGD(0.1, gradient_accumulation_steps=steps if steps > 1 else None) for _ in "gd"]
        model.compile(*optimizers, regularizers=regularizers)
        for _ in range(3):
            for start in range(0, 100, 100 // steps):
                model.train_on_batch(images[start : start + 100 // steps])
        models.append(model)
    for one, other in zip(models[0].get_weights(), models[1].get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)
