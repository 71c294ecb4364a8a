"""Where the engine for TensorFlow goes past Keras for speed, the numbers are those of Keras."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from gan import engines

pytestmark = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="tests the engine for TensorFlow")


@pytest.mark.parametrize("jit_compile", [False, True])
def test_latents_are_those_of_keras(jit_compile):
    seeds = [keras.random.SeedGenerator(2**31 + 5) for _ in range(2)]
    draw = tf.function(lambda: engines.normal((300, 7), seeds[0]), jit_compile=jit_compile)
    draw_with_keras = tf.function(lambda: keras.random.normal((300, 7), seed=seeds[1]), jit_compile=jit_compile)
    for _ in range(2):
        np.testing.assert_array_equal(draw(), draw_with_keras())


class Unfused(keras.optimizers.AdamW):
    """Keras's own steps: the engine leaves alone what it does not know."""

    def update_step(self, *arguments):
        super().update_step(*arguments)


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"beta_1": 0.0, "beta_2": 0.99},
        {"beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-3, "weight_decay": 0.1, "global_clipnorm": 0.5},
        {"use_ema": True, "ema_momentum": 0.5, "ema_overwrite_frequency": 3},
        {"gradient_accumulation_steps": 2},
        {"amsgrad": True},
    ],
)
def test_updates_are_those_of_keras(arguments, jit_compile):
    rng = np.random.default_rng(0)
    gradients = rng.normal(size=(7, 4, 3)).astype("float32")
    start = rng.normal(size=(4, 3))

    def train(make):
        variable = keras.Variable(start, dtype="float32")
        rate = keras.optimizers.schedules.ExponentialDecay(0.1, decay_steps=3, decay_rate=0.5)
        optimizer = make(rate, **arguments)
        optimizer.build([variable])
        step = tf.function(
            lambda gradient: engines.Engine().apply(optimizer, [gradient], [variable]), jit_compile=jit_compile
        )
        for gradient in gradients:
            step(gradient)
        return [keras.ops.convert_to_numpy(value) for value in [variable, *optimizer.variables]]

    for fused, expected in zip(train(keras.optimizers.AdamW), train(Unfused), strict=True):
        np.testing.assert_allclose(fused, expected, rtol=1e-5, atol=1e-6)


def test_sparse_gradients_are_applied():
    """Those of an embedding, such as that of the labels of a conditional GAN."""

    def train(make):
        variable = keras.Variable(np.ones((5, 2)), dtype="float32")
        optimizer = make(0.1)
        optimizer.build([variable])
        gradient = tf.IndexedSlices(tf.ones((2, 2)), tf.constant([1, 3]), dense_shape=(5, 2))
        tf.function(lambda: engines.Engine().apply(optimizer, [gradient], [variable]))()
        return keras.ops.convert_to_numpy(variable)

    np.testing.assert_allclose(train(keras.optimizers.AdamW), train(Unfused), rtol=1e-6)
