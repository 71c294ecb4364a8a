"""Which networks a GAN refuses or warns of."""

import keras
import numpy as np
import pytest
from conftest import IMAGE_SHAPE
from keras import layers

import gan


def generator(*last, latents=(5,), dtype="float32"):
    return keras.Sequential([keras.Input(latents, dtype=dtype), layers.Dense(36), *last, layers.Reshape(IMAGE_SHAPE)])


def discriminator(*last):
    return keras.Sequential([keras.Input(IMAGE_SHAPE), layers.Flatten(), *last])


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


def test_integer_latents_are_refused():
    embedding = [layers.Embedding(9, 4), layers.Flatten(), layers.Dense(36), layers.Reshape(IMAGE_SHAPE)]
    embedded = keras.Sequential([keras.Input((5,), dtype="int32"), *embedding])
    with pytest.raises(ValueError, match="must take float latents, which are standard normal, not int32"):
        gan.GAN(embedded, discriminator(layers.Dense(1)))


@pytest.mark.parametrize(
    "last",
    [
        [layers.Dense(1, activation="sigmoid")],
        [layers.Dense(1), layers.Activation("sigmoid")],
        [layers.Dense(1, activation="hard_sigmoid")],
        [keras.Sequential([layers.Dense(1, activation="sigmoid")]), layers.Reshape((1,))],
        [gan.layers.SpectralNormalization(layers.Dense(1, activation="sigmoid"))],
    ],
)
def test_a_discriminator_that_ends_in_a_sigmoid_is_refused(last):
    with pytest.raises(ValueError, match="discriminator must return logits, and it ends in"):
        gan.GAN(generator(), discriminator(*last))


@pytest.mark.parametrize("last", [layers.Activation("linear", dtype="float32"), layers.Dropout(0.1)])
def test_a_sigmoid_is_seen_through_layers_that_keep_values(last):
    with pytest.raises(ValueError, match="ends in sigmoid"):
        gan.GAN(generator(), discriminator(layers.Dense(1, activation="sigmoid"), last))


def test_a_sigmoid_operation_is_refused():
    inputs = keras.Input(IMAGE_SHAPE)
    outputs = keras.ops.sigmoid(layers.Dense(1)(layers.Flatten()(inputs)))
    with pytest.raises(ValueError, match="it ends in sigmoid"):
        gan.GAN(generator(), keras.Model(inputs, outputs))


@keras.saving.register_keras_serializable(package="test")
class Probability(layers.Layer):
    """A sigmoid that no check can see."""

    def call(self, inputs):
        return keras.ops.sigmoid(inputs)


def test_logits_within_0_to_1_raise_a_warning(images):
    model = gan.GAN(generator(), discriminator(layers.Dense(1), Probability()))
    model.compile("adam", "adam")
    with pytest.warns(UserWarning, match="have not left .0, 1."):
        model.fit(images, batch_size=5, verbose=0)


def test_other_logits_raise_no_warning(make_model, images, recwarn):
    make_model().fit(images, batch_size=5, epochs=2, verbose=0)
    assert not [warning for warning in recwarn if issubclass(warning.category, UserWarning)]


@pytest.mark.parametrize("activation", ["sigmoid", "relu", "softplus"])
def test_a_generator_without_negative_values_raises_a_warning(activation):
    with pytest.warns(UserWarning, match=f"generator ends in {activation}"):
        gan.GAN(generator(layers.Activation(activation)), discriminator(layers.Dense(1)))
