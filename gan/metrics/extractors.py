"""Networks whose features tell images apart: the shipped one, keras.applications' and those of a user's own."""

import functools
import pathlib

import keras
import numpy as np
from keras import layers, ops

from gan.files import downloading, read_keras_file

DIGITS_FILE = pathlib.Path(__file__).with_name("digits.keras")
INCEPTION_PIXELS = 299


def get_extractor(identifier, image_shape):
    """Finds a feature extractor and makes sure that it takes such images.

    Args:
        identifier: One of

            - `"digits"`: a small convolutional network that ships with this package, trained on MNIST by
              `scripts/train_extractor.py`; for images of `(28, 28, 1)`. Its features are 128, its classes ten.
            - `"stacked_digits"`: `"digits"` for each channel of Stacked MNIST's images, `(28, 28, 3)`. Its features are
              3 times 128, its classes 1,000.
            - `"inception_v3"`: `keras.applications.InceptionV3` with the weights that Keras downloads; for gray and RGB
              images of any size. Its features are 2,048. Its weights are not those of the original implementation:
              figures compare with each other, not with published ones.
            - any `keras.Model` from float images in [-1, 1] to features `(batch, size)`, or to a pair of features and
              logits. In a file of a `GAN` that is compiled with it, its weights are saved too. Two in one `GAN` have
              two names.

        image_shape: `(height, width, channels)`.

    Returns:
        A `keras.Model`.

    Raises:
        ValueError: There is no extractor of that name, it cannot be downloaded, or it does not take such images or
            give vectors.

    Example:

    >>> gan.metrics.get_extractor("digits", (28, 28, 1)).name
    'digits'
    """
    image_shape = tuple(image_shape)
    if isinstance(identifier, str) and identifier in _NAMED:
        network = _NAMED[identifier](image_shape)
    elif isinstance(identifier, keras.Model):
        network = identifier
    else:
        raise ValueError(f"extractor must be a keras.Model or one of {sorted(_NAMED)}, not {identifier!r}.")
    try:
        shapes = {name: tuple(output.shape) for name, output in describe(network, image_shape).items()}
    except (AttributeError, TypeError, ValueError) as error:
        raise ValueError(
            f"the extractor {network.name} does not take images of {image_shape} and give vectors "
            f"({str(error).strip().splitlines()[0]}); name another, or make one of labelled images with "
            "gan.metrics.train_extractor."
        ) from error
    if any(len(shape) != 2 or shape[1] is None for shape in shapes.values()):
        raise ValueError(
            f"the extractor {network.name} must give features (batch, size), or these and logits, not {shapes}."
        )
    return network


def usual_extractor(source, image_shape):
    """The extractor of this package that suits images, where one does.

    Args:
        source: As in `gan.datasets.load`.
        image_shape: `(height, width, channels)`.

    Returns:
        `"digits"` for gray images of 28x28, `"stacked_digits"` for stacks of these (`"stacked_mnist"`,
        `"stacked_mnist5k"`, `"stacked:..."`), None for others.
    """
    if str(source).startswith(("stacked_mnist", "stacked:")):
        return "stacked_digits"
    return "digits" if tuple(image_shape) == (28, 28, 1) else None


def load_extractor(source):
    """Loads an extractor of your own from its file; a name stays a name.

    Args:
        source: `"digits"`, `"stacked_digits"`, `"inception_v3"`, or the path of a `.keras` file.

    Returns:
        What `get_extractor` takes: the name, or the `keras.Model`.

    Raises:
        ValueError: The file does not exist, is damaged or holds no model.

    Example:

    ```python
    metrics = gan.metrics.all_metrics(gan.metrics.load_extractor("fashion.keras"), (28, 28, 1))
    ```
    """
    return source if source in _NAMED else read_keras_file(source)


def extract(network, images):
    """What an extractor finds in a batch of images: a dict of `features` and, where it classifies, of `logits`."""
    outputs = network(images, training=False)
    if not isinstance(outputs, (list, tuple)):
        return {"features": outputs}
    features, logits = outputs
    return {"features": features, "logits": logits}


def describe(network, image_shape):
    """What `extract` would find in images `(height, width, channels)`, as symbols without values."""
    return extract(network, keras.KerasTensor((None, *image_shape)))


def train_extractor(images, labels, epochs=6, seed=0, name="extractor", validation_data=None, verbose="auto"):
    """Trains the network of `"digits"` on labelled images: what `"digits"` is for MNIST, for data of your own.

    Args:
        images: Float array `(count, height, width, channels)` in [-1, 1].
        labels: Int array `(count,)`, classes from 0 on.
        epochs: Int. Default 6.
        seed: Int. Default 0.
        name: String, the name that is shown beside its figures. Default `"extractor"`.
        validation_data: A pair of images and labels to tell the accuracy of after each epoch. Default None.
        verbose: As in `keras.Model.fit`.

    Returns:
        A `keras.Model` from images to a pair of features `(batch, 128)` and logits `(batch, classes)`.

    Raises:
        ValueError: The images are not floats in [-1, 1], not every one has a label, or a label is negative.

    Example:

    ```python
    images, labels = gan.datasets.read("mnist5k")
    network = gan.metrics.train_extractor(images / np.float32(127.5) - 1, labels, name="mnist5k")
    gan.metrics.FrechetDistance(network)
    ```
    """
    if not len(images) or not np.issubdtype(images.dtype, np.floating) or np.abs(images).max() > 1:
        raise ValueError(f"images must be floats in [-1, 1], at least one, not {images.dtype} of {images.shape}.")
    labels = np.asarray(labels)
    if labels.shape != (len(images),) or not np.issubdtype(labels.dtype, np.integer) or labels.min() < 0:
        raise ValueError(
            f"labels must be whole numbers from 0 on, one for each of {len(images):,} images, "
            f"not {labels.dtype} of {labels.shape}."
        )
    keras.utils.set_random_seed(seed)
    inputs = keras.Input(images.shape[1:])
    x = inputs
    for width, kernel_size, strides in ((32, 5, 2), (64, 3, 2), (64, 3, 1), (128, 3, 1)):
        x = layers.Conv2D(width, kernel_size, strides, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization()(x)
        x = layers.ReLU()(x)
    features = layers.GlobalAveragePooling2D(name="features")(x)
    logits = layers.Dense(int(labels.max()) + 1, name="logits")(features)

    batch_size = 128
    steps = epochs * -(-len(images) // batch_size)
    augment = layers.RandomTranslation(0.1, 0.1, fill_mode="nearest")
    classifier = keras.Sequential([keras.Input(images.shape[1:]), augment, keras.Model(inputs, logits)])
    classifier.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(3e-3, steps)),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    classifier.fit(
        images, labels, batch_size=batch_size, epochs=epochs, validation_data=validation_data, verbose=verbose
    )
    return keras.Model(inputs, [features, logits], name=name)


@functools.cache
def _digits(image_shape):
    network = keras.models.load_model(DIGITS_FILE, compile=False)
    network.trainable = False
    return network


@functools.cache
def _inception_v3(image_shape):
    height, width, channels = image_shape
    inputs = keras.Input(image_shape)
    x = inputs if channels == 3 else layers.Concatenate()([inputs] * 3)
    # Resizing is linear, so it is two matrices, which XLA can compile too: the resized images of unit vectors.
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


@functools.cache
def _stacked_digits(image_shape):
    inputs = keras.Input((28, 28, 3))
    outputs = [_digits((28, 28, 1))(inputs[..., channel : channel + 1]) for channel in range(3)]
    features, (first, second, third) = zip(*outputs, strict=True)
    # The largest of these sums is that of the largest logits: class 703 is 7, 0 and 3.
    logits = first[:, :, None, None] + second[:, None, :, None] + third[:, None, None, :]
    outputs = [layers.Concatenate()(features), layers.Reshape((1000,))(logits)]
    return keras.Model(inputs, outputs, name="stacked_digits")


_NAMED = {"digits": _digits, "stacked_digits": _stacked_digits, "inception_v3": _inception_v3}
