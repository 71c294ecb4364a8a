"""Strategies of `tf.distribute` with one replica train as no strategy does."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import IMAGE_SHAPE, only_on_tensorflow, small_extractor

import gan


def train(strategy, images):
    keras.utils.set_random_seed(0)
    with strategy.scope():
        model = gan.GAN(
            gan.build_generator(5, (8,), IMAGE_SHAPE), gan.build_discriminator(IMAGE_SHAPE, (8,)), 0, averaging=0.9
        )
        metrics = [gan.metrics.FrechetDistance(small_extractor()), gan.metrics.KernelDistance(small_extractor("k"))]
        model.compile("adam", "adam", metrics=metrics, regularizers=[gan.regularizers.R1(1, 2)])
    dataset = tf.data.Dataset.from_tensor_slices(images).batch(16)
    history = model.fit(dataset, validation_data=images, epochs=2, verbose=0).history
    assert model.generate(3).shape == (3, *IMAGE_SHAPE)
    return [value for name in sorted(history) for value in history[name]]


@only_on_tensorflow("tf.distribute needs TensorFlow")
@pytest.mark.parametrize(
    "make", [lambda: tf.distribute.OneDeviceStrategy("CPU:0"), lambda: tf.distribute.MirroredStrategy(["CPU:0"])]
)
def test_one_replica_trains_as_no_strategy_does(images, make):
    plain = train(tf.distribute.get_strategy(), images)
    np.testing.assert_allclose(train(make(), images), plain, rtol=1e-4)
