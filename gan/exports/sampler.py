"""The network that is exported."""

import keras
from keras import layers, ops

from gan.latents.mixing import after_embedding, find_embeddings

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
        network = _copy(model.sampler)
        images = network([truncated, inputs["labels"]] if "labels" in inputs else truncated)
        return _name_output(inputs, images)


def build_mixing_sampler(model):
    """Builds a copy of a GAN's sampler as `build_sampler` does, but one that can mix classes or clusters.

    Args:
        model: A `gan.GAN`.

    Returns:
        A `keras.Model` from a dict of `latents` and, for a GAN with `num_classes` or clusters, `weights` to a dict of
        `images`. The weights `(batch, kinds)` are those of `gan.latents.mix_classes`. If the generator does not embed
        its classes, the largest weight chooses one.
    """
    model.synchronize()
    kinds = model.num_classes if model.clusters is None else model.clusters.count
    with keras.device("cpu"):
        inputs = {"latents": keras.Input((model.latent_dim,), dtype="float32", name="latents")}
        network = _copy(model.best_generator)
        if kinds is None:
            return _name_output(inputs, network(inputs["latents"]))
        inputs["weights"] = keras.Input((kinds,), dtype="float32", name="weights")
        embeddings = find_embeddings(network)
        if len(embeddings) != 1:
            labels = ops.cast(ops.argmax(inputs["weights"], axis=-1), "int32")
            return _name_output(inputs, network([inputs["latents"], labels]))
        (table,) = embeddings[0].get_weights()
        mix = layers.Dense(table.shape[1], use_bias=False, dtype="float32", name="mix")
        images = after_embedding(network)([inputs["latents"], mix(inputs["weights"])])
        mix.set_weights([table])
        return _name_output(inputs, images)


def _copy(network):
    """Returns a copy of a network that computes in float32."""
    config = _in_float32(keras.saving.serialize_keras_object(network))
    # Classes that this process uses need no registration, and its functions are trusted.
    classes = {type(layer).__name__: type(layer) for layer in network._flatten_layers()}
    copy = keras.saving.deserialize_keras_object(config, classes, safe_mode=False)
    copy.set_weights(network.get_weights())
    return copy


def _name_output(inputs, images):
    images = layers.Activation("linear", dtype="float32", name="images")(images)
    return keras.Model(inputs, {"images": images}, name="sampler", dtype="float32")


def _in_float32(config):
    """Replaces all other floating-point types in the config of a network."""
    if isinstance(config, dict):
        return {name: _in_float32(value) for name, value in config.items()}
    if isinstance(config, (list, tuple)):
        return type(config)(_in_float32(value) for value in config)
    return "float32" if config in DTYPES else config
