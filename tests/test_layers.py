"""Layers that Keras does not offer."""

import keras
import numpy as np
import pytest
from conftest import BACKEND, IMAGE_SHAPE, pair
from keras import layers, ops

import gan


def largest_singular_value(kernel):
    return np.linalg.svd(kernel.reshape(-1, kernel.shape[-1]), compute_uv=False)[0]


@pytest.mark.parametrize(
    "layer, shape", [(layers.Dense(4), (5, 3)), (layers.Conv2D(4, 3, use_bias=False, padding="same"), (5, 6, 6, 2))]
)
def test_the_kernel_is_divided_by_its_largest_singular_value(layer, shape):
    normalized = gan.layers.SpectralNormalization(layer)
    inputs = np.random.default_rng(0).normal(size=shape).astype("float32")
    normalized.build(shape)
    layer.kernel.assign(3 * layer.kernel)
    for _ in range(100):
        outputs = normalized(inputs, training=True)
    layer.kernel.assign(layer.kernel / largest_singular_value(ops.convert_to_numpy(layer.kernel)))
    np.testing.assert_allclose(ops.convert_to_numpy(outputs), ops.convert_to_numpy(layer(inputs)), rtol=1e-4, atol=1e-5)


def test_evaluation_changes_nothing_and_a_file_keeps_everything(tmp_path):
    network = keras.Sequential([keras.Input((3,)), gan.layers.SpectralNormalization(layers.Dense(4))])
    inputs = np.ones((2, 3), "float32")
    network(inputs, training=True)
    before = network.get_weights()
    outputs = ops.convert_to_numpy(network(inputs))
    for one, other in zip(before, network.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    network.save(tmp_path / "network.keras")
    loaded = keras.models.load_model(tmp_path / "network.keras")
    np.testing.assert_array_equal(ops.convert_to_numpy(loaded(inputs)), outputs)


def test_an_update_follows_the_gradient_of_the_normalized_kernel(images):
    """The Wasserstein loss of a linear discriminator, differentiated by hand (Miyato et al., equation 11)."""
    generator, _ = pair()
    inputs = keras.Input(IMAGE_SHAPE)
    dense = gan.layers.SpectralNormalization(layers.Dense(1))
    model = gan.GAN(generator, keras.Model(inputs, dense(layers.Flatten()(inputs))), seed=0)
    model.compile(keras.optimizers.SGD(0.0), keras.optimizers.SGD(1.0), loss="wasserstein")
    kernel = ops.convert_to_numpy(dense.layer.kernel)
    model.train_on_batch(images)

    noise = keras.random.SeedGenerator(0)
    fakes = ops.convert_to_numpy(generator(model.draw_latents(len(images), noise), training=True))
    gradient = (fakes.mean(axis=0) - images.mean(axis=0)).reshape(-1, 1)
    sigma = np.linalg.norm(kernel)  # of a single column
    gradient = (gradient - (gradient * kernel).sum() / sigma**2 * kernel) / sigma
    np.testing.assert_allclose(ops.convert_to_numpy(dense.layer.kernel), kernel - gradient, rtol=1e-4, atol=1e-5)


def test_a_layer_without_a_kernel_is_refused():
    with pytest.raises(ValueError, match="must have a kernel, and Flatten has none"):
        gan.layers.SpectralNormalization(layers.Flatten())(np.ones((2, 3)))


@pytest.mark.skipif(BACKEND == "tensorflow", reason="the layer of Keras trains on TensorFlow")
def test_the_layer_of_keras_is_refused():
    generator, _ = pair()
    inputs = keras.Input(IMAGE_SHAPE)
    dense = layers.SpectralNormalization(layers.Dense(1))
    discriminator = keras.Model(inputs, dense(layers.Flatten()(inputs)))
    with pytest.raises(ValueError, match="discriminator holds .* use gan.layers.SpectralNormalization"):
        gan.GAN(generator, discriminator)


@pytest.mark.skipif(BACKEND != "jax", reason="a batch is divided by JAX")
@pytest.mark.parametrize("axis", [-1, 1])
def test_batch_normalization_of_several_devices_equals_that_of_one(axis):
    """In float64 by NumPy. The inputs' mean is 1,000 times their deviation, so that squares alone would not do."""
    inputs = np.random.default_rng(0).normal(1000, 1, (64, 3, 4, 5)).astype("float32")
    with keras.distribution.DataParallel(devices=["cpu:0"]).scope():
        layer = gan.layers.BatchNormalization(axis=axis, momentum=0.5, epsilon=0)
        layer.build(inputs.shape)
        layer.moving_mean.assign(np.full(layer.moving_mean.shape, 999))
        outputs = ops.convert_to_numpy(layer(inputs, training=True))
    others = tuple(place for place in range(4) if place != axis % 4)
    exact = inputs.astype("float64")
    mean, deviation = exact.mean(others, keepdims=True), exact.std(others, keepdims=True)
    np.testing.assert_allclose(outputs, (exact - mean) / deviation, rtol=0, atol=1e-3)
    moving_mean, moving_variance = map(ops.convert_to_numpy, layer.non_trainable_variables)
    np.testing.assert_allclose(moving_mean, 999 / 2 + mean.ravel() / 2, rtol=1e-6)
    np.testing.assert_allclose(moving_variance, 1 / 2 + deviation.ravel() ** 2 / 2, rtol=1e-4)
