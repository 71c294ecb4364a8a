"""What a game adds up and logs, and that its parts combine."""

import keras
import numpy as np
import pytest
from conftest import IMAGE_SHAPE, JIT_COMPILE, pair, state_of
from keras import layers, ops

import gan


def test_accuracies_count_the_signs_of_logits(images):
    """A discriminator that says the mean of an image, for a generator that makes black images."""
    inputs = keras.Input(IMAGE_SHAPE)
    discriminator = keras.Model(inputs, ops.mean(inputs, axis=(1, 2)))
    latents = keras.Input((5,))
    black = keras.layers.Dense(36, kernel_initializer="zeros", bias_initializer=keras.initializers.Constant(-1))
    generator = keras.Model(latents, keras.layers.Reshape(IMAGE_SHAPE)(black(latents)))
    model = gan.GAN(generator, discriminator)
    model.compile("adam", "adam")
    logs = model.evaluate(images, verbose=0, return_dict=True)
    assert logs["real_accuracy"] == pytest.approx((images.mean((1, 2)) > 0).mean())
    assert logs["fake_accuracy"] == 1


def test_weight_regularizers_count(make_dataset):
    def evaluate(regulariser):
        dense = keras.layers.Dense(1, kernel_initializer="ones", kernel_regularizer=regulariser)
        discriminator = keras.Sequential([keras.Input(IMAGE_SHAPE), keras.layers.Flatten(), dense])
        keras.utils.set_random_seed(0)
        model = gan.GAN(gan.build_generator(5, (8,), IMAGE_SHAPE), discriminator, seed=0)
        model.compile("sgd", "sgd")
        return model.evaluate(make_dataset(), verbose=0, return_dict=True)

    penalised, plain = evaluate(keras.regularizers.L2(3.0)), evaluate(None)
    assert penalised["d_loss"] - plain["d_loss"] == pytest.approx(3.0 * 36, rel=1e-4)
    assert penalised["g_loss"] == plain["g_loss"]


@pytest.mark.parametrize("run_eagerly", [False, True])
def test_activity_regularizers_count_for_real_and_for_generated_images(images, run_eagerly):
    generator, _ = pair()
    hidden = [layers.Flatten(), layers.ActivityRegularization(l2=1.0), layers.Dense(1, kernel_initializer="zeros")]
    model = gan.GAN(generator, keras.Sequential([keras.Input(IMAGE_SHAPE), *hidden]))
    model.compile("sgd", "sgd", loss="wasserstein", run_eagerly=run_eagerly)
    real, fake = np.mean(np.sum(images**2, axis=(1, 2, 3))), np.mean(np.sum(model.predict(np.ones((1, 5))) ** 2))
    model.draw_latents = lambda count, seed: ops.ones((count, 5))
    assert model.evaluate(images, batch_size=100, return_dict=True)["d_loss"] == pytest.approx(real + fake, rel=1e-4)


@pytest.mark.parametrize("loss", ["binary_crossentropy", "least_squares", "hinge", "wasserstein", "relativistic"])
def test_patch_logits_are_averaged(images, loss):
    """Four logits a patch that repeat one of an image make no difference."""
    inputs = keras.Input(IMAGE_SHAPE)
    kernel = keras.initializers.RandomNormal(seed=1)
    logit = layers.Dense(1, kernel_initializer=kernel)(layers.Flatten()(inputs))
    patches = ops.tile(ops.reshape(logit, (-1, 1, 1, 1)), (1, 2, 2, 1))
    logs = []
    for output in (logit, patches):
        keras.utils.set_random_seed(0)
        model = gan.GAN(pair()[0], keras.Model(inputs, output), seed=0)
        model.compile("sgd", "sgd", loss=loss)
        logs.append(model.evaluate(images, batch_size=100, verbose=0, return_dict=True))
    assert logs[0] == pytest.approx(logs[1], rel=1e-5)


@pytest.mark.parametrize("loss", ["binary_crossentropy", "least_squares", "hinge", "wasserstein", "relativistic"])
@pytest.mark.parametrize("discriminator_steps", [None, 2])
def test_every_loss_trains_in_every_schedule(make_model, images, loss, discriminator_steps):
    model = make_model(num_classes=3, loss=loss, discriminator_steps=discriminator_steps, run_eagerly=True)
    before = state_of(model)
    logs = model.train_on_batch(images, np.arange(len(images)) % 3, return_dict=True)
    assert all(np.isfinite(value) for value in logs.values())
    for network in (model.generator, model.discriminator):
        assert all(np.isfinite(weight).all() for weight in network.get_weights())
    assert sum(not np.array_equal(one, other) for one, other in zip(before, state_of(model), strict=True)) > 20


@pytest.mark.parametrize("shape", [(7,), (9, 2), (4, 4, 4, 1)])
@pytest.mark.parametrize("regularizer", [gan.regularizers.R1, gan.regularizers.R2, gan.regularizers.GradientPenalty])
def test_data_of_any_rank_train_with_penalties(shape, regularizer):
    generator = keras.Sequential([keras.Input((5,)), layers.Dense(int(np.prod(shape))), layers.Reshape(shape)])
    discriminator = keras.Sequential([keras.Input(shape), layers.Flatten(), layers.Dense(1)])
    model = gan.GAN(generator, discriminator)
    model.compile("adam", "adam", regularizers=[regularizer(1)])
    data = np.random.default_rng(0).uniform(-1, 1, (40, *shape)).astype("float32")
    assert np.isfinite(model.fit(data, verbose=0).history["loss"]).all()


def test_all_options_train_together(images):
    images = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
    model = gan.GAN(
        gan.build_conv_generator(4, 2, image_shape=(8, 8, 1), num_classes=3),
        gan.build_conv_discriminator((8, 8, 1), 2, spectral_norm=True, num_classes=3),
        num_classes=3,
        averaging=0.9,
    )
    model.compile(
        keras.optimizers.Adam(1e-3),
        keras.optimizers.Adam(1e-3),
        regularizers=[gan.regularizers.R1(1.0, interval=2), gan.regularizers.GradientPenalty(1.0)],
        augmentation=["translation", "cutout", "brightness"],
        discriminator_steps=2,
        jit_compile=JIT_COMPILE[-1],
    )
    history = model.fit(images, np.arange(len(images)) % 3, batch_size=50, epochs=2, verbose=0).history
    assert np.isfinite(history["loss"]).all()
