"""What is refused on several devices."""

import math

import keras
import tensorflow as tf

KERAS_BATCH_SIZE = 32  # of arrays, unless `fit` is given another


def check_devices(model):
    """Makes sure that a GAN can train on the devices that the user has chosen."""
    if problem := model.find_device_problem():
        raise ValueError(problem)


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
            f"on {devices} devices, all batches of a dataset must have one known size: create them with "
            f"dataset.batch({lower or devices}, drop_remainder=True)."
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
    return len(first), 0
