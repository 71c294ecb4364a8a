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
