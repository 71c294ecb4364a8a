"""Several devices on one CPU. Import it first: devices are made before the backend is used."""

import contextlib
import functools
import os

os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=4"

import keras
import tensorflow as tf

BACKEND = keras.backend.backend()
MANY = {"jax": 4, "tensorflow": 2}[BACKEND]

_cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(_cpu, [tf.config.LogicalDeviceConfiguration()] * 4)


@contextlib.contextmanager
def devices(count):
    """Builds and trains models on as many devices. One device is that of a program that chooses none."""
    if count == 1:
        yield
    elif BACKEND == "jax":
        names = keras.distribution.list_devices()[:count]
        with keras.distribution.DataParallel(devices=names).scope():
            yield
    else:
        with _mirrored(count).scope():
            yield


@functools.cache
def _mirrored(count):
    """One strategy in the process: TensorFlow confuses the collectives of two that have the same devices."""
    return tf.distribute.MirroredStrategy([f"CPU:{index}" for index in range(count)])
