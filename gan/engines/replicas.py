"""What TensorFlow needs on several devices, where each replica of a `tf.distribute.Strategy` runs a step."""

import contextlib
import functools

import keras
import tensorflow as tf
from keras import ops

from gan.text import format_count


def use_devices(count):
    """Chooses the devices of this process. Call it before anything uses one.

    Args:
        count: Int, or `"all"`. Without GPUs, the devices are parts of the CPU, and `"all"` is one.

    Returns:
        A context manager. Build or load the model inside it.

    Raises:
        ValueError: There are not so many GPUs.
    """
    gpus = tf.config.list_physical_devices("GPU")
    count = max(len(gpus), 1) if count == "all" else count
    if gpus and count > len(gpus):
        raise ValueError(f"--devices {count}: this machine has {format_count(len(gpus), 'GPU')}.")
    if count == 1:
        return contextlib.nullcontext()
    if not gpus:
        parts = [tf.config.LogicalDeviceConfiguration()] * count
        tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], parts)
    kind = "GPU" if gpus else "CPU"
    return tf.distribute.MirroredStrategy([f"{kind}:{index}" for index in range(count)]).scope()


def replica_count():
    """The number of replicas of a `tf.distribute.Strategy` that run this step. 1 outside of a step."""
    context = tf.distribute.get_replica_context()
    return 1 if context is None else context.num_replicas_in_sync


def whole_count(count):
    """Returns the number of images in the whole batch, of which this replica trains on `count`.

    `checks.check_batches` makes sure that all replicas train on equally many.
    """
    return count * replica_count()


def share(rows):
    """Returns this device's share of rows that were drawn for the whole batch."""
    if replica_count() == 1:
        return rows
    context = tf.distribute.get_replica_context()
    count = ops.shape(rows)[0] // context.num_replicas_in_sync
    start = context.replica_id_in_sync_group * count
    return rows[start : start + count]


def placement():
    """Returns what decides on which devices new variables lie."""
    return tf.distribute.get_strategy()


def check_equal_shares(data):
    """Makes sure in a step that all replicas train on equally many images, unless that is known before."""
    rows = tf.nest.flatten(data)[0]
    if rows.shape[0] is None:
        count = tf.shape(rows)[0]
        total = tf.distribute.get_replica_context().all_reduce("SUM", count)
        tf.debugging.assert_equal(total, count * replica_count(), "the devices cannot divide a batch of images")


def adds_losses(network):
    """Whether layers of a network add to its losses when they are called, such as activity regularizers."""
    is_network = isinstance(network, keras.Model)
    return is_network and any(layer.activity_regularizer is not None for layer in layers([network]))


def mean_over_replicas(gradients):
    """Returns the gradients of the whole batch."""
    known = [gradient for gradient in gradients if gradient is not None]
    means = iter(tf.distribute.get_replica_context().all_reduce("MEAN", known) if known else [])
    return [None if gradient is None else next(means) for gradient in gradients]


def see_whole_batches(networks):
    """Lets the layers of Keras that depend on a whole batch see the one that all replicas share."""
    for layer in layers(networks):
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.synchronized = True
        elif type(layer) is keras.layers.Dropout:
            layer.call = functools.partial(_drop_out, layer)


def layers(networks):
    """All layers of networks, nested ones too."""
    return [layer for network in networks for layer in network._flatten_layers()]


def _drop_out(layer, inputs, training=False):
    if not training or layer.rate == 0:
        return inputs

    def draw(count, seed):
        ones = tf.ones((count, *inputs.shape[1:]), inputs.dtype)
        return keras.random.dropout(ones, layer.rate, layer.noise_shape, seed)

    return inputs * share(draw(whole_count(ops.shape(inputs)[0]), layer.seed_generator))
