"""Mixed precision and float64."""

import keras
import numpy as np
import pytest
from conftest import pair, small_extractor

import gan


def test_losses_are_scaled_in_mixed_float16(mixed_float16, images, tmp_path):
    """A discriminator that is sure of itself leaves gradients that float16 rounds to 0."""
    generator, discriminator = pair("float32", "float32")
    discriminator.layers[-1].bias.assign([-12.0])
    model = gan.GAN(generator, discriminator, seed=0)
    model.compile("sgd", "sgd")
    assert all(isinstance(optimizer, keras.optimizers.LossScaleOptimizer) for optimizer in model.optimizer.optimizers)
    kernel = generator.get_weights()[0]
    model.fit(images, verbose=0)
    assert np.abs(generator.get_weights()[0] - kernel).max() > 0

    model.save(tmp_path / "model.keras")
    loaded = gan.load_model(tmp_path / "model.keras")
    assert isinstance(loaded.generator_optimizer.inner_optimizer, keras.optimizers.SGD)
    for one, other in zip(model.optimizer.variables, loaded.optimizer.variables, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_given_loss_scale_is_kept(mixed_float16):
    model = gan.GAN(*pair())
    scaled = keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(), initial_scale=4.0)
    model.compile(scaled, "adam")
    assert model.generator_optimizer is scaled


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_networks_that_end_in_half_precision_train_with_penalties(set_dtype_policy, images, dtype):
    set_dtype_policy(f"mixed_{dtype}")
    model = gan.GAN(*pair(), averaging=0.9)
    assert model.generator.compute_dtype == dtype
    penalties = [gan.regularizers.R1(1, 2), gan.regularizers.R2(1), gan.regularizers.GradientPenalty(1)]
    metrics = [gan.metrics.FrechetDistance(small_extractor())]
    model.compile("adam", "adam", regularizers=penalties, augmentation=["translation"], metrics=metrics)
    history = model.fit(images, validation_data=images, verbose=0).history
    assert all(np.isfinite(values).all() for values in history.values())
    assert model.generate(2).dtype == np.float32


def test_float64_networks_train_with_penalties_and_augmentation(images):
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    try:
        model = gan.GAN(*pair())
        penalties = [gan.regularizers.GradientPenalty(), gan.regularizers.R1()]
        model.compile("adam", "adam", regularizers=penalties, augmentation=["translation", "cutout", "brightness"])
        assert np.isfinite(model.fit(images, verbose=0).history["g_loss"]).all()
    finally:
        keras.config.set_floatx("float32")
        keras.config.set_dtype_policy("float32")
