"""Which networks a GAN refuses, and which it warns of."""

import numbers
import warnings

import keras

from gan.game import Game, input_shapes

BOUNDED_BELOW = ("sigmoid", "hardsigmoid", "softmax", "relu", "relu6", "softplus", "exponential")
PROBABILITIES = ("sigmoid", "hardsigmoid", "softmax")
VALUE_PRESERVING = ("Reshape", "Flatten", "Cropping2D", "Permute", "Identity", "Dropout")


def check_networks(model, generator, discriminator, num_classes, clusters):
    """Makes sure that a generator and a discriminator play together in this kind of GAN."""
    counts = {"num_classes": num_classes, "clusters": clusters}
    for name, count in counts.items():
        if count is not None and (not isinstance(count, numbers.Integral) or count < 1):
            raise ValueError(f"{name} must be a positive integer, not {count!r}.")
    given = [f"{name}={count}" for name, count in counts.items() if count is not None]
    if len(given) > 1:
        raise ValueError(f"a GAN has classes or clusters, not both: {' and '.join(given)}.")
    is_conditional = bool(given)
    for name, network in (("generator", generator), ("discriminator", discriminator)):
        _check_shapes_are_known(name, network)
        _check_layers(name, network)
    # A subclass that computes losses of its own may use further inputs and outputs.
    is_plain = type(model).compute_losses is Game.compute_losses
    if is_plain:
        for name, network in (("generator", generator), ("discriminator", discriminator)):
            if given and (known := _find_label_count(network)) and known < (num_classes or clusters):
                raise ValueError(f"with {given[0]} the {name} must take as many labels, and it was built for {known}.")
            shapes = input_shapes(network)
            if [len(shape) for shape in shapes[1:]] != [1] * is_conditional:
                takes = "a second input, labels (batch,)" if is_conditional else "one input and no labels"
                counted = given[0] if given else "num_classes=None"
                raise ValueError(f"with {counted} the {name} must take {takes}; its inputs have the shapes {shapes}.")
        latents_shape = input_shapes(generator)[0]
        if len(latents_shape) != 2:
            raise ValueError(f"generator must take latents (batch, latent_dim), not an input of shape {latents_shape}.")
        if clusters is not None and latents_shape[1] < 2:
            raise ValueError("the generator of a GAN with clusters must take latents of at least two numbers.")
    latents = generator.inputs[0]
    if len(latents.shape) == 2 and not keras.backend.is_float_dtype(latents.dtype):
        raise ValueError(f"generator must take float latents, which are standard normal, not {latents.dtype}.")
    if isinstance(output := _output(generator), (list, tuple, dict)):
        raise ValueError(f"generator must return one tensor of images, not a {type(output).__name__} of tensors.")
    images_shape = input_shapes(discriminator)[0]
    if tuple(generator.output_shape) != tuple(images_shape):
        raise ValueError(
            "generator and discriminator must agree on the shape of the images: the generator returns "
            f"{generator.output_shape}, and the discriminator takes {images_shape}."
        )
    _check_logits(discriminator, is_plain)
    if (activation := last_activation(generator)) in BOUNDED_BELOW:
        warnings.warn(
            f"The generator ends in {activation}, so it cannot generate values below 0; images lie in [-1, 1], "
            "which tanh reaches.",
            stacklevel=3,
        )


def _find_label_count(network):
    """The number of labels that an Embedding or a one-hot encoding of a network's last input knows, or None."""
    labels = network.inputs[-1]
    for operation in getattr(network, "operations", ()):
        node = operation._inbound_nodes[0]
        if any(tensor is labels for tensor in node.input_tensors):
            count = getattr(operation, "input_dim", None) or getattr(operation, "num_classes", None)
            if count:
                return count
    return None


def _check_shapes_are_known(name, network):
    try:
        has_shapes = isinstance(network, keras.Model) and network.built
        has_shapes = has_shapes and network.inputs and network.output_shape and not isinstance(network.inputs, dict)
    except AttributeError:
        has_shapes = False
    if not has_shapes:
        raise ValueError(
            f"{name} must be a keras.Model with a known input shape, not {network!r}. For a subclassed model, pass "
            "keras.Sequential([keras.Input(shape), model])."
        )


def _check_layers(name, network):
    backend = keras.backend.backend()
    assigns_kernel = any(isinstance(layer, keras.layers.SpectralNormalization) for layer in network._flatten_layers())
    if assigns_kernel and backend != "tensorflow":
        raise ValueError(
            f"{name} holds a keras.layers.SpectralNormalization, which changes its kernel in each call and does not "
            f"train on the backend {backend}: use gan.layers.SpectralNormalization."
        )


def _check_logits(discriminator, is_plain):
    outputs = _output(discriminator)
    if isinstance(outputs, dict):
        raise ValueError("discriminator must return logits, or a list that starts with them, not a dict of tensors.")
    outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    if is_plain and len(outputs) > 1:
        raise ValueError(
            f"discriminator must return logits alone, not {len(outputs)} outputs; a subclass of gan.GAN can use "
            "further outputs in compute_losses."
        )
    shape = tuple(outputs[0].shape)
    if len(shape) < 2 or shape[-1] != 1:
        raise ValueError(
            "discriminator must return one logit per image, (batch, 1), or per patch, (batch, height, width, 1), "
            f"not {shape}."
        )
    if (activation := last_activation(discriminator)) in PROBABILITIES:
        raise ValueError(
            f"discriminator must return logits, and it ends in {activation}: remove that activation; "
            "the losses apply their own."
        )


def _output(network):
    """The output of a network, in the structure in which it returns it."""
    return network.outputs[0] if isinstance(network, keras.Sequential) else network.output


def last_activation(network):
    """The name of the activation that a network's first output comes from, where it can be seen, else None."""
    outputs = getattr(network, "outputs", None)
    tensor = outputs[0] if outputs else None
    while tensor is not None:
        operation, node_index, _ = tensor._keras_history
        node = operation._inbound_nodes[node_index]
        while hasattr(operation, "layer"):  # a wrapper, such as SpectralNormalization
            operation = operation.layer
        if isinstance(operation, keras.Model):
            return last_activation(operation)
        activation = getattr(operation, "activation", type(operation))
        is_linear = isinstance(operation, keras.layers.Activation) and activation is keras.activations.linear
        if not is_linear and type(operation).__name__ not in VALUE_PRESERVING:
            return activation.__name__.lower().replace("_", "")
        tensor = node.input_tensors[0]
    return None
