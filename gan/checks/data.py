"""Which data `fit` and `evaluate` refuse, and which they warn of."""

import collections.abc
import itertools
import numbers
import types
import warnings

import keras
import numpy as np
from keras import ops

from gan import images as image_tools
from gan.game import input_shapes


def check_data(model, x, y=None, batch_size=None, warn=False):
    """Makes sure that data are what a GAN trains on, before training does.

    Arrays are checked whole, all else by its first batch.

    Args:
        model: The `gan.GAN`.
        x: What `fit` takes.
        y: Its second argument, such as labels. Default None.
        batch_size: Int, its `batch_size`. Default None.
        warn: Bool, whether to warn of images that are valid but unlikely. Default False.

    Returns:
        A pair of `x`, or for a generator one that yields the same, and the batch that was checked, or None.
    """
    x, batch = _first_batch(x, y)
    if batch is None:
        return x, None
    images, condition = model.unpack(batch)
    if not hasattr(images, "shape"):
        raise TypeError(f"images must be an array or a tensor, not {type(images).__name__}.")
    images = np.asarray(images)
    image_tools.check(images, model.image_shape)
    if warn and images.min() >= 0:
        warnings.warn(
            f"All images lie in [{images.min():.4g}, {images.max():.4g}]; a GAN takes images in [-1, 1]. If they are "
            "0..1, scale them by images * 2 - 1.",
            stacklevel=3,
        )
    if model.num_classes is not None:
        check_labels(condition, len(images), model.num_classes)
    elif condition is not None:
        _check_condition(condition, len(images), input_shapes(model.discriminator)[-1])
    if batch_size is not None and not 1 <= batch_size <= len(images):
        raise ValueError(f"batch_size must lie between 1 and the number of images, {len(images)}, not {batch_size}.")
    return x, (images, condition)


def _check_condition(condition, count, shape):
    """Makes sure that what images are conditioned on fits the last input of the discriminator, one for each image."""
    if np.shape(condition) != (count, *shape[1:]):
        raise ValueError(
            f"the images must be conditioned on an array of shape {(count, *shape[1:])}, one entry for each image, "
            f"not {np.shape(condition)}."
        )


def _first_batch(x, y):
    """`x` itself or, of a generator, one that starts anew; and its first batch, or None where Keras has to look."""
    if hasattr(x, "shape"):
        return x, (x if y is None else (x, y))
    if isinstance(x, types.GeneratorType):
        return _peek(x)
    if not isinstance(x, keras.utils.PyDataset):
        if isinstance(x, (list, tuple, dict, str)) or not isinstance(x, collections.abc.Iterable):
            raise TypeError(
                "images must be an array or a dataset of batches, (images, labels) or images alone, "
                f"not {type(x).__name__}."
            )
        if isinstance(x, collections.abc.Iterator):
            return x, None
    for batch in _batches(x):
        if _has_images(batch):
            return x, batch
    raise ValueError("the dataset must hold at least one batch of images, and it is empty.")


def _batches(x):
    if isinstance(x, keras.utils.PyDataset):
        return (x[index] for index in (range(x.num_batches) if x.num_batches is not None else itertools.count()))
    return iter(x)


def first_images(model, x, count, steps=None):
    """Returns images that `fit` takes: a whole array, or the first `steps` batches, but not many more than `count`."""
    if hasattr(x, "shape"):
        return x
    found = []
    for batch in itertools.islice(_batches(x), steps):
        found.append(np.asarray(model.unpack(batch)[0]))
        if sum(map(len, found)) >= count:
            break
    return np.concatenate(found)


def _has_images(batch):
    """Whether a batch holds anything. Training skips batches that a filter has emptied."""
    return all(len(part) for part in keras.tree.flatten(batch) if np.ndim(part))


def _peek(generator):
    seen = []
    for batch in generator:
        seen.append(batch)
        if _has_images(batch):
            return _chain(seen, generator), batch
    raise ValueError("the generator must yield at least one batch of images, and it is empty.")


def _chain(seen, generator):
    yield from seen
    yield from generator


def check_latents(latents, latent_dim):
    """Returns latents as a float32 array, if a generator can take them."""
    if latent_dim is None:
        raise ValueError("the generator takes no latents.")
    latents = ops.convert_to_numpy(latents)
    if latents.ndim != 2 or latents.shape[1] != latent_dim or not len(latents):
        raise ValueError(f"latents must have the shape (count, {latent_dim}), not {latents.shape}.")
    if latents.dtype.kind not in "fiu" or not (np.abs(latents) < np.finfo("float32").max).all():
        raise ValueError("latents must be finite real numbers.")
    return latents.astype("float32")


def check_truncation(truncation):
    if not isinstance(truncation, numbers.Real) or not 0 < truncation <= 1:
        raise ValueError(f"truncation must be above 0 and at most 1, not {truncation!r}.")


def check_labels(labels, count, num_classes):
    """Makes sure that labels are classes, one for each image."""
    if labels is None:
        raise ValueError(
            f"a GAN with num_classes={num_classes} needs labels, and there are none: use fit(images, labels), "
            "gan.datasets.load(..., labels=True) or generate(labels=[3, 1])."
        )
    if not hasattr(labels, "shape"):
        raise ValueError(f"labels must be an array, not a {type(labels).__name__}.")
    labels = np.asarray(labels)
    if labels.shape != (count,) or not count or not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(
            f"labels must be whole numbers, one for each of {count:,} images, not {labels.dtype} of {labels.shape}."
        )
    if labels.min() < 0 or labels.max() >= num_classes:
        raise ValueError(f"labels must lie in 0 to {num_classes - 1}, not in {labels.min()} to {labels.max()}.")


def check_unweighted(arguments):
    """Refuses weights of samples and classes, which no adversarial loss takes."""
    for name in ("sample_weight", "class_weight"):
        if arguments.get(name) is not None:
            raise ValueError(f"{name} is not supported by a GAN, whose losses are means over all images.")


class LogitCheck(keras.callbacks.Callback):
    """Warns once if the discriminator's logits have not left [0, 1] over the first batches.

    Args:
        images: Float array, real images to look at again.
        condition: Their condition, or None.
    """

    BATCHES = 20

    def __init__(self, images, condition):
        super().__init__()
        self.images = images[:256]
        self.condition = None if condition is None else condition[:256]
        self.is_done = False

    def on_train_batch_end(self, batch, logs=None):
        if batch + 1 >= self.BATCHES:
            self._check(logs)

    def on_epoch_end(self, epoch, logs=None):
        self._check(logs)

    def _check(self, logs):
        if self.is_done:
            return
        self.is_done = True
        self.model.synchronize()
        if float(logs["real_accuracy"]) < 1 or float(logs["fake_accuracy"]) > 0:
            return
        logits = ops.convert_to_numpy(self.model.judge(self.images, self.condition, training=False).logits)
        if logits.min() >= 0 and logits.max() <= 1:
            warnings.warn(
                "The discriminator's logits have not left [0, 1] so far, as if they were probabilities: remove a final "
                "sigmoid, if there is one.",
                stacklevel=2,
            )
