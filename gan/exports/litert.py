"""The format of LiteRT, which was TensorFlow Lite: a .tflite file."""

import tempfile

import tensorflow as tf

from gan.exports import saved_model


def write(sampler, path):
    with tempfile.TemporaryDirectory() as folder:
        saved_model.write(sampler, folder)
        path.write_bytes(tf.lite.TFLiteConverter.from_saved_model(folder).convert())
