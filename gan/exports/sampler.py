"""The network that is exported."""

import keras
from keras import layers


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
        network = keras.models.clone_model(model.sampler)
        images = network([truncated, inputs["labels"]] if "labels" in inputs else truncated)
        outputs = {"images": layers.Activation("linear", name="images")(images)}
        sampler = keras.Model(inputs, outputs, name="sampler")
        network.set_weights(model.sampler.get_weights())
    for layer in sampler._flatten_layers():
        layer.dtype_policy = "float32"
    return sampler
