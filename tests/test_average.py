"""Averages of weights: the generator's, and those of optimizers with `use_ema`."""

import keras
import numpy as np
import pytest
from conftest import JIT_COMPILE, evaluation_latents, outputs_of, pair, small_extractor
from keras import layers

import gan


@pytest.mark.parametrize("jit_compile", JIT_COMPILE)
def test_the_average_follows_every_weight(make_model, images, jit_compile):
    model = make_model(averaging=0.3, jit_compile=jit_compile)
    expected = model.generator.get_weights()
    for average, weight in zip(model.average.get_weights(), expected, strict=True):
        np.testing.assert_array_equal(average, weight)
    for step in range(1, 7):
        model.train_on_batch(images)
        # It warms up: (1 + t) / (10 + t) is above 0.3 from the third step on.
        decay = min(0.3, (1 + step) / (10 + step))
        weights = zip(expected, model.generator.get_weights(), strict=True)
        expected = [decay * average + (1 - decay) * weight for average, weight in weights]
    for average, other in zip(model.average.get_weights(), expected, strict=True):
        np.testing.assert_allclose(average, other, rtol=1e-4, atol=1e-6)
    names = {weight.name for weight in model.average.weights}
    assert {"kernel", "moving_mean", "moving_variance"} <= names


def test_the_average_generates_what_is_shown_and_measured(make_model, images, tmp_path):
    metrics = [gan.metrics.FrechetDistance(small_extractor())]
    model = make_model(averaging=0.9, metrics=metrics)
    model.fit(
        images, batch_size=20, epochs=2, verbose=0, callbacks=[gan.ImageGrid(tmp_path, rows=1, columns=1, seed=4)]
    )
    latents = keras.random.normal((len(images), 5), seed=1)
    generated = model.generate(latents=latents)
    np.testing.assert_allclose(generated, outputs_of(model.average, latents), atol=1e-5)
    assert np.abs(generated - outputs_of(model.generator, latents)).max() > 1e-3
    drawn = gan.images.read_picture(tmp_path / "image_at_epoch_0002.png")[40::80, 40::80, 0]
    one = outputs_of(model.average, keras.random.normal((1, 5), seed=4))
    np.testing.assert_allclose(drawn, gan.images.to_uint8(one)[0, ..., 0], atol=1)

    figures = model.evaluate(images, batch_size=100, verbose=0, return_dict=True)
    fakes = outputs_of(model.average, evaluation_latents(0, 100))
    metrics[0].reset_state()
    metrics[0].update_state(images, fakes)
    assert figures["fid"] == pytest.approx(metrics[0].result(), rel=1e-3)


def test_reset_average_copies_the_weights(make_model):
    model = make_model(averaging=0.9)
    model.generator.set_weights([weight + 0.1 for weight in model.generator.get_weights()])
    model.reset_average()
    latents = np.ones((2, 5), "float32")
    np.testing.assert_allclose(
        model.generate(latents=latents), outputs_of(model.generator, latents), rtol=1e-5, atol=1e-6
    )
    with pytest.raises(ValueError, match="no average to reset"):
        make_model().reset_average()


def test_a_step_that_loss_scaling_skips_does_not_count_for_the_average(mixed_float16, images):
    model = gan.GAN(*pair(), averaging=0.9)
    scaled = [keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1), initial_scale=1e30) for _ in "gd"]
    model.compile(*scaled)
    model.average.set_weights([weight + 1 for weight in model.average.get_weights()])
    before = model.average.get_weights()
    model.train_on_batch(images)
    for one, other in zip(model.average.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, other)


def test_an_average_with_an_activity_regularizer_is_evaluated(images):
    generator, discriminator = pair()
    generator.add(layers.ActivityRegularization(l2=1.0))
    model = gan.GAN(generator, discriminator, averaging=0.9)
    model.compile("sgd", "sgd")
    history = model.fit(images, validation_data=images, verbose=0).history
    assert history["val_g_loss"][0] > 1


@pytest.mark.parametrize("optimizer", [keras.optimizers.SGD, keras.optimizers.Adam])
def test_fit_ends_with_the_averages_of_optimizers(images, optimizer):
    """As in plain Keras: after `fit` the weights are the averages, which are computed here from each step's weights."""
    model = gan.GAN(*pair(), seed=0)
    model.compile(*(optimizer(0.05, use_ema=True, ema_momentum=0.8) for _ in range(2)))
    networks = {"generator": model.generator, "discriminator": model.discriminator}
    averages = {name: None for name in networks}

    def follow(batch, logs):
        model.synchronize()
        for name, network in networks.items():
            weights = network.get_weights()
            old = averages[name] or weights  # Keras starts from the first update
            averages[name] = [0.8 * average + 0.2 * weight for average, weight in zip(old, weights, strict=True)]

    callback = keras.callbacks.LambdaCallback(on_train_batch_end=follow)
    model.fit(images, batch_size=20, epochs=2, verbose=0, callbacks=[callback])
    for name, network in networks.items():
        for weight, average in zip(network.get_weights(), averages[name], strict=True):
            np.testing.assert_allclose(weight, average, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("averaging", [-0.1, 1, 2])
def test_an_invalid_decay_is_refused(make_model, averaging):
    with pytest.raises(ValueError, match=r"averaging must lie in \[0, 1\) or be a schedule"):
        make_model(averaging=averaging)
