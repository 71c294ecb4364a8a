import subprocess
import sys
import textwrap

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import IMAGE_SHAPE, assert_same_state, small_extractor, state_of
from keras import ops

import gan


def evaluation_latents(seed, count, jit_compile=False):
    """The latents of every evaluation of a model with this seed, in bare TensorFlow: blocks of 64."""
    draw = tf.function(lambda block: tf.random.stateless_normal((64, 5), (seed + 1, block)), jit_compile=jit_compile)
    blocks = [draw(tf.constant(block)) for block in range(-(-count // 64))]
    return np.concatenate(blocks)[:count]


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


@pytest.mark.parametrize("jit_compile", [False, True])
def test_steps_equal_a_hand_written_reference(images, jit_compile):
    generator = gan.build_generator(5, (8, 12), IMAGE_SHAPE)
    discriminator = gan.build_discriminator(IMAGE_SHAPE, (12, 8), dropout=0.0)
    model = gan.GAN(generator, discriminator, seed=3)
    model.compile(keras.optimizers.Adam(1e-3), keras.optimizers.Adam(1e-3), jit_compile=jit_compile)
    reference = HandWritten(generator.get_weights(), discriminator.get_weights(), learning_rate=1e-3)

    dataset = tf.data.Dataset.from_tensor_slices(images).batch(24)  # four batches and one of four images
    history = model.fit(dataset, verbose=0).history

    noise = keras.random.SeedGenerator(3)
    draw = tf.function(lambda count: keras.random.normal((count, 5), seed=noise), jit_compile=jit_compile)
    losses = [(*reference.train(batch, draw(len(batch))), len(batch)) for batch in dataset]
    for weight, expected in zip(generator.get_weights(), reference.generator, strict=True):
        np.testing.assert_allclose(weight, expected, rtol=1e-3, atol=2e-6)
    for weight, expected in zip(discriminator.get_weights(), reference.discriminator, strict=True):
        np.testing.assert_allclose(weight, expected, rtol=1e-3, atol=2e-6)
    g_losses, d_losses, sizes = zip(*losses, strict=True)
    assert history["g_loss"][0] == pytest.approx(np.average(g_losses, weights=sizes), rel=1e-5)
    assert history["d_loss"][0] == pytest.approx(np.average(d_losses, weights=sizes), rel=1e-5)


def test_logs_losses_and_accuracies_of_train_and_validation(make_model, make_dataset):
    history = make_model().fit(make_dataset(), validation_data=make_dataset(), epochs=2, verbose=0).history
    names = {"loss", "g_loss", "d_loss", "real_accuracy", "fake_accuracy"}
    assert set(history) == names | {f"val_{name}" for name in names}
    assert all(len(values) == 2 for values in history.values())


def test_accuracies_are_those_of_the_discriminators_signs(images):
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


def test_labels_are_ignored(make_model, images):
    models = [make_model(), make_model()]
    models[1].set_weights(models[0].get_weights())
    dataset = tf.data.Dataset.from_tensor_slices(images).batch(16)
    labeled = tf.data.Dataset.from_tensor_slices((images, np.arange(len(images)))).batch(16)
    for model, data in zip(models, (dataset, labeled), strict=True):
        model.discriminator.layers[2].rate = model.discriminator.layers[4].rate = 0
        model.fit(data, verbose=0)
    for one, other in zip(models[0].get_weights(), models[1].get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_seed_repeats_a_run_and_another_does_not(make_model, make_dataset):
    def run(seed):
        keras.utils.set_random_seed(seed)
        model = make_model(seed=seed)
        model.fit(make_dataset(), epochs=2, verbose=0)
        return model

    assert_same_state(run(1), run(1))
    assert not np.array_equal(run(1).generate(4, seed=0), run(2).generate(4, seed=0))


def test_looking_does_not_change_training(make_model, make_dataset, tmp_path):
    plain, watched = make_model(), make_model()
    watched.set_weights(plain.get_weights())
    for layer, other in zip(plain.discriminator.layers, watched.discriminator.layers, strict=True):
        if isinstance(layer, keras.layers.Dropout):
            other.seed_generator.state.assign(layer.seed_generator.state)
    plain.fit(make_dataset(), epochs=3, verbose=0)
    watched.fit(
        make_dataset(), epochs=3, verbose=0, validation_data=make_dataset(), callbacks=[gan.ImageGrid(tmp_path)]
    )
    watched.generate(3)
    watched.evaluate(make_dataset(), verbose=0)
    watched.evaluation_noise.state.assign(plain.evaluation_noise.state)
    assert_same_state(plain, watched)


@pytest.mark.parametrize("arguments", [{"steps_per_execution": 3}, {"run_eagerly": True}])
def test_ways_of_execution_agree(make_model, make_dataset, arguments):
    initial = make_model()
    models = [keras.models.clone_model(initial) for _ in range(2)]
    for model, options in zip(models, ({}, arguments), strict=True):
        model.set_weights(initial.get_weights())
        for layer in model.discriminator.layers:
            if isinstance(layer, keras.layers.Dropout):
                layer.seed_generator.state.assign([7, 0])
        model.compile("sgd", "sgd", **options)
        model.fit(make_dataset(), epochs=2, verbose=0)
    for one, other in zip(models[0].get_weights(), models[1].get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


def test_a_saved_model_goes_on_in_a_new_process(make_model, images, make_dataset, tmp_path):
    never_stopped = make_model()
    never_stopped.fit(make_dataset(), epochs=2, verbose=0)
    never_stopped.save(tmp_path / "digits.keras")
    np.save(tmp_path / "images.npy", images)
    program = """
        import gan  # before Keras, and nothing of it is used
        import keras
        import numpy as np
        import tensorflow as tf

        model = keras.models.load_model("digits.keras")
        model.fit(tf.data.Dataset.from_tensor_slices(np.load("images.npy")).batch(16), epochs=2, verbose=0)
        model.save("more.keras")
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], cwd=tmp_path, check=True, capture_output=True)
    never_stopped.fit(make_dataset(), epochs=2, verbose=0)
    assert_same_state(never_stopped, keras.models.load_model(tmp_path / "more.keras"))


def test_save_and_load_keep_optimizers_schedules_and_loss(make_model, make_dataset, tmp_path):
    model = make_model()
    schedule = keras.optimizers.schedules.ExponentialDecay(1e-3, decay_steps=7, decay_rate=0.5)
    model.compile(keras.optimizers.Adam(schedule), "rmsprop", loss=gan.losses.BinaryCrossentropy(0.1))
    model.fit(make_dataset(), epochs=2, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert_same_state(model, loaded)
    assert isinstance(loaded.discriminator_optimizer, keras.optimizers.RMSprop)
    assert loaded.loss.label_smoothing == 0.1
    # 14 steps of a rate that halves every 7.
    assert float(loaded.generator_optimizer.learning_rate) == pytest.approx(1e-3 / 4)


def test_weights_files_keep_the_random_state_too(make_model, make_dataset, tmp_path):
    model, other = make_model(seed=1), make_model(seed=2)
    model.fit(make_dataset(), verbose=0)
    model.save_weights(tmp_path / "model.weights.h5")
    other.load_weights(tmp_path / "model.weights.h5")
    assert_same_state(model, other)


def test_an_own_loss_needs_one_class(make_model, make_dataset):
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


def test_compile_takes_names_and_configs(make_model):
    model = make_model()
    model.compile(
        "adam",
        keras.optimizers.serialize(keras.optimizers.SGD(0.5)),
        loss=keras.saving.serialize_keras_object(gan.losses.BinaryCrossentropy(0.2)),
    )
    assert float(model.discriminator_optimizer.learning_rate) == 0.5
    assert model.loss.label_smoothing == 0.2
    with pytest.raises(ValueError, match="two optimizers"):
        adam = keras.optimizers.Adam()
        model.compile(adam, adam)
    with pytest.raises(ValueError, match="loss must be"):
        model.compile("adam", "adam", loss="mse")


def test_regularisers_of_a_network_count(make_dataset):
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


def test_generate(make_model):
    model = make_model()
    images = model.generate(7, seed=0)
    assert images.shape == (7, *IMAGE_SHAPE) and images.dtype == np.float32
    assert np.abs(images).max() <= 1
    np.testing.assert_array_equal(images, model.generate(7, seed=0))
    assert not np.array_equal(images, model.generate(7, seed=1))
    latents = np.random.default_rng(0).normal(size=(3, 5)).astype("float32")
    np.testing.assert_allclose(model.generate(latents=latents), model.generator(latents), rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match="at least 1, not 0"):
        model.generate(0)
    with pytest.raises(ValueError, match=r"shape \(count, 5\)"):
        model.generate(latents=latents[:, :4])
    np.testing.assert_array_equal(model.generate(latents=latents.tolist()), model.generate(latents=latents))
    with pytest.raises(ValueError, match=r"not \(0, 5\)"):
        model.generate(latents=latents[:0])
    with pytest.raises(ValueError, match="either a count or latents"):
        model.generate()


@pytest.mark.parametrize("jit_compile", [False, True])
def test_alternating_updates_the_discriminator_first_and_as_often_as_asked_for(images, jit_compile):
    """The generator answers to the discriminator of after its updates, each on latents of its own."""

    def make_networks():
        keras.utils.set_random_seed(1)
        generator = keras.Sequential([keras.Input((5,)), keras.layers.Dense(36), keras.layers.Reshape(IMAGE_SHAPE)])
        discriminator = keras.Sequential([keras.Input(IMAGE_SHAPE), keras.layers.Flatten(), keras.layers.Dense(1)])
        return generator, discriminator

    generator, discriminator = make_networks()
    model = gan.GAN(generator, discriminator, seed=3)
    optimizers = keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.2)
    model.compile(*optimizers, discriminator_steps=2, jit_compile=jit_compile)
    logs = model.train_on_batch(images, return_dict=True)
    assert int(optimizers[0].iterations) == 1 and int(optimizers[1].iterations) == 2

    expected_generator, expected_discriminator = make_networks()
    noise = keras.random.SeedGenerator(3)
    draw = tf.function(lambda: keras.random.normal((len(images), 5), seed=noise), jit_compile=jit_compile)
    latents = [draw() for _ in range(3)]
    assert not np.array_equal(latents[0], latents[1]) and not np.array_equal(latents[1], latents[2])

    def descend(network, rate, loss):
        with tf.GradientTape() as tape:
            value = loss()
        for weight, gradient in zip(
            network.trainable_variables, tape.gradient(value, network.trainable_variables), strict=True
        ):
            weight.assign_sub(rate * gradient)
        return float(value)

    def d_loss(one):
        real, fake = expected_discriminator(images), expected_discriminator(expected_generator(one))
        return ops.mean(ops.softplus(-real)) + ops.mean(ops.softplus(fake))

    d_losses = [descend(expected_discriminator, 0.2, lambda one=one: d_loss(one)) for one in latents[:2]]
    g_loss = descend(
        expected_generator,
        0.1,
        lambda: ops.mean(ops.softplus(-expected_discriminator(expected_generator(latents[2])))),
    )
    for network, expected in ((generator, expected_generator), (discriminator, expected_discriminator)):
        for weight, other in zip(network.get_weights(), expected.get_weights(), strict=True):
            np.testing.assert_allclose(weight, other, rtol=1e-4, atol=1e-6)
    assert logs["g_loss"] == pytest.approx(g_loss, rel=1e-4) and logs["d_loss"] == pytest.approx(d_losses[1], rel=1e-4)
    assert logs["loss"] == pytest.approx(g_loss + d_losses[1], rel=1e-4)


@pytest.mark.parametrize("steps", [0, -1, 1.5])
def test_a_number_of_discriminator_steps_that_cannot_be_is_refused(make_model, steps):
    with pytest.raises(ValueError, match="discriminator_steps must be a positive integer"):
        make_model(discriminator_steps=steps)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_averaging_follows_every_weight_and_moment(make_model, images, jit_compile):
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


def test_the_average_makes_the_images_that_are_looked_at_and_measured(make_model, images, tmp_path):
    metrics = [gan.metrics.FrechetDistance(small_extractor())]
    model = make_model(averaging=0.9, metrics=metrics)
    model.fit(
        images, batch_size=20, epochs=2, verbose=0, callbacks=[gan.ImageGrid(tmp_path, rows=1, columns=1, seed=4)]
    )
    latents = keras.random.normal((len(images), 5), seed=1)
    made = model.generate(latents=latents)
    np.testing.assert_allclose(made, model.average(latents, training=False), atol=1e-5)
    assert np.abs(made - model.generator(latents, training=False)).max() > 1e-3
    drawn = gan.images.read_picture(tmp_path / "image_at_epoch_0002.png")[40::80, 40::80, 0]
    one = model.average(keras.random.normal((1, 5), seed=4), training=False)
    np.testing.assert_allclose(drawn, gan.images.to_uint8(one)[0, ..., 0], atol=1)

    figures = model.evaluate(images, batch_size=100, verbose=0, return_dict=True)
    fakes = model.average(evaluation_latents(0, 100), training=False)
    metrics[0].reset_state()
    metrics[0].update_state(images, fakes)
    assert figures["fid"] == pytest.approx(metrics[0].result(), rel=1e-3)


def test_everything_at_once_is_saved_and_goes_on_as_if_never_stopped(make_model, images, tmp_path):
    labels = np.arange(len(images)) % 3
    model = make_model(
        num_classes=3,
        averaging=0.9,
        discriminator_steps=2,
        augmentation=["translation"],
        regularizers=[gan.regularizers.R1(1.0, interval=2)],
        loss="relativistic",
    )
    model.fit(images, labels, batch_size=20, epochs=1, verbose=0, shuffle=False)
    model.save(tmp_path / "model.keras")
    loaded = gan.load_model(tmp_path / "model.keras")
    assert loaded.num_classes == 3 and loaded.averaging == 0.9 and loaded.discriminator_steps == 2
    for one in (model, loaded):
        one.fit(images, labels, batch_size=20, epochs=2, verbose=0, shuffle=False)
    assert_same_state(model, loaded)
    np.testing.assert_array_equal(model.generate(4, seed=0), loaded.generate(4, seed=0))
    # Without its optimizers too it is the average that generates.
    bare = keras.models.load_model(tmp_path / "model.keras", compile=False)
    assert bare.sampler is bare.average


@pytest.mark.parametrize("averaging", [-0.1, 1, 2])
def test_a_decay_that_cannot_be_is_refused(make_model, averaging):
    with pytest.raises(ValueError, match=r"averaging must lie in \[0, 1\), not"):
        make_model(averaging=averaging)


class Told(keras.layers.Layer):
    """An image that says which label it was made of."""

    def call(self, latents, labels):
        return ops.zeros((ops.shape(latents)[0], *IMAGE_SHAPE)) + ops.reshape(
            ops.cast(labels, "float32") / 10, (-1, 1, 1, 1)
        )


def test_each_image_is_made_and_judged_by_its_label(images):
    """With one label for all images of the batch the logits of both kinds are that label."""
    latents, labels = keras.Input((5,)), keras.Input((), dtype="int32")
    generator = keras.Model([latents, labels], Told()(latents, labels))
    pixels = keras.Input(IMAGE_SHAPE)
    table = keras.layers.Embedding(3, 1, embeddings_initializer=keras.initializers.Constant(0))
    mean = keras.layers.Dense(1, kernel_initializer="zeros")(keras.layers.Flatten()(pixels))
    discriminator = keras.Model([pixels, labels], keras.layers.Add()([mean, table(labels)]))
    table.set_weights([np.array([[-5.0], [0.0], [7.0]])])
    model = gan.GAN(generator, discriminator, num_classes=3)
    model.compile(keras.optimizers.SGD(0.0), keras.optimizers.SGD(0.0))
    for label, real_loss in ((0, np.log1p(np.exp(5.0))), (2, np.log1p(np.exp(-7.0)))):
        logs = model.evaluate(images, np.full(100, label), verbose=0, return_dict=True)
        assert logs["g_loss"] == pytest.approx(real_loss, rel=1e-4)
        logs = model.train_on_batch(images, np.full(100, label), return_dict=True)
        assert logs["real_accuracy"] == (label == 2) and logs["fake_accuracy"] == (label == 0)
        model.reset_metrics()
    made = model.generate(labels=[2, 0, 1, 1])
    np.testing.assert_allclose(made[:, 0, 0, 0], [0.2, 0, 0.1, 0.1], rtol=1e-6)
    made = np.round(10 * model.generate(300, seed=0)[:, 0, 0, 0])
    np.testing.assert_array_equal(made, np.round(10 * model.generate(300, seed=0)[:, 0, 0, 0]))
    assert all(60 < np.count_nonzero(made == label) < 140 for label in range(3))
    np.testing.assert_allclose(
        model.generate(latents=np.zeros((2, 5)), labels=[1, 2])[:, 0, 0, 0], [0.1, 0.2], rtol=1e-6
    )


def test_labels_that_cannot_be_are_refused(make_model, images):
    model = make_model(num_classes=3)
    good = np.arange(len(images)) % 3
    for labels, sentence in (
        (None, "needs labels, and there are none"),
        (good.tolist(), "labels must be an array, not a list"),
        (good[:-1], "one for each of 100 images"),
        (good.astype("float32"), "must be whole numbers"),
        (good + 1, "must lie in 0 to 2, not in 1 to 3"),
        (good - 1, "must lie in 0 to 2, not in -1 to 1"),
    ):
        for run in (model.fit, model.evaluate):
            with pytest.raises(ValueError, match=sentence):
                run(images, labels, verbose=0)
    with pytest.raises(ValueError, match="needs labels, and there are none"):
        model.fit(tf.data.Dataset.from_tensor_slices(images).batch(10), verbose=0)
    with pytest.raises(ValueError, match="needs labels, and there are none"):
        model.fit(images, good, validation_data=images, verbose=0)
    for labels, sentence in (([3], "must lie in 0 to 2"), (1, "one for each of 1 images"), ([], "one for each of 0")):
        with pytest.raises(ValueError, match=sentence):
            model.generate(labels=labels)
    with pytest.raises(ValueError, match="either a count or latents"):
        model.generate(2, labels=[1, 2])
    with pytest.raises(ValueError, match="labels need a GAN with num_classes"):
        make_model().generate(labels=[1])


def test_networks_and_num_classes_must_agree():
    plain = gan.build_generator(5, (8,), IMAGE_SHAPE), gan.build_discriminator(IMAGE_SHAPE, (8,))
    told = (
        gan.build_generator(5, (8,), IMAGE_SHAPE, num_classes=3),
        gan.build_discriminator(IMAGE_SHAPE, (8,), num_classes=3),
    )
    with pytest.raises(ValueError, match="with num_classes=None the generator must take one input and no labels"):
        gan.GAN(*told)
    with pytest.raises(ValueError, match="num_classes=3 the discriminator must take a second input, labels"):
        gan.GAN(told[0], plain[1], num_classes=3)
    with pytest.raises(ValueError, match="num_classes must be a positive integer, not 0"):
        gan.GAN(*told, num_classes=0)


def test_all_pieces_compile_together_with_xla(images):
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
        jit_compile=True,
    )
    history = model.fit(images, np.arange(len(images)) % 3, batch_size=50, epochs=2, verbose=0).history
    assert np.isfinite(history["loss"]).all()


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


FIGURES = {"fid", "kid", "precision", "recall", "density", "coverage", "modes", "mode_kl"}


def all_metrics(extractor=None):
    return gan.metrics.all_metrics(extractor or small_extractor(), IMAGE_SHAPE)


def test_metrics_come_out_of_evaluate_and_fit(make_model, make_dataset, images):
    model = make_model(metrics=all_metrics())
    history = model.fit(make_dataset(), epochs=4, validation_data=images, validation_freq=2, verbose=0).history
    validated = {f"val_{name}" for name in FIGURES}
    assert validated <= set(history) and not FIGURES & set(history)
    assert all(len(history[name]) == 2 and np.isfinite(history[name]).all() for name in validated)
    figures = model.evaluate(images, verbose=0, return_dict=True)
    assert set(figures) == FIGURES | {"loss", "g_loss", "d_loss", "real_accuracy", "fake_accuracy"}
    assert figures["fid"] == pytest.approx(history["val_fid"][-1], rel=1e-6)
    assert figures == model.evaluate(images, verbose=0, return_dict=True)
    listed = model.evaluate(images, verbose=0)
    assert sorted(listed) == sorted(figures.values())
    names = [name for name in model.metrics_names if name in figures]
    assert [figures[name] for name in names] == listed[: len(names)]


@pytest.mark.parametrize("jit_compile", [False, True])
def test_metrics_are_those_of_the_very_images(make_model, make_dataset, images, jit_compile):
    """As many images as there are real ones, of the latents that the seed says."""
    model = make_model(seed=5, metrics=all_metrics(), jit_compile=jit_compile)
    figures = model.evaluate(make_dataset(), verbose=0, return_dict=True)
    fakes = model.generator(evaluation_latents(5, len(images), jit_compile), training=False)
    metrics = all_metrics()
    for metric in metrics:
        metric.update_state(images, fakes)
    for name, value in gan.metrics.figures_of(metrics).items():
        assert figures[name] == pytest.approx(value, rel=1e-3, abs=1e-9), name


@keras.saving.register_keras_serializable(package="test")
class Counting(keras.layers.Layer):
    """Passes images on and counts them."""

    def build(self, input_shape):
        self.count = self.add_weight(shape=(), initializer="zeros", trainable=False)

    def call(self, images):
        self.count.assign_add(ops.cast(ops.shape(images)[0], "float32"))
        return images


def test_real_features_are_computed_once_a_fit_and_for_no_other_data(make_model, make_dataset, images):
    counting = Counting()
    features = keras.layers.Flatten()(counting(inputs := keras.Input(IMAGE_SHAPE)))
    extractor = keras.Model(inputs, features, name="counting")
    metrics = all_metrics(extractor)
    model = make_model(metrics=metrics)
    results = []
    compare = metrics[0].compare
    metrics[0].compare = lambda real, fake: results.append(None) or compare(real, fake)

    model.fit(make_dataset(), epochs=3, validation_data=make_dataset(), verbose=0)
    assert float(counting.count) == 100 + 3 * 100  # for four metrics
    assert len(results) == 3
    others = images[::-2] * 0.5
    counting.count.assign(0)
    for _ in range(2):
        model.evaluate(others, verbose=0)
    assert float(counting.count) == 2 * (50 + 50)

    second = model.fit(make_dataset(), validation_data=(others,), verbose=0).history
    assert second["val_fid"][0] == pytest.approx(model.evaluate(others, verbose=0, return_dict=True)["fid"])


def test_looking_on_at_another_set_within_fit_does_not_mix_them(make_model, make_dataset, images):
    class Look(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.evaluate(images[:30] * 0.1, verbose=0)

    histories = []
    for callbacks in ([], [Look()]):
        keras.utils.set_random_seed(0)
        model = make_model(metrics=all_metrics())
        histories.append(
            model.fit(make_dataset(), epochs=3, validation_data=make_dataset(), callbacks=callbacks, verbose=0).history
        )
    assert histories[0] == histories[1]


def test_metrics_are_shown_with_the_progress_of_evaluate(make_model, images, capsys):
    make_model(metrics=all_metrics()).evaluate(images, verbose=2)
    assert "fid: " in capsys.readouterr().out


def test_metrics_are_saved_with_the_weights_of_an_own_extractor(make_model, images, tmp_path):
    extractor = small_extractor()
    extractor.set_weights([weight + 0.5 for weight in extractor.get_weights()])
    model = make_model(metrics=all_metrics(extractor))
    before = model.evaluate(images, verbose=0, return_dict=True)
    count = len(model.weights)
    model.save(tmp_path / "model.keras")
    loaded = gan.load_model(tmp_path / "model.keras")
    assert loaded.evaluate(images, verbose=0, return_dict=True) == before
    assert len(loaded.weights) == count
    assert len({id(metric.extractor) for metric in loaded.quality_metrics}) == 1
    loaded.save(tmp_path / "again.keras")
    assert gan.load_model(tmp_path / "again.keras").evaluate(images, verbose=0, return_dict=True) == before


def test_named_extractors_and_features_take_no_room_in_a_file(tmp_path):
    sizes = []
    for metrics in (None, gan.metrics.all_metrics("digits", (28, 28, 1))):
        model = gan.GAN(gan.build_generator(5, (8,)), gan.build_discriminator(widths=(8,)))
        model.compile("sgd", "sgd", metrics=metrics)
        model.save(tmp_path / "model.keras")
        sizes.append((tmp_path / "model.keras").stat().st_size)
    assert gan.load_model(tmp_path / "model.keras").quality_metrics[0].extractor_name == "digits"
    assert sizes[1] < sizes[0] + 20_000


def test_keras_callbacks_go_by_fid(make_model, make_dataset, tmp_path):
    model = make_model(metrics=all_metrics())
    best = keras.callbacks.ModelCheckpoint(tmp_path / "k.keras", monitor="val_fid", mode="min", save_best_only=True)
    ours = gan.Checkpoint(tmp_path / "model.keras", monitor="val_fid")
    history = model.fit(
        make_dataset(), epochs=6, validation_data=make_dataset(), callbacks=[best, ours], verbose=0
    ).history
    assert best.best == min(history["val_fid"])
    for name in ("k.keras", "best.keras"):
        loaded = gan.load_model(tmp_path / name)
        assert loaded.evaluate(make_dataset(), verbose=0, return_dict=True)["fid"] == pytest.approx(best.best)
    stop = keras.callbacks.EarlyStopping("val_fid", mode="min", min_delta=1e9, patience=1)
    assert (
        len(model.fit(make_dataset(), epochs=9, validation_data=make_dataset(), callbacks=[stop], verbose=0).epoch) == 2
    )


def test_a_diverged_generator_is_told_by_a_sentence(make_model, images):
    model = make_model(metrics=all_metrics())
    model.generator.set_weights([np.full_like(weight, np.nan) for weight in model.generator.get_weights()])
    with pytest.raises(FloatingPointError, match="fid has no result: the features of the generated images"):
        model.evaluate(images, verbose=0)


def test_a_generator_that_has_collapsed_is_measured(make_model, images):
    model = make_model(metrics=all_metrics())
    model.generator.set_weights([np.zeros_like(weight) for weight in model.generator.get_weights()])
    figures = model.evaluate(images, verbose=0, return_dict=True)
    assert all(np.isfinite(value) for value in figures.values())
    assert figures["recall"] == 0 and figures["modes"] == 1


def test_metrics_that_are_none_are_refused(make_model):
    with pytest.raises(ValueError, match="metrics must be gan.metrics, not 'accuracy'"):
        make_model(metrics=["accuracy"])
    with pytest.raises(ValueError, match="digits does not take images of"):
        make_model(metrics=[gan.metrics.FrechetDistance()])
    with pytest.raises(ValueError, match="metrics must be a list"):
        make_model(metrics=gan.metrics.FrechetDistance(small_extractor()))
    with pytest.raises(ValueError, match="metrics must log under different names"):
        make_model(metrics=[gan.metrics.FrechetDistance(small_extractor(), name="g_loss")])
    with pytest.raises(ValueError, match="metrics must log under different names"):
        make_model(metrics=[gan.metrics.FrechetDistance(extractor) for extractor in [small_extractor()] * 2])
    two = [gan.metrics.FrechetDistance(small_extractor()), gan.metrics.KernelDistance(small_extractor())]
    with pytest.raises(ValueError, match="two extractors have the name 'small'"):
        make_model(metrics=two)


def test_networks_that_do_not_fit_are_refused():
    generator, discriminator = gan.build_generator(), gan.build_discriminator()
    with pytest.raises(ValueError, match="agree on the shape of the images"):
        gan.GAN(generator, gan.build_discriminator((32, 32, 3)))
    with pytest.raises(ValueError, match="one logit per image"):
        gan.GAN(generator, keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten()]))
    with pytest.raises(ValueError, match="must take latents"):
        gan.GAN(keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Identity()]), discriminator)
    with pytest.raises(ValueError, match="must be a keras.Model with a known input shape"):
        gan.GAN(keras.Sequential([keras.layers.Dense(784)]), discriminator)


@pytest.mark.parametrize("as_dataset", [False, True])
@pytest.mark.parametrize(
    ("spoil", "error", "sentence"),
    [
        (lambda images: (images + 1) * 127.5, ValueError, "0..255"),
        (lambda images: (images + 1) / 2 + 0.1, ValueError, "0..1"),
        (lambda images: ((images + 1) * 127.5).astype("uint8"), TypeError, "floats in .-1, 1., not uint8"),
        (lambda images: np.where(images > 0.999, np.nan, images), ValueError, "NaN"),
        (lambda images: images[:, :5], ValueError, r"\(batch, 6, 6, 1\)"),
        (lambda images: images[..., 0], ValueError, r"\(batch, 6, 6, 1\)"),
        (lambda images: images[:0], ValueError, "at least one"),
    ],
)
def test_fit_refuses_images_it_cannot_train_on(make_model, images, as_dataset, spoil, error, sentence):
    spoilt = spoil(images)
    if as_dataset:
        spoilt = tf.data.Dataset.from_tensor_slices(spoilt).batch(len(images))
    model = make_model()
    with pytest.raises(error, match=sentence):
        model.fit(spoilt, verbose=0)
    with pytest.raises(error, match=sentence):
        model.fit(images, validation_data=spoilt if as_dataset else (spoilt,), verbose=0)
    assert model.train_function is None


@pytest.mark.parametrize("wrap", [lambda x: None, lambda x: 3, lambda x: (x, x), lambda x: {"images": x}, list])
def test_fit_and_evaluate_refuse_what_holds_no_images(make_model, images, wrap):
    for method in ("fit", "evaluate"):
        with pytest.raises(TypeError, match="images must be an array or a dataset"):
            getattr(make_model(), method)(wrap(images), verbose=0)
    with pytest.raises(TypeError, match="not dict"):
        make_model().fit(tf.data.Dataset.from_tensor_slices({"image": images}).batch(16))
    with pytest.raises(ValueError, match="0..255"):
        make_model().evaluate((images + 1) * 127.5)


def test_an_epoch_sees_the_pass_of_its_number_whatever_has_looked_before(make_model, tmp_path):
    np.savez(tmp_path / "data.npz", x_train=np.random.default_rng(0).integers(0, 256, (50, *IMAGE_SHAPE), "uint8"))

    def fit(dataset, stops, **kwargs):
        keras.utils.set_random_seed(0)
        model = make_model()
        for initial_epoch, epochs in zip([0, *stops], stops, strict=False):
            model.fit(dataset, initial_epoch=initial_epoch, epochs=epochs, verbose=0, **kwargs)
        return model

    dataset = gan.datasets.load(tmp_path / "data.npz", batch_size=16)
    whole = fit(dataset, [4])
    next(iter(dataset))
    assert_same_state(whole, fit(dataset, [1, 2, 4]))
    watched = fit(dataset, [4], validation_data=dataset, callbacks=[gan.ImageGrid(tmp_path)])
    watched.evaluation_noise.state.assign(whole.evaluation_noise.state)
    assert_same_state(whole, watched)


@pytest.mark.parametrize("batch_size", [0, 101])
def test_fit_refuses_a_batch_size_that_does_not_fit(make_model, images, batch_size):
    with pytest.raises(ValueError, match=f"between 1 and the number of images, 100, not {batch_size}"):
        make_model().fit(images, batch_size=batch_size)


def test_load_model_says_why_not(tmp_path, make_model):
    with pytest.raises(ValueError, match="there is no model file"):
        gan.load_model(tmp_path / "none.keras")
    make_model().save(tmp_path / "whole.keras")
    whole = (tmp_path / "whole.keras").read_bytes()
    for share in (0.0, 0.3, 0.99):
        (tmp_path / "cut.keras").write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(ValueError, match="damaged"):
            gan.load_model(tmp_path / "cut.keras")
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(tmp_path / "other.keras")
    with pytest.raises(ValueError, match="holds a Sequential"):
        gan.load_model(tmp_path / "other.keras")
    assert isinstance(gan.load_model(tmp_path / "whole.keras"), gan.GAN)


def test_import_is_lazy():
    program = "import sys, gan; dir(gan); assert not {'keras', 'tensorflow', 'matplotlib', 'numpy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)
    assert set(gan.__all__) <= set(dir(gan))
    for name in gan.__all__:
        assert getattr(gan, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'GAM'"):
        gan.GAM  # noqa: B018
