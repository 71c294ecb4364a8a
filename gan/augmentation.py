"""Random augmentation of the images that the discriminator sees, so that it cannot memorize a small dataset."""

import keras
from keras import ops

from gan import draws


@keras.saving.register_keras_serializable(package="gan")
class DiffAugment:
    """Differentiable augmentation of real and generated images.

    Both kinds of images are augmented in the same way, and the generator's gradient passes through the augmentation.
    The generator therefore learns to generate images without augmentation. Each image is augmented independently:

    - `"translation"`: shifts the image by up to 1/8 of its height and width. Edge pixels fill the gap.
    - `"cutout"`: sets a rectangle of half the height and half the width to 0, at a random position.
    - `"brightness"`: adds one random number from [-0.5, 0.5] to all values. Do not use it if all images share the same
      background, as digits do.

    Source: Zhao et al. 2020, arXiv 2006.10738.

    Args:
        names: List of these names, in the order in which they are applied.

    Raises:
        ValueError: The list is empty or contains an unknown name.

    Example:

    ```python
    model = gan.GAN(gan.build_generator(), gan.build_discriminator())
    model.compile("adam", "adam", augmentation=["translation", "cutout"])
    ```
    """

    def __init__(self, names):
        if not names or not isinstance(names, (list, tuple)) or any(name not in list(_AUGMENTATIONS) for name in names):
            raise ValueError(f"augmentation must be a list of names from {', '.join(_AUGMENTATIONS)}; got {names!r}.")
        self.names = list(names)

    def check(self, image_shape):
        """Checks that images of a shape can be augmented. Call it before training starts.

        Args:
            image_shape: Tuple, the shape of one image without the batch.

        Raises:
            ValueError: The shape is not `(height, width, channels)`.
        """
        if len(image_shape) != 3:
            raise ValueError(
                "augmentation works on images (height, width, channels) only, and these have the shape "
                f"{tuple(image_shape)}: train without augmentation."
            )

    def __call__(self, images, seed):
        """Augments a batch of images.

        Args:
            images: Float tensor `(batch, height, width, channels)`.
            seed: A `keras.random.SeedGenerator`.

        Returns:
            A float tensor of the same shape.

        Raises:
            ValueError: The images have another rank.
        """
        self.check(images.shape[1:])
        for name in self.names:
            images = _AUGMENTATIONS[name](images, seed)
        return images

    def get_config(self):
        """Returns the constructor arguments as a dict."""
        return {"names": self.names}

    @classmethod
    def from_config(cls, config):
        """Creates the augmentation from the dict that `get_config` returns."""
        return cls(**config)


def _translate(images, seed):
    for axis, equation in ((1, "boh,bhwc->bowc"), (2, "bow,bhwc->bhoc")):
        size = images.shape[axis]
        furthest = round(size / 8)
        shift = _integers(images, -furthest, furthest + 1, seed)
        origin = ops.clip(ops.arange(size, dtype="int32")[None] + shift, 0, size - 1)
        # A matrix product selects the rows, because XLA compiles its first and second gradients.
        images = ops.einsum(equation, ops.one_hot(origin, size, dtype=images.dtype), images)
    return images


def _cut_out(images, seed):
    inside = 1
    for axis, shape in ((1, (-1, images.shape[1], 1, 1)), (2, (-1, 1, images.shape[2], 1))):
        size = images.shape[axis]
        centre = _integers(images, 0, size + 1, seed)
        distance = ops.abs(2 * (ops.arange(size, dtype="int32")[None] - centre) + 1)
        inside = inside * ops.reshape(ops.cast(2 * distance <= size, images.dtype), shape)
    return images * (1 - inside)


def _brighten(images, seed):
    def draw(count, seed):
        return draws.uniform((count, 1, 1, 1), -0.5, 0.5, seed)

    change = draws.for_batch(draw, ops.shape(images)[0], seed)
    return images + ops.cast(change, images.dtype)


def _integers(images, minval, maxval, seed):
    def draw(count, seed):
        return draws.integers((count, 1), minval, maxval, seed)

    return draws.for_batch(draw, ops.shape(images)[0], seed)


_AUGMENTATIONS = {"translation": _translate, "cutout": _cut_out, "brightness": _brighten}


def get(identifier):
    """Returns the augmentation for an identifier, as `keras.losses.get` does for losses.

    Args:
        identifier: A `DiffAugment`, its config, a list of names as in `DiffAugment`, or None.

    Returns:
        A `DiffAugment`, or None.

    Raises:
        ValueError: A name is unknown, or `identifier` is none of these.

    Example:

    >>> gan.augmentation.get(["cutout"]).names
    ['cutout']
    """
    if isinstance(identifier, dict):
        identifier = keras.saving.deserialize_keras_object(identifier)
    if identifier is None or isinstance(identifier, DiffAugment):
        return identifier
    return DiffAugment(identifier)
