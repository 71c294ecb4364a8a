"""What is refused on several devices."""

import math
import types

import keras
import tensorflow as tf

from gan import engines

KERAS_BATCH_SIZE = 32  # of arrays, unless `fit` is given another


def check_devices(model):
    """Makes sure that a GAN can train on the devices that the user has chosen."""
    if problem := model.find_device_problem():
        raise ValueError(problem)


def check_replicas(model, metrics, regularizers):
    """Makes sure that the replicas of a `tf.distribute` strategy can train a GAN as it is compiled."""
    if model.device_count == 1 or keras.backend.backend() != "tensorflow":
        return
    optimizers = {}
    for name in ("generator_optimizer", "discriminator_optimizer"):
        optimizer = getattr(model, name)
        optimizers[name] = getattr(optimizer, "inner_optimizer", optimizer)
    _check_scope(model.distribute_strategy, optimizers.values(), metrics)
    _check_updates(optimizers, model.steps_per_execution)
    layers = model.discriminator._flatten_layers()
    if regularizers and any(isinstance(layer, keras.layers.BatchNormalization) for layer in layers):
        raise ValueError(
            "a discriminator with BatchNormalization cannot have regularizers under tf.distribute: leave out one of "
            "them, or train with JAX (KERAS_BACKEND=jax)."
        )


def _check_scope(strategy, optimizers, metrics):
    """Makes sure that every replica has the variables of optimizers and metrics. Otherwise they would diverge."""
    strategies = [tf.distribute.get_strategy(), *(optimizer._distribution_strategy for optimizer in optimizers)]
    extractors = [metric.extractor for metric in metrics if isinstance(metric.extractor, keras.Model)]
    weights = [weight.value for extractor in extractors for weight in extractor.weights]
    is_shared = strategy.extended.variable_created_in_scope
    if any(other is not strategy for other in strategies) or not all(map(is_shared, weights)):
        raise ValueError(
            "a GAN of several replicas is compiled, and its optimizers and extractors are created, in the scope of its "
            "strategy: with strategy.scope(): model.compile(...)."
        )


def _check_updates(optimizers, steps_per_execution):
    """Refuses what Keras cannot run on replicas: an update that a step decides on, and a loop over steps."""
    for name, optimizer in optimizers.items():
        for setting in ("gradient_accumulation_steps", "ema_overwrite_frequency"):
            if getattr(optimizer, setting):
                raise ValueError(
                    f"{name} cannot have {setting} under tf.distribute: leave it out, or train with JAX "
                    "(KERAS_BACKEND=jax)."
                )
    if steps_per_execution > 1:
        raise ValueError(
            f"steps_per_execution must be 1 under tf.distribute, not {steps_per_execution}, or train with JAX "
            "(KERAS_BACKEND=jax)."
        )


def check_same_everywhere(x, images):
    """Makes sure that clusters are found in the same images in all processes, and that there are images to look at."""
    advice = "Call model.clusters.adapt(images) first, with an array of images."
    if images is None or isinstance(x, types.GeneratorType):
        raise ValueError(f"clusters cannot be found in images that are read only once. {advice}")
    if engines.process_count() > 1 and not hasattr(x, "for_process"):
        raise ValueError(f"several processes may see different images, and would find different clusters. {advice}")


def check_batches(model, x, first=None, batch_size=None, validation_split=0.0):
    """Makes sure that the devices divide every training batch, the last one too.

    Args:
        model: The `gan.GAN`.
        x: What `fit` takes.
        first: The images of its first batch, or all images of an array. Not needed for a dataset of `gan.datasets`.
        batch_size: Int, the `batch_size` of `fit`. Default None.
        validation_split: Float, the `validation_split` of `fit`. Default 0.
    """
    devices = model.device_count
    if devices == 1:
        return
    size, rest = _sizes(x, first, batch_size, validation_split)
    lower = size // devices * devices
    if rest is None:
        raise ValueError(
            f"on {devices} devices, all batches must have one known size: use gan.datasets.load, or a tf.data.Dataset "
            f"with dataset.batch({lower or devices}, drop_remainder=True)."
        )
    if size % devices:
        near = f"{lower} or {lower + devices}" if lower else devices
        raise ValueError(f"{devices} devices cannot divide a batch of {size} images: use a batch size of {near}.")
    if rest % devices:
        raise ValueError(
            f"{devices} devices cannot divide the last batch of an epoch, which has {rest} images. Drop it: use "
            "drop_remainder=True in gan.datasets.load or dataset.batch, --drop-remainder in train.py, or leave out "
            f"{rest % devices} of the images of an array."
        )


def _sizes(x, first, batch_size, validation_split):
    """The size of most batches of an epoch, and that of its last one if it is another. None for an unknown size."""
    if hasattr(x, "shape"):
        count = math.floor(len(first) * (1 - validation_split))
        size = min(batch_size or KERAS_BATCH_SIZE, count)
        return size, count % size
    if hasattr(x, "image_count"):
        drops_remainder = len(x) * x.batch_size < x.image_count
        return x.batch_size, 0 if drops_remainder else x.image_count % x.batch_size
    if isinstance(x, tf.data.Dataset):
        size = tf.nest.flatten(x.element_spec)[0].shape[0]
        return (len(first), None) if size is None else (size, 0)
    if isinstance(x, keras.utils.PyDataset) and x.num_batches is not None:
        last = keras.tree.flatten(x[x.num_batches - 1])[0]
        return len(first), len(last)
    return len(first), None
