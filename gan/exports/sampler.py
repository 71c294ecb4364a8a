"""The network that is exported."""

import keras
from keras import layers

DTYPES = ("float16", "bfloat16", "float64", "mixed_float16", "mixed_bfloat16")


def build_sampler(model, truncation):
    """Builds a copy of a GAN's sampler with named inputs and outputs, which computes in float32 on the CPU.

    Args:
        model: A `gan.GAN`.
        truncation: Float. The latents are multiplied by it.

    Returns:
        A `keras.Model` from a dict of `latents` and, for a GAN with `num_classes`, `labels` to a dict of `images`.
    """
    model.synchronize()
    with keras.device("cpu"):
        inputs = {"latents": keras.Input((model.latent_dim,), dtype="float32", name="latents")}
        truncated = layers.Rescaling(truncation, dtype="float32")(inputs["latents"])
        if model.num_classes is not None:
            inputs["labels"] = keras.Input((), dtype="int32", name="labels")
        config = _in_float32(keras.saving.serialize_keras_object(model.sampler))
        # Classes that this process uses need no registration, and its functions are trusted.
        classes = {type(layer).__name__: type(layer) for layer in model.sampler._flatten_layers()}
        network = keras.saving.deserialize_keras_object(config, classes, safe_mode=False)
        images = network([truncated, inputs["labels"]] if "labels" in inputs else truncated)
        outputs = {"images": layers.Activation("linear", dtype="float32", name="images")(images)}
        sampler = keras.Model(inputs, outputs, name="sampler", dtype="float32")
        network.set_weights(model.sampler.get_weights())
    return sampler


def _in_float32(config):
    """Replaces all other floating-point types in the config of a network."""
    if isinstance(config, dict):
        return {name: _in_float32(value) for name, value in config.items()}
    if isinstance(config, (list, tuple)):
        return type(config)(_in_float32(value) for value in config)
    return "float32" if config in DTYPES else config
