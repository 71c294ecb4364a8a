"""Training under `tf.distribute`."""

import os
import subprocess
import sys

from conftest import only_on_tensorflow


@only_on_tensorflow("tf.distribute needs TensorFlow")
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
