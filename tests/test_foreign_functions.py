"""Classes of a user that call functions that the backend cannot differentiate."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

import gan


class ExponentialInNumPy(gan.losses.Hinge):
    def generator(self, real_logits, fake_logits):
        return ops.mean(np.exp(-fake_logits))


class SoftplusInTensorFlow(gan.losses.Hinge):
    def discriminator(self, real_logits, fake_logits):
        return ops.mean(tf.nn.softplus(-real_logits)) + ops.mean(tf.nn.softplus(fake_logits))


class NormInNumPy(gan.regularizers.R1):
    def penalty(self, gradients):
        return ops.convert_to_tensor(np.linalg.norm(gradients))


class LossesInNumPy(gan.GAN):
    def compute_losses(self, real, fake):
        return {"g_loss": ops.mean(np.exp(-fake.logits)), "d_loss": ops.mean(fake.logits - real.logits)}


def fit(model, images, **kwargs):
    model.compile("adam", "adam", **kwargs)
    model.fit(images, batch_size=50, verbose=0)


def test_a_loss_in_numpy_is_named(make_model, images):
    with pytest.raises(TypeError, match="^ExponentialInNumPy calls functions .* use keras.ops"):
        fit(make_model(), images, loss=ExponentialInNumPy())


@pytest.mark.skipif(keras.backend.backend() == "tensorflow", reason="TensorFlow differentiates its own functions")
def test_a_loss_in_tensorflow_is_named(make_model, images):
    with pytest.raises(TypeError, match="^SoftplusInTensorFlow calls functions .* use keras.ops"):
        fit(make_model(), images, loss=SoftplusInTensorFlow())


def test_a_regularizer_in_numpy_is_named(make_model, images):
    with pytest.raises(TypeError, match="^NormInNumPy calls functions .* use keras.ops"):
        fit(make_model(), images, regularizers=[NormInNumPy(1)])


def test_a_subclass_in_numpy_is_named(make_model, images):
    model = make_model()
    with pytest.raises(TypeError, match="^LossesInNumPy calls functions .* use keras.ops"):
        fit(LossesInNumPy(model.generator, model.discriminator), images)


class LatentsInNumPy(gan.GAN):
    def draw_latents(self, count, seed):
        return np.random.normal(size=(16, 5)).astype("float32")


class LatentsInTensorFlow(gan.GAN):
    def draw_latents(self, count, seed):
        return tf.random.normal((16, 5))


class UnpacksInNumPy(gan.GAN):
    def unpack(self, data):
        images, condition = super().unpack(data)
        return np.tanh(images), condition


class LossAsAFloat(gan.losses.Hinge):
    def generator(self, real_logits, fake_logits):
        return -1.0


def test_latents_that_a_compiled_step_would_repeat_are_refused(make_model, images):
    model = make_model()
    with pytest.raises(TypeError, match="draw_latents of LatentsInNumPy must return a tensor .* keras.random"):
        fit(LatentsInNumPy(model.generator, model.discriminator), images)


@pytest.mark.skipif(keras.backend.backend() == "tensorflow", reason="TensorFlow draws in a compiled step")
def test_latents_of_tensorflow_are_refused(make_model, images):
    model = make_model()
    with pytest.raises(TypeError, match="draw_latents of LatentsInTensorFlow must return a tensor .* keras.random"):
        fit(LatentsInTensorFlow(model.generator, model.discriminator), images)


@pytest.mark.skipif(keras.backend.backend() == "torch", reason="PyTorch runs it as it stands")
def test_unpacking_in_numpy_is_named(make_model, images):
    model = make_model()
    dataset = tf.data.Dataset.from_tensor_slices(images).batch(50)
    model = UnpacksInNumPy(model.generator, model.discriminator)
    model.compile("adam", "adam")
    with pytest.raises(TypeError, match="^UnpacksInNumPy calls functions"):
        model.fit(dataset, verbose=0)


def test_a_loss_that_is_no_tensor_is_named(make_model, images):
    with pytest.raises(TypeError, match="generator and discriminator of LossAsAFloat must return a tensor"):
        fit(make_model(), images, loss=LossAsAFloat())
