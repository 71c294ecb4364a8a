"""The format of TensorFlow: a folder with a SavedModel."""

import keras
import tensorflow as tf


def write(sampler, path):
    archive = keras.export.ExportArchive()
    archive.track(sampler)
    archive.add_endpoint("serve", as_function(sampler))
    archive.write_out(path, verbose=False)


def as_function(sampler):
    """Returns the `tf.function` from latents, and labels if there are any, to a dict of `images`."""
    names = list(sampler.input)
    specs = [tf.TensorSpec(sampler.input[name].shape, sampler.input[name].dtype, name) for name in names]

    @tf.function(input_signature=specs, autograph=False)
    def generate(*inputs):
        return sampler(dict(zip(names, inputs, strict=True)), training=False)

    return generate
