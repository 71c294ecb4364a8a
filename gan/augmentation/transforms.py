"""Random changes to images: small functions of a batch of images and a seed, in a table."""

from keras import ops

from gan import draws

STRETCH = 0.2  # standard deviation of the logarithm to base 2 of a factor, as in the paper of ADA


def check_names(names):
    """Returns the names as a list, if they are names of transforms."""
    if not names or not isinstance(names, (list, tuple)) or any(name not in list(TRANSFORMS) for name in names):
        raise ValueError(f"augmentation must be a list of names from {', '.join(TRANSFORMS)}; got {names!r}.")
    if len(set(names)) < len(names):
        raise ValueError(f"augmentation names each change once; got {names!r}.")
    return list(names)


def check_shape(names, image_shape):
    """Makes sure that images of a shape can be transformed."""
    given = f"and these have the shape {tuple(image_shape)}"
    if len(image_shape) != 3:
        raise ValueError(
            f"augmentation works on images (height, width, channels) only, {given}: train without augmentation."
        )
    height, width, channels = image_shape
    if "rotation" in names and height != width:
        raise ValueError(f"the augmentation rotation needs square images, {given}.")
    if "saturation" in names and channels != 3:
        raise ValueError(f"the augmentation saturation needs images with 3 channels, {given}.")


def uniform(images, minval, maxval, seed):
    """Draws a float for each image, of the shape `(batch, 1, 1, 1)`."""

    def draw(count, seed):
        return draws.uniform((count, 1, 1, 1), minval, maxval, seed)

    return ops.cast(draws.for_batch(draw, ops.shape(images)[0], seed), images.dtype)


def _normal(images, seed):
    """Draws a standard normal float for each image, of the shape `(batch, 1)`."""
    return draws.for_batch(lambda count, seed: draws.normal((count, 1), seed), ops.shape(images)[0], seed)


def integers(images, minval, maxval, seed):
    """Draws an integer for each image, of the shape `(batch, 1)`."""

    def draw(count, seed):
        return draws.integers((count, 1), minval, maxval, seed)

    return draws.for_batch(draw, ops.shape(images)[0], seed)


def _translate(images, seed):
    for axis in (1, 2):
        size = images.shape[axis]
        furthest = round(size / 8)
        shift = integers(images, -furthest, furthest + 1, seed)
        images = _resample(images, axis, ops.arange(size, dtype="int32")[None] + shift)
    return images


def _scale(images, seed):
    factors = 2 ** (STRETCH * _normal(images, seed))
    for axis in (1, 2):
        center = (images.shape[axis] - 1) / 2
        places = ops.arange(images.shape[axis], dtype="float32")[None] - center
        images = _resample(images, axis, center + places / factors)
    return images


def _resample(images, axis, places):
    """Reads an axis at other places, `(batch, size)`, between two pixels by linear interpolation."""
    size = images.shape[axis]
    places = ops.clip(ops.cast(places, images.dtype), 0, size - 1)
    weights = ops.relu(1 - ops.abs(places[:, :, None] - ops.arange(size, dtype=images.dtype)))
    # A matrix product, because XLA compiles its first and second gradients.
    return ops.einsum("boh,bhwc->bowc" if axis == 1 else "bow,bhwc->bhoc", weights, images)


def _cut_out(images, seed):
    inside = 1
    for axis, shape in ((1, (-1, images.shape[1], 1, 1)), (2, (-1, 1, images.shape[2], 1))):
        size = images.shape[axis]
        centre = integers(images, 0, size + 1, seed)
        distance = ops.abs(2 * (ops.arange(size, dtype="int32")[None] - centre) + 1)
        inside = inside * ops.reshape(ops.cast(2 * distance <= size, images.dtype), shape)
    return images * (1 - inside)


def _flip(images, seed):
    return ops.where(uniform(images, 0.0, 1.0, seed) < 0.5, ops.flip(images, axis=2), images)


def _rotate(images, seed):
    quarters = integers(images, 0, 4, seed)[:, :, None, None]
    images = ops.where(quarters % 2 == 1, ops.flip(ops.transpose(images, (0, 2, 1, 3)), axis=1), images)
    return ops.where(quarters >= 2, ops.flip(images, axis=(1, 2)), images)


def _brighten(images, seed):
    return images + uniform(images, -0.5, 0.5, seed)


def _contrast(images, seed):
    means = ops.mean(images, axis=(1, 2, 3), keepdims=True)
    return means + (images - means) * uniform(images, 0.5, 1.5, seed)


def _saturate(images, seed):
    grays = ops.mean(images, axis=3, keepdims=True)
    return grays + (images - grays) * uniform(images, 0.0, 2.0, seed)


TRANSFORMS = {
    "translation": _translate,
    "cutout": _cut_out,
    "scaling": _scale,
    "flip": _flip,
    "rotation": _rotate,
    "brightness": _brighten,
    "contrast": _contrast,
    "saturation": _saturate,
}
# If they change all images, changed images are as frequent as unchanged ones, and the generator learns them.
AMBIGUOUS = ("flip", "rotation")
