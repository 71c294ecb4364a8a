"""The adversarial update, against closed forms, other ways to compute the same, and plain Keras."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import IMAGE_SHAPE, small_extractor
from keras import layers, ops

import gan


def pair(generator_dtype=None, discriminator_dtype=None):
    """Small networks without Dropout and BatchNormalization, whose outputs keep the given dtypes."""
    generator = keras.Sequential(
        [
            keras.Input((5,)),
            layers.Dense(8, activation="relu"),
            layers.Dense(36, activation="tanh", dtype=generator_dtype),
            layers.Reshape(IMAGE_SHAPE, dtype=generator_dtype),
        ]
    )
    discriminator = keras.Sequential(
        [
            keras.Input(IMAGE_SHAPE),
            layers.Flatten(),
            layers.Dense(8, activation="relu"),
            layers.Dense(1, dtype=discriminator_dtype),
        ]
    )
    return generator, discriminator


@pytest.fixture
def mixed_float16():
    keras.config.set_dtype_policy("mixed_float16")
    yield
    keras.config.set_dtype_policy("float32")


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


def test_an_own_loss_scale_is_kept(mixed_float16):
    model = gan.GAN(*pair())
    scaled = keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(), initial_scale=4.0)
    model.compile(scaled, "adam")
    assert model.generator_optimizer is scaled


@pytest.mark.parametrize("regularizer", [gan.regularizers.R1, gan.regularizers.R2, gan.regularizers.GradientPenalty])
def test_networks_that_end_in_half_precision_train_with_penalties(mixed_float16, images, regularizer):
    model = gan.GAN(*pair())
    assert model.generator.compute_dtype == "float16"
    model.compile(
        "adam", "adam", regularizers=[regularizer(1)], metrics=[gan.metrics.FrechetDistance(small_extractor())]
    )
    history = model.fit(images, validation_data=images, verbose=0).history
    assert all(np.isfinite(values).all() for values in history.values())
    assert model.generate(2).dtype == np.float32


@pytest.mark.parametrize("optimizer", [keras.optimizers.SGD, keras.optimizers.Adam])
def test_ema_of_an_optimizer_is_what_remains_after_fit(images, optimizer):
    """As in plain Keras: after `fit` the weights are the averages, which are computed here from each step's weights."""
    model = gan.GAN(*pair(), seed=0)
    model.compile(*(optimizer(0.05, use_ema=True, ema_momentum=0.8) for _ in range(2)))
    networks = {"generator": model.generator, "discriminator": model.discriminator}
    averages = {name: None for name in networks}

    def follow(batch, logs):
        for name, network in networks.items():
            weights = network.get_weights()
            old = averages[name] or weights  # Keras starts from the first update
            averages[name] = [0.8 * average + 0.2 * weight for average, weight in zip(old, weights, strict=True)]

    callback = keras.callbacks.LambdaCallback(on_train_batch_end=follow)
    model.fit(images, batch_size=20, epochs=2, verbose=0, callbacks=[callback])
    for name, network in networks.items():
        for weight, average in zip(network.get_weights(), averages[name], strict=True):
            np.testing.assert_allclose(weight, average, rtol=1e-4, atol=1e-5)


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


def test_a_step_that_loss_scaling_skips_does_not_count_for_the_average(mixed_float16, images):
    model = gan.GAN(*pair(), averaging=0.9)
    scaled = [keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1), initial_scale=1e30) for _ in "gd"]
    model.compile(*scaled)
    model.average.set_weights([weight + 1 for weight in model.average.get_weights()])
    before = model.average.get_weights()
    model.train_on_batch(images)
    for one, other in zip(model.average.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, other)


def test_reset_average_follows_weights_that_were_set(make_model):
    model = make_model(averaging=0.9)
    model.generator.set_weights([weight + 0.1 for weight in model.generator.get_weights()])
    model.reset_average()
    latents = np.ones((2, 5), "float32")
    np.testing.assert_allclose(model.generate(latents=latents), model.generator(latents), rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match="no average to reset"):
        make_model().reset_average()


@pytest.mark.parametrize("run_eagerly", [False, True])
def test_activity_regularizers_count_for_real_and_for_generated_images(images, run_eagerly):
    generator, _ = pair()
    hidden = [layers.Flatten(), layers.ActivityRegularization(l2=1.0), layers.Dense(1, kernel_initializer="zeros")]
    model = gan.GAN(generator, keras.Sequential([keras.Input(IMAGE_SHAPE), *hidden]))
    model.compile("sgd", "sgd", loss="wasserstein", run_eagerly=run_eagerly)
    real, fake = np.mean(np.sum(images**2, axis=(1, 2, 3))), np.mean(np.sum(model.predict(np.ones((1, 5))) ** 2))
    model.draw_latents = lambda count, seed: ops.ones((count, 5))
    assert model.evaluate(images, batch_size=100, return_dict=True)["d_loss"] == pytest.approx(real + fake, rel=1e-4)


def test_an_average_with_an_activity_regularizer_is_evaluated(images):
    generator, discriminator = pair()
    generator.add(layers.ActivityRegularization(l2=1.0))
    model = gan.GAN(generator, discriminator, averaging=0.9)
    model.compile("sgd", "sgd")
    history = model.fit(images, validation_data=images, verbose=0).history
    assert history["val_g_loss"][0] > 1


@pytest.mark.parametrize("batches", [(), (0,), (40, 0, 60, 0)])
def test_empty_batches_are_skipped(make_model, images, batches):
    """Empty batches anywhere change nothing: not the weights, not the logs, not the next epoch."""

    def run(sizes):
        keras.utils.set_random_seed(0)
        model = make_model()
        ends = np.cumsum(sizes)
        parts = [images[end - size : end] for size, end in zip(sizes, ends, strict=True)]
        dataset = tf.data.Dataset.from_generator(
            lambda: iter(parts), output_signature=tf.TensorSpec((None, *IMAGE_SHAPE), "float32")
        )
        full = dataset.apply(tf.data.experimental.assert_cardinality(len(parts)))
        history = model.fit(full, epochs=2, validation_data=full, verbose=0).history
        return history, model.get_weights()

    history, weights = run((40, 60, *batches)) if sum(batches) == 0 else run(batches)
    expected_history, expected_weights = run((40, 60))
    for name, values in expected_history.items():
        np.testing.assert_allclose(history[name], values, rtol=1e-5)
    for one, other in zip(weights, expected_weights, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("kind", ["dataset", "generator", "pydataset"])
def test_float64_images_train_with_penalties(make_model, images, kind):
    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 5

        def __getitem__(self, index):
            return (images[20 * index : 20 * index + 20].astype("float64"),)

    data = {
        "dataset": lambda: tf.data.Dataset.from_tensor_slices(images.astype("float64")).batch(20),
        "generator": lambda: (Batches()[index] for index in range(5)),
        "pydataset": Batches,
    }
    regularizers = [gan.regularizers.R1(1, 2), gan.regularizers.R2(1), gan.regularizers.GradientPenalty(1)]
    model = make_model(regularizers=regularizers, augmentation=["translation"])
    assert np.isfinite(model.fit(data[kind](), verbose=0).history["loss"]).all()


@pytest.mark.parametrize("batch_size", [7, 16, 64, 100])
def test_a_model_has_one_fid_whatever_the_batches(make_model, images, batch_size):
    model = make_model(metrics=[gan.metrics.FrechetDistance(small_extractor())])
    whole = model.evaluate(images, batch_size=100, verbose=0, return_dict=True)
    cut = model.evaluate(images, batch_size=batch_size, verbose=0, return_dict=True)
    for name, value in whole.items():
        assert cut[name] == pytest.approx(value, rel=1e-4), name


def test_evaluating_within_an_epoch_leaves_its_logs_alone(make_model, images):
    def run(callbacks):
        keras.utils.set_random_seed(0)
        model = make_model(metrics=[gan.metrics.FrechetDistance(small_extractor())])
        options = {"validation_data": images, "epochs": 2, "batch_size": 20, "verbose": 0}
        return model.fit(images, callbacks=callbacks(model), **options).history

    def looking(model):
        def evaluate(batch, logs):
            if batch == 2:
                model.evaluate(images[:30], verbose=0)

        return [keras.callbacks.LambdaCallback(on_train_batch_end=evaluate)]

    expected, history = run(lambda model: []), run(looking)
    for name, values in expected.items():
        np.testing.assert_allclose(history[name], values, rtol=1e-6, err_msg=name)


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


@pytest.mark.parametrize("shape", [(7,), (9, 2), (4, 4, 4, 1)])
@pytest.mark.parametrize("regularizer", [gan.regularizers.R1, gan.regularizers.R2, gan.regularizers.GradientPenalty])
def test_data_of_any_rank_train_with_penalties(shape, regularizer):
    generator = keras.Sequential([keras.Input((5,)), layers.Dense(int(np.prod(shape))), layers.Reshape(shape)])
    discriminator = keras.Sequential([keras.Input(shape), layers.Flatten(), layers.Dense(1)])
    model = gan.GAN(generator, discriminator)
    model.compile("adam", "adam", regularizers=[regularizer(1)])
    data = np.random.default_rng(0).uniform(-1, 1, (40, *shape)).astype("float32")
    assert np.isfinite(model.fit(data, verbose=0).history["loss"]).all()


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


def test_augmentation_of_other_than_images_is_refused():
    generator = keras.Sequential([keras.Input((5,)), layers.Dense(7)])
    discriminator = keras.Sequential([keras.Input((7,)), layers.Dense(1)])
    with pytest.raises(ValueError, match="augmentation"):
        gan.GAN(generator, discriminator).compile("adam", "adam", augmentation=["translation"])


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


def test_a_subclass_that_forgets_a_loss_is_told(images):
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


def test_from_image_to_image(images, tmp_path):
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


def test_a_nan_in_a_later_batch_is_seen_in_the_logs(make_model, images):
    """The networks' ReLUs may hide it from the losses, but not from the weights."""
    spoilt = images.copy()
    spoilt[50] = np.nan
    dataset = tf.data.Dataset.from_tensor_slices(spoilt).batch(20)
    history = make_model().fit(dataset, epochs=3, verbose=0, callbacks=[keras.callbacks.TerminateOnNaN()]).history
    assert len(history["loss"]) <= 1
