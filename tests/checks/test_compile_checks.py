"""Which arguments `compile` takes, refuses and warns of."""

import keras
import pytest
from conftest import IMAGE_SHAPE, small_extractor
from keras import layers

import gan


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


@pytest.mark.parametrize("steps", [0, -1, 1.5])
def test_invalid_discriminator_steps_are_refused(make_model, steps):
    with pytest.raises(ValueError, match="discriminator_steps must be a positive integer"):
        make_model(discriminator_steps=steps)


def test_invalid_metrics_are_refused(make_model):
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


def test_augmentation_of_vectors_is_refused():
    generator = keras.Sequential([keras.Input((5,)), layers.Dense(7)])
    discriminator = keras.Sequential([keras.Input((7,)), layers.Dense(1)])
    with pytest.raises(ValueError, match="augmentation"):
        gan.GAN(generator, discriminator).compile("adam", "adam", augmentation=["translation"])


@pytest.mark.parametrize("run", ["fit", "evaluate", "train_on_batch"])
def test_an_uncompiled_gan_is_refused(make_model, images, run):
    plain = make_model()
    model = gan.GAN(plain.generator, plain.discriminator)
    with pytest.raises(ValueError, match="must be compiled first"):
        getattr(model, run)(images)


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


def test_train_on_batch_refuses_unfrozen_layers(make_model, images):
    model = make_model()
    model.generator.layers[0].trainable = False
    model.compile("adam", "adam")
    model.generator.layers[0].trainable = True
    with pytest.raises(ValueError, match="generator_optimizer was built for other variables"):
        model.train_on_batch(images)


class Encoding(gan.GAN):
    def __init__(self, *networks, encoder):
        super().__init__(*networks)
        self.encoder = encoder


def test_a_further_network_that_nothing_trains_raises_a_warning(make_model, recwarn):
    plain = make_model()
    encoder = keras.Sequential([keras.Input(IMAGE_SHAPE), layers.Flatten(), layers.Dense(5)], name="encoder")
    model = Encoding(plain.generator, plain.discriminator, encoder=encoder)
    with pytest.warns(UserWarning, match="encoder has trainable weights, but a GAN trains"):
        model.compile("adam", "adam")
    recwarn.clear()
    encoder.trainable = False
    model.compile("adam", "adam")
    make_model(averaging=0.9)
    assert not [warning for warning in recwarn if issubclass(warning.category, UserWarning)]


def test_setting_the_learning_rate_sets_both(make_model):
    model = make_model()
    model.optimizer.learning_rate = 1e-5
    for optimizer in (model.generator_optimizer, model.discriminator_optimizer):
        assert float(optimizer.learning_rate) == pytest.approx(1e-5)
    assert float(model.optimizer.learning_rate) == pytest.approx(1e-5)
    model.generator_optimizer.learning_rate = 1e-3
    with pytest.raises(ValueError, match="two learning rates"):
        _ = model.optimizer.learning_rate
