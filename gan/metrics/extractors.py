"""Feature extractors: the networks whose features the metrics compare."""

import functools
import os
import pathlib
import re

import keras
from keras import layers, ops

from gan import engines
from gan.files import downloading, read_keras_file
from gan.text import format_shape

DIGITS_FILE = pathlib.Path(__file__).with_name("digits.keras")
INCEPTION_PIXELS = 299
INCEPTION_FILE = "inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5"


def get_extractor(identifier, image_shape):
    """Returns the feature extractor for an identifier and checks that it accepts the images.

    Args:
        identifier: One of

            - `"digits"`: a small convolutional network that ships with this package, for images of `(28, 28, 1)`. It
              has 128 features and 10 classes. `scripts/train_extractor.py` trained it on MNIST.
            - `"stacked_digits"`: `"digits"` applied to each channel of Stacked MNIST images, `(28, 28, 3)`. It has
              3 x 128 features and 1,000 classes.
            - `"inception_v3"`: `keras.applications.InceptionV3` with the ImageNet weights that Keras downloads, for
              gray and RGB images of any size. It has 2,048 features and no classes. Its weights differ from those of
              the original fid implementation: do not compare values with published ones.
            - A `keras.Model` from float images in [-1, 1] to features `(batch, size)` or to a pair
              `(features, logits)`. A `GAN` compiled with it saves its weights too. Different extractors in one `GAN`
              need different names.

        image_shape: Tuple `(height, width, channels)`. Shape of the images.

    Returns:
        A `keras.Model`.

    Raises:
        ValueError: The name is unknown, the weights cannot be downloaded, or the network does not accept such images
            or does not return vectors.

    Example:

    >>> gan.metrics.get_extractor("digits", (28, 28, 1)).name
    'digits'
    """
    image_shape = tuple(image_shape)
    if isinstance(identifier, str) and identifier in _NAMED:
        network = _load_named(identifier, image_shape, engines.placement())
    elif isinstance(identifier, keras.Model):
        network = identifier
    else:
        raise ValueError(
            f"extractor must be a keras.Model or one of the names {', '.join(sorted(_NAMED))}; got {identifier!r}."
        )
    try:
        shapes = {name: tuple(output.shape) for name, output in describe(network, image_shape).items()}
    except (AttributeError, TypeError, ValueError) as error:
        raise ValueError(
            f"the extractor {network.name} does not take images of {format_shape(image_shape)} and return vectors "
            f"({_reason_of(error)}). Choose another, or train one on labeled images with "
            "gan.metrics.train_extractor."
        ) from error
    if any(len(shape) != 2 or shape[1] is None for shape in shapes.values()):
        raise ValueError(
            f"the extractor {network.name} must return features (batch, size), or (features, logits), not {shapes}."
        )
    return network


def _reason_of(error):
    """Returns the first line of an error that says what is wrong, without the heading and the colors of Keras."""
    lines = re.sub(r"\x1b\[\d*m", "", str(error)).splitlines()
    return next((line for line in lines if line.strip() and not line.startswith("Exception encountered")), "no reason")


def usual_extractor(source, image_shape):
    """Returns the name of the shipped extractor that knows the images, if there is one.

    Args:
        source: Source of the images, as in `gan.datasets.load`.
        image_shape: Tuple `(height, width, channels)`. Shape of the images.

    Returns:
        `"digits"` for `"mnist"`, `"mnist5k"` and `"auto"`, `"stacked_digits"` for stacks (`"stacked_mnist"`,
        `"stacked_mnist5k"`, `"stacked:..."`), None for all other images, which need an extractor of their own.

    Example:

    >>> gan.metrics.usual_extractor("mnist", (28, 28, 1))
    'digits'
    """
    if str(source).startswith(("stacked_mnist", "stacked:")):
        return "stacked_digits"
    return "digits" if source in ("auto", "mnist", "mnist5k") and tuple(image_shape) == (28, 28, 1) else None


def load_extractor(source):
    """Loads your own extractor from a file. The names of shipped extractors are returned unchanged.

    Args:
        source: `"digits"`, `"stacked_digits"`, `"inception_v3"`, or the path of a `.keras` file.

    Returns:
        The name, or the loaded `keras.Model`: both are valid arguments of `get_extractor`.

    Raises:
        ValueError: The file does not exist, is damaged, or does not contain a Keras model.

    Example:

    ```python
    inputs = keras.Input((28, 28, 1))
    keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(inputs), name="mine").save("mine.keras")
    metrics = gan.metrics.all_metrics(gan.metrics.load_extractor("mine.keras"), (28, 28, 1))
    ```
    """
    return source if source in _NAMED else read_keras_file(source)


def extract(network, images):
    """Runs an extractor on a batch of images.

    Args:
        network: A `keras.Model`, as `get_extractor` returns it.
        images: Float tensor `(batch, height, width, channels)` in [-1, 1].

    Returns:
        A dict with `features` `(batch, size)` and, if the extractor classifies, `logits` `(batch, classes)`.
    """
    outputs = network(images, training=False)
    if not isinstance(outputs, (list, tuple)):
        return {"features": outputs}
    features, logits = outputs
    return {"features": features, "logits": logits}


def describe(network, image_shape):
    """Returns what `extract` returns for images of shape `image_shape`, as `keras.KerasTensor`s without values."""
    return extract(network, keras.KerasTensor((None, *image_shape)))


@functools.cache
def _load_named(name, image_shape, placement):
    """Loads a named extractor once for each placement, because devices cannot read the weights of others."""
    return _NAMED[name](image_shape)


def _digits(image_shape):
    network = keras.models.load_model(DIGITS_FILE, compile=False)
    network.trainable = False
    return network


def has_inception_weights():
    """Whether the weights of `"inception_v3"` need no download."""
    home = pathlib.Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser()
    return (home / "models" / INCEPTION_FILE).is_file()


def _inception_v3(image_shape):
    height, width, channels = image_shape
    inputs = keras.Input(image_shape)
    x = inputs if channels == 3 else layers.Concatenate()([inputs] * 3)
    # Resizing is linear. Its matrices are the resized unit vectors, and XLA can compile matrix products.
    for equation, size, shape in (
        ("bhwc,hH->bHwc", height, (INCEPTION_PIXELS, width, 3)),
        ("bHwc,wW->bHWc", width, (INCEPTION_PIXELS, INCEPTION_PIXELS, 3)),
    ):
        resized = ops.image.resize(ops.eye(size)[..., None], (size, INCEPTION_PIXELS), antialias=True)
        resize = layers.EinsumDense(equation, shape, trainable=False)
        x = resize(x)
        resize.set_weights([ops.convert_to_numpy(resized)[..., 0]])
    input_shape = (INCEPTION_PIXELS, INCEPTION_PIXELS, 3)
    with downloading("inception_v3"):
        network = keras.applications.InceptionV3(
            include_top=False, weights="imagenet", input_shape=input_shape, pooling="avg"
        )
    network.trainable = False
    return keras.Model(inputs, network(x), name="inception_v3")


def _stacked_digits(image_shape):
    inputs = keras.Input((28, 28, 3))
    digits = get_extractor("digits", (28, 28, 1))
    outputs = [digits(inputs[..., channel : channel + 1]) for channel in range(3)]
    features, (first, second, third) = zip(*outputs, strict=True)
    # The largest sum belongs to the largest logit of each channel: class 703 is the digits 7, 0 and 3.
    logits = first[:, :, None, None] + second[:, None, :, None] + third[:, None, None, :]
    outputs = [layers.Concatenate()(features), layers.Reshape((1000,))(logits)]
    return keras.Model(inputs, outputs, name="stacked_digits")


_NAMED = {"digits": _digits, "stacked_digits": _stacked_digits, "inception_v3": _inception_v3}
