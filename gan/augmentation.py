"""What is done at random to images before the discriminator sees them, so that it cannot learn a small set by heart."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="gan")
class DiffAugment:
    """Differentiable augmentation of real and generated images alike (Zhao et al. 2020, arXiv 2006.10738).

    As both are changed in the same ways, and the generator's gradient passes through the change, the generator learns
    to make images as they are, not augmented ones. Each image gets a change of its own:

    - `"translation"`: moved by up to an eighth of its sides; what is moved in is what was at the edge;
    - `"cutout"`: a square of half its sides, anywhere, is set to 0;
    - `"brightness"`: all of its values get the same number from [-0.5, 0.5] added. It does not suit images whose
      background is always the same, such as digits.

    Args:
        names: A list of these, in the order in which they are applied.

    Raises:
        ValueError: There is no augmentation of such a name, or there are none.

    Example:

    ```python
    model.compile("adam", "adam", augmentation=["translation", "cutout"])
    ```
    """

    def __init__(self, names):
        if not names or not isinstance(names, (list, tuple)) or any(name not in list(_AUGMENTATIONS) for name in names):
            raise ValueError(f"augmentation must be a list of {', '.join(_AUGMENTATIONS)}, not {names!r}.")
        self.names = list(names)

    def __call__(self, images, seed):
        """Augments images.

        Args:
            images: Float tensor `(batch, height, width, channels)`.
            seed: A `keras.random.SeedGenerator`.

        Returns:
            A float tensor of the same shape.
        """
        for name in self.names:
            images = _AUGMENTATIONS[name](images, seed)
        return images

    def get_config(self):
        return {"names": self.names}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


def _translate(images, seed):
    for axis, equation in ((1, "boh,bhwc->bowc"), (2, "bow,bhwc->bhoc")):
        size = images.shape[axis]
        furthest = round(size / 8)
        shift = keras.random.randint((ops.shape(images)[0], 1), -furthest, furthest + 1, seed=seed)
        origin = ops.clip(ops.arange(size)[None] + shift, 0, size - 1)
        # Rows are chosen by a product of matrices, whose gradients compile everywhere.
        images = ops.einsum(equation, ops.one_hot(origin, size, dtype=images.dtype), images)
    return images


def _cut_out(images, seed):
    inside = 1
    for axis, shape in ((1, (-1, images.shape[1], 1, 1)), (2, (-1, 1, images.shape[2], 1))):
        size = images.shape[axis]
        centre = keras.random.randint((ops.shape(images)[0], 1), 0, size + 1, seed=seed)
        distance = ops.abs(2 * (ops.arange(size)[None] - centre) + 1)
        inside = inside * ops.reshape(ops.cast(2 * distance <= size, images.dtype), shape)
    return images * (1 - inside)


def _brighten(images, seed):
    return images + keras.random.uniform((ops.shape(images)[0], 1, 1, 1), -0.5, 0.5, dtype=images.dtype, seed=seed)


_AUGMENTATIONS = {"translation": _translate, "cutout": _cut_out, "brightness": _brighten}


def get(identifier):
    """Finds an augmentation as `keras.losses.get` finds losses.

    Args:
        identifier: A `DiffAugment`, its config, a list of names as it takes, or None.

    Returns:
        A `DiffAugment`, or None.

    Raises:
        ValueError: It is something else, or has an unknown name.
    """
    if isinstance(identifier, dict):
        identifier = keras.saving.deserialize_keras_object(identifier)
    if identifier is None or isinstance(identifier, DiffAugment):
        return identifier
    return DiffAugment(identifier)
