"""What a GAN refuses or warns of, before it trains."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import IMAGE_SHAPE, small_extractor
from keras import layers

import gan


def generator(*last, latents=(5,), dtype="float32"):
    return keras.Sequential([keras.Input(latents, dtype=dtype), layers.Dense(36), *last, layers.Reshape(IMAGE_SHAPE)])


def discriminator(*last):
    return keras.Sequential([keras.Input(IMAGE_SHAPE), layers.Flatten(), *last])


@pytest.mark.parametrize("run", ["fit", "evaluate", "train_on_batch", "test_on_batch"])
def test_sample_weights_are_refused(make_model, images, run):
    with pytest.raises(ValueError, match="sample_weight is not supported"):
        getattr(make_model(), run)(images, sample_weight=np.ones(100))


@pytest.mark.parametrize("run", ["fit", "train_on_batch"])
def test_class_weights_are_refused(make_model, images, run):
    with pytest.raises(ValueError, match="class_weight is not supported"):
        getattr(make_model(num_classes=2), run)(images, np.arange(100) % 2, class_weight={0: 1.0, 1: 2.0})


def test_sample_weights_in_datasets_and_validation_data_are_refused(make_model, images):
    weighted = (images, np.zeros(100, int), np.ones(100))
    with pytest.raises(ValueError, match="sample weights"):
        make_model().fit(tf.data.Dataset.from_tensor_slices(weighted).batch(10))
    with pytest.raises(ValueError, match="sample_weight is not supported"):
        make_model().fit(images, validation_data=weighted)


@pytest.mark.parametrize(
    "last",
    [
        [layers.Dense(1, activation="sigmoid")],
        [layers.Dense(1), layers.Activation("sigmoid")],
        [layers.Dense(1, activation="hard_sigmoid")],
        [keras.Sequential([layers.Dense(1, activation="sigmoid")]), layers.Reshape((1,))],
        [layers.SpectralNormalization(layers.Dense(1, activation="sigmoid"))],
    ],
)
def test_a_discriminator_that_ends_in_a_sigmoid_is_refused(last):
    with pytest.raises(ValueError, match="discriminator must return logits, and it ends in"):
        gan.GAN(generator(), discriminator(*last))


def test_an_operation_that_ends_a_functional_discriminator_is_seen():
    inputs = keras.Input(IMAGE_SHAPE)
    outputs = keras.ops.sigmoid(layers.Dense(1)(layers.Flatten()(inputs)))
    with pytest.raises(ValueError, match="it ends in sigmoid"):
        gan.GAN(generator(), keras.Model(inputs, outputs))


@keras.saving.register_keras_serializable(package="test")
class Probability(layers.Layer):
    """A sigmoid that no check can see."""

    def call(self, inputs):
        return keras.ops.sigmoid(inputs)


def test_logits_that_never_leave_0_to_1_are_warned_about(images):
    model = gan.GAN(generator(), discriminator(layers.Dense(1), Probability()))
    model.compile("adam", "adam")
    with pytest.warns(UserWarning, match="have not left .0, 1."):
        model.fit(images, batch_size=5, verbose=0)


def test_good_logits_are_not_warned_about(make_model, images, recwarn):
    make_model().fit(images, batch_size=5, epochs=2, verbose=0)
    assert not [warning for warning in recwarn if issubclass(warning.category, UserWarning)]


def test_images_without_a_negative_value_are_warned_about(make_model, images):
    with pytest.warns(UserWarning, match=r"images \* 2 - 1"):
        make_model().fit((images + 1) / 2, verbose=0)
    dataset = tf.data.Dataset.from_tensor_slices((images + 1) / 2).batch(10)
    with pytest.warns(UserWarning, match=r"images \* 2 - 1"):
        make_model().fit(dataset, verbose=0)


@pytest.mark.parametrize("activation", ["sigmoid", "relu", "softplus"])
def test_a_generator_that_cannot_reach_negative_values_is_warned_about(activation):
    with pytest.warns(UserWarning, match=f"generator ends in {activation}"):
        gan.GAN(generator(layers.Activation(activation)), discriminator(layers.Dense(1)))


def test_integer_latents_are_refused():
    embedding = [layers.Embedding(9, 4), layers.Flatten(), layers.Dense(36), layers.Reshape(IMAGE_SHAPE)]
    embedded = keras.Sequential([keras.Input((5,), dtype="int32"), *embedding])
    with pytest.raises(ValueError, match="must take float latents, which are standard normal, not int32"):
        gan.GAN(embedded, discriminator(layers.Dense(1)))


def test_networks_with_several_outputs_are_refused():
    latents, images = keras.Input((5,)), keras.Input(IMAGE_SHAPE)
    with pytest.raises(ValueError, match="generator must return one tensor of images, not a dict"):
        gan.GAN(keras.Model(latents, {"image": generator()(latents)}), discriminator(layers.Dense(1)))
    features = layers.Flatten()(images)
    with pytest.raises(ValueError, match="discriminator must return logits alone, not 2 outputs"):
        gan.GAN(generator(), keras.Model(images, [layers.Dense(1)(features), layers.Dense(3)(features)]))
    with pytest.raises(ValueError, match="not a dict"):
        gan.GAN(generator(), keras.Model(images, {"logits": layers.Dense(1)(features)}))


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(36, activation="tanh")
        self.reshape = layers.Reshape(IMAGE_SHAPE)

    def call(self, latents):
        return self.reshape(self.dense(latents))


def test_a_subclassed_generator_needs_an_input_shape(images):
    network = Subclassed()
    network(np.zeros((1, 5), "float32"))
    with pytest.raises(ValueError, match=r"known input shape.*keras.Sequential\(\[keras.Input\(shape\), model\]\)"):
        gan.GAN(network, discriminator(layers.Dense(1)))
    model = gan.GAN(keras.Sequential([keras.Input((5,)), network]), discriminator(layers.Dense(1)))
    model.compile("adam", "adam")
    model.fit(images, verbose=0)
    assert model.generate(3).shape == (3, *IMAGE_SHAPE)


def test_an_optimizer_of_other_variables_is_refused(make_model, images):
    model = make_model()
    first = model.generator.layers[0]
    first.trainable = False
    adam = keras.optimizers.Adam()
    model.compile(adam, "adam")
    first.trainable = True
    with pytest.raises(ValueError, match="generator_optimizer was built for other variables.*Compile with a new"):
        model.compile(adam, "adam")
    with pytest.raises(ValueError, match="generator_optimizer was built for other variables"):
        model.fit(images)
    model.compile("adam", "adam")
    model.fit(images, verbose=0)


def test_unfreezing_is_noticed_by_train_on_batch(make_model, images):
    model = make_model()
    model.generator.layers[0].trainable = False
    model.compile("adam", "adam")
    model.generator.layers[0].trainable = True
    with pytest.raises(ValueError, match="generator_optimizer was built for other variables"):
        model.train_on_batch(images)


@pytest.mark.parametrize("run", ["fit", "evaluate", "train_on_batch"])
def test_a_gan_that_is_not_compiled_says_so(make_model, images, run):
    plain = make_model()
    model = gan.GAN(plain.generator, plain.discriminator)
    with pytest.raises(ValueError, match="must be compiled first"):
        getattr(model, run)(images)


class Encoding(gan.GAN):
    def __init__(self, *networks, encoder):
        super().__init__(*networks)
        self.encoder = encoder


def test_a_further_network_that_nothing_trains_is_warned_about(make_model, recwarn):
    plain = make_model()
    encoder = keras.Sequential([keras.Input(IMAGE_SHAPE), layers.Flatten(), layers.Dense(5)], name="encoder")
    model = Encoding(plain.generator, plain.discriminator, encoder=encoder)
    with pytest.warns(UserWarning, match="encoder has trainable weights, but a GAN trains"):
        model.compile("adam", "adam")
    recwarn.clear()
    encoder.trainable = False
    model.compile("adam", "adam")
    make_model(averaging=0.9)
    assert not recwarn


def test_the_optimizer_that_keras_sees_sets_both_learning_rates(make_model):
    model = make_model()
    model.optimizer.learning_rate = 1e-5
    for optimizer in (model.generator_optimizer, model.discriminator_optimizer):
        assert float(optimizer.learning_rate) == pytest.approx(1e-5)
    with pytest.raises(ValueError, match="two learning rates"):
        _ = model.optimizer.learning_rate


@pytest.mark.parametrize("last", [layers.Activation("linear", dtype="float32"), layers.Dropout(0.1)])
def test_a_sigmoid_is_seen_through_layers_that_keep_values(last):
    with pytest.raises(ValueError, match="ends in sigmoid"):
        gan.GAN(generator(), discriminator(layers.Dense(1, activation="sigmoid"), last))


@pytest.mark.parametrize("run", ["evaluate", "train_on_batch", "test_on_batch"])
def test_images_without_a_negative_value_are_warned_about_everywhere(make_model, images, run):
    with pytest.warns(UserWarning, match="All images lie in"):
        getattr(make_model(), run)((images + 1) / 2)
    with pytest.warns(UserWarning, match="All images lie in"):
        make_model().fit(images, validation_data=(images + 1) / 2, verbose=0)


class Batches(keras.utils.PyDataset):
    def __init__(self, batches):
        super().__init__()
        self.batches = batches

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, index):
        return self.batches[index]


@pytest.mark.parametrize("kind", ["tf.data", "PyDataset", "generator"])
def test_an_empty_first_batch_is_skipped(make_model, images, kind):
    batches = [(images[:0],), (images[:40],), (images[40:],)]
    data = {
        "tf.data": lambda: tf.data.Dataset.from_generator(
            lambda: iter(batches), output_signature=(tf.TensorSpec((None, *IMAGE_SHAPE), "float32"),)
        ),
        "PyDataset": lambda: Batches(batches),
        "generator": lambda: (batch for batch in batches),
    }[kind]()
    history = make_model().fit(data, steps_per_epoch=3, shuffle=False, verbose=0).history
    assert np.isfinite(history["g_loss"]).all()


def test_several_replicas_are_refused_and_one_trains(images):
    """In a process of its own: logical devices have to be made before TensorFlow is used."""
    program = """
import keras, numpy as np, tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
import gan
from conftest import IMAGE_SHAPE, small_extractor

def train(strategy):
    keras.utils.set_random_seed(0)
    with strategy.scope():
        model = gan.GAN(
            gan.build_generator(5, (8,), IMAGE_SHAPE), gan.build_discriminator(IMAGE_SHAPE, (8,)), 0, averaging=0.9
        )
        metrics = [gan.metrics.FrechetDistance(small_extractor()), gan.metrics.KernelDistance(small_extractor("k"))]
        model.compile("adam", "adam", metrics=metrics, regularizers=[gan.regularizers.R1(1, 2)])
    images = np.random.default_rng(0).uniform(-1, 1, (100, *IMAGE_SHAPE)).astype("float32")
    dataset = tf.data.Dataset.from_tensor_slices(images).batch(20)
    history = model.fit(dataset, validation_data=images, epochs=2, verbose=0).history
    assert model.generate(3).shape == (3, *IMAGE_SHAPE)
    return [value for name in sorted(history) for value in history[name]]

try:
    train(tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]))
except ValueError as error:
    assert "trains on one device, and MirroredStrategy has 2 replicas" in str(error), error
else:
    raise AssertionError("two replicas trained")
plain = train(tf.distribute.get_strategy())
np.testing.assert_allclose(train(tf.distribute.OneDeviceStrategy("CPU:0")), plain, rtol=1e-4)
np.testing.assert_allclose(train(tf.distribute.MirroredStrategy(["CPU:0"])), plain, rtol=1e-4)
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([os.path.dirname(__file__), *sys.path])}
    result = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr[-2000:]


class Loader:
    """What torch's DataLoader looks like: it can be iterated again and again, and yields lists."""

    def __init__(self, *batch):
        self.batch = batch

    def __len__(self):
        return 3

    def __iter__(self):
        return iter([[*self.batch]] * 3)


def test_any_dataset_is_checked_by_its_first_batch(make_model, images):
    with pytest.raises(ValueError, match="0..255"):
        make_model().fit(Loader(images * 127 + 128))
    with pytest.raises(ValueError, match="it is empty"):
        make_model().fit(batch for batch in [])
    with pytest.raises(ValueError, match="0..255"):
        make_model().fit((batch,) for batch in [images * 127 + 128])


def test_a_generator_is_trained_on_from_its_first_batch(make_model, images):
    seen = []

    def batches():
        for start in range(0, 100, 20):
            seen.append(start)
            yield (images[start : start + 20],)

    models = [make_model(), make_model()]
    models[1].set_weights(models[0].get_weights())
    for model, data in zip(models, (batches(), tf.data.Dataset.from_tensor_slices(images).batch(20)), strict=True):
        for layer in model.discriminator.layers:
            if isinstance(layer, layers.Dropout):
                layer.rate = 0
        model.fit(data, verbose=0)
    assert seen == [0, 20, 40, 60, 80]
    for one, other in zip(models[0].get_weights(), models[1].get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_a_dataloader_of_torch_is_trained_on(make_model, images):
    torch = pytest.importorskip("torch")
    dataset = torch.utils.data.TensorDataset(torch.from_numpy(images))
    history = make_model().fit(torch.utils.data.DataLoader(dataset, batch_size=20), verbose=0).history
    assert np.isfinite(history["loss"]).all()


def test_two_extractors_of_one_name_are_refused(make_model):
    metrics = [gan.metrics.FrechetDistance(small_extractor()), gan.metrics.KernelDistance(small_extractor())]
    with pytest.raises(ValueError, match="two extractors have the name 'small'"):
        make_model(metrics=metrics)
