"""Losses and games of a user's own."""

import keras
import numpy as np
import pytest
from conftest import IMAGE_SHAPE, pair, state_of
from keras import layers, ops

import gan


def test_a_custom_loss_trains(make_model, make_dataset):
    @keras.saving.register_keras_serializable(package="test")
    class LeastSquares(gan.losses.AdversarialLoss):
        def generator(self, real_logits, fake_logits):
            return ops.mean((fake_logits - 1) ** 2)

        def discriminator(self, real_logits, fake_logits):
            return ops.mean((real_logits - 1) ** 2) + ops.mean(fake_logits**2)

    model = make_model(loss=LeastSquares())
    before = state_of(model)
    model.fit(make_dataset(), verbose=0)
    assert not np.array_equal(before[0], state_of(model)[0])


@keras.saving.register_keras_serializable(package="test")
class Tripled(gan.GAN):
    """Logs a loss of its own and draws latents of its own."""

    loss_names = (*gan.GAN.loss_names, "extra_loss")

    def draw_latents(self, count, seed):
        return 3 * super().draw_latents(count, seed)

    def compute_losses(self, real, fake):
        losses = super().compute_losses(real, fake)
        return {**losses, "extra_loss": ops.mean(fake.latents**2)}


def test_a_subclass_changes_latents_and_losses_and_is_saved(images, tmp_path):
    model = Tripled(*pair(), seed=0)
    model.compile("adam", "adam")
    history = model.fit(images, batch_size=100, epochs=50, validation_data=images, verbose=0).history
    assert np.mean(history["extra_loss"]) == pytest.approx(9, rel=0.05)
    assert history["val_extra_loss"][0] == pytest.approx(9, rel=0.3)
    drawn = model.generate(3, seed=1)
    np.testing.assert_array_equal(drawn, model.generate(latents=3 * keras.random.normal((3, 5), seed=1)))
    model.save(tmp_path / "model.keras")
    np.testing.assert_array_equal(gan.load_model(tmp_path / "model.keras").generate(3, seed=1), drawn)


@keras.saving.register_keras_serializable(package="test")
class Forgetful(gan.GAN):
    def compute_losses(self, real, fake):
        return {"g_loss": ops.mean(fake.logits)}


def test_a_subclass_that_forgets_a_loss_is_refused(images):
    model = Forgetful(*pair())
    model.compile("adam", "adam")
    with pytest.raises(ValueError, match="compute_losses must return the losses g_loss, d_loss"):
        model.fit(images, verbose=0)


@keras.saving.register_keras_serializable(package="test")
class Translator(gan.GAN):
    """From image to image."""

    def unpack(self, data):
        inputs, targets = data
        return targets, inputs

    def compute_losses(self, real, fake):
        losses = super().compute_losses(real, fake)
        losses["g_loss"] += 100 * ops.mean(ops.abs(real.images - fake.images))
        return losses


def test_a_subclass_translates_images(images, tmp_path):
    inputs, targets = keras.Input(IMAGE_SHAPE), keras.Input(IMAGE_SHAPE)
    generator = keras.Model(inputs, layers.Conv2D(1, 1)(inputs))
    discriminator = keras.Model([targets, inputs], layers.Conv2D(1, 3)(layers.Concatenate()([targets, inputs])))
    model = Translator(generator, discriminator, averaging=0.5)
    model.compile(keras.optimizers.Adam(0.05), "adam", regularizers=[gan.regularizers.R1(1)])
    model.fit(images, -images / 2, batch_size=20, epochs=30, verbose=0, validation_data=(images, -images / 2))
    np.testing.assert_allclose(model.predict(images, verbose=0), -images / 2, atol=0.1)
    model.save(tmp_path / "model.keras")
    assert isinstance(keras.models.load_model(tmp_path / "model.keras"), Translator)
    with pytest.raises(ValueError, match="takes no latents; use predict"):
        model.generate(3)
    with pytest.raises(ValueError, match="conditioned on an array of shape"):
        model.fit(images[:, :5], images, verbose=0)
    with pytest.raises(ValueError, match="compile without augmentation"):
        model.compile("adam", "adam", augmentation=["translation"])
        model.fit(images, images, verbose=0)
