"""Base class of the metrics of generated images, and a random sample of feature vectors."""

import functools
import numbers

import keras
import numpy as np
from keras import ops

from gan.metrics.extractors import describe, extract, get_extractor

# JAX has no float64 unless it is enabled.
PRECISE = "float32" if keras.backend.backend() == "jax" else "float64"


class Statistic(keras.metrics.Metric):
    """Base class of what accumulates over images.

    On several devices, each device accumulates all images, so the values of one device are those of all. Keras would
    add them up. Otherwise it is a `keras.metrics.Metric`.

    Example:

    ```python
    class Largest(gan.metrics.Statistic):
        def __init__(self, size, name=None):
            super().__init__(name=name)
            self.count = self.add_variable((), "zeros", dtype="int32", name="count")
            self.largest = self.add_variable((size,), "zeros", name="largest")

        def update_state(self, vectors):
            self.count.assign_add(ops.shape(vectors)[0])
            self.largest.assign(ops.maximum(self.largest, ops.max(vectors, axis=0)))

        def result(self):
            return (ops.convert_to_numpy(self.largest),)
    ```
    """

    def add_variable(self, shape, initializer, dtype=None, aggregation="only_first_replica", name=None):
        return super().add_variable(shape, initializer, dtype, aggregation, name)


class FeatureMetric(Statistic):
    """Base class of metrics that compare the features of generated images with those of real images.

    A subclass implements `make_statistic`, which accumulates the features of one kind of images, and `compare`, which
    computes the result from both statistics. It overrides `prepare` to do expensive work on the real images only once.
    If the result is a dict, the subclass lists its names in the class attribute `figures`. Set the class attribute
    `output` to `"logits"` to receive the extractor's logits instead of its features.

    `GAN` runs each image through each extractor once and shares the outputs among all metrics. In `fit`, it extracts
    the features of the real images only in the first validation.

    Args:
        extractor: `"digits"`, `"stacked_digits"`, `"inception_v3"`, or a `keras.Model` from images to features, as in
            `gan.metrics.get_extractor`. Defaults to `"digits"`.
        name: String. Name of the metric in the logs. Defaults to None: derived from the class name.

    Example:

    ```python
    class MeanDistance(gan.metrics.FeatureMetric):
        def make_statistic(self, size, name):
            return gan.metrics.frechet.Moments(size, name)

        def compare(self, real, fake):
            (real_mean, _), (fake_mean, _) = real, fake
            return float(np.linalg.norm(real_mean - fake_mean))


    metric = MeanDistance()
    digits = gan.images.to_float(gan.datasets.read("mnist5k", split="test")[0])
    metric.update_state(digits[:100], digits[100:200])
    metric.result()
    ```
    """

    output = "features"
    figures = ()

    def __init__(self, extractor="digits", name=None):
        super().__init__(name=name, dtype="float32")
        # A model in this attribute is tracked by Keras, so its weights are saved with those of the GAN.
        self.extractor = extractor
        self.extract = None

    def make_statistic(self, size, name):
        """Creates the statistic that accumulates the extractor's outputs for one kind of images.

        Args:
            size: Int. Length of a feature vector.
            name: `"real"` or `"fake"`.

        Returns:
            A `gan.metrics.Statistic`, a `keras.metrics.Metric`, with an attribute `count`. Its `update_state` takes a
            float tensor `(batch, size)`; its `result` returns a tuple of NumPy arrays.
        """
        raise NotImplementedError(f"{type(self).__name__} must implement make_statistic(size, name).")

    def prepare(self, real):
        """Converts the result of the real statistic for `compare`. Called once per set of real images."""
        return real

    def compare(self, real, fake):
        """Computes the result of the metric.

        Args:
            real: What `prepare` returned.
            fake: Tuple of NumPy arrays. The result of the statistic of generated images.

        Returns:
            A float, or a dict from the names in `figures` to floats.
        """
        raise NotImplementedError(f"{type(self).__name__} must implement compare(real, fake).")

    def build(self, image_shape):
        """Loads the extractor and creates both statistics.

        Args:
            image_shape: Tuple `(height, width, channels)`. Shape of the images.

        Raises:
            ValueError: The extractor does not accept such images, or returns no logits although the metric needs them.
        """
        network = get_extractor(self.extractor, image_shape)
        # Keras does not track a model in a partial, so the weights of a named extractor are not saved.
        self.extract = functools.partial(extract, network)
        self.extractor_name = network.name
        outputs = describe(network, image_shape)
        if self.output not in outputs:
            raise ValueError(
                f"{self.name} needs an extractor that returns (features, logits), but {network.name} returns only "
                "features: train one on labeled images with gan.metrics.train_extractor."
            )
        size = outputs[self.output].shape[-1]
        self.real = self.make_statistic(size, "real")
        self.fake = self.make_statistic(size, "fake")
        self.prepared = None
        # 1 while an evaluation need not add the real images again. Part of the state of a compiled step.
        self.real_is_known = self.add_variable((), "zeros", dtype="int32", name="real_is_known")

    def update_state(self, real_images, fake_images):
        """Adds a batch of real and of generated images.

        Args:
            real_images: Float array `(batch, height, width, channels)` in [-1, 1].
            fake_images: Float array of the same image shape.
        """
        if self.extract is None:
            self.build(real_images.shape[1:])
        self.update_real(self.extract(real_images))
        self.update_fake(self.extract(fake_images))

    def update_real(self, outputs):
        """Adds the outputs of the extractor for a batch of real images, a dict as `extract` returns it."""
        self.real.update_state(outputs[self.output])

    def update_fake(self, outputs):
        """Adds the outputs of the extractor for a batch of generated images, a dict as `extract` returns it."""
        self.fake.update_state(outputs[self.output])

    def reset_state(self):
        """Forgets all images."""
        if self.extract is not None:
            self.real.reset_state()
            self.fake.reset_state()
            self.prepared = None

    def reset_fake(self):
        """Forgets the generated images and keeps the real ones."""
        self.fake.reset_state()

    def result(self):
        """Computes the metric over all images since the last reset.

        Returns:
            A float, or a dict of floats for a metric with several results.

        Raises:
            ValueError: There are no real or no generated images.
            FloatingPointError: A feature is NaN or infinite.
        """
        if self.extract is None:
            raise ValueError(f"{self.name} has no result: it has received no images.")
        if self.prepared is None:
            self.prepared = self.prepare(self._checked(self.real, "real"))
        return self.compare(self.prepared, self._checked(self.fake, "generated"))

    def _checked(self, statistic, images):
        count = to_numpy(statistic.count)
        if count == 0:
            raise ValueError(f"{self.name} has no result: it has received no {images} images.")
        arrays = statistic.result()
        if not all(np.isfinite(array).all() for array in arrays):
            raise FloatingPointError(
                f"{self.name} has no result: the features of the {images} images contain NaN or infinity."
            )
        return arrays

    def get_config(self):
        """Returns the constructor arguments as a dict, with a `keras.Model` extractor serialized."""
        extractor = self.extractor
        if not isinstance(extractor, str):
            extractor = keras.saving.serialize_keras_object(extractor)
        return {"name": self.name, "extractor": extractor}

    @classmethod
    def from_config(cls, config):
        """Creates the metric from the dict that `get_config` returns."""
        extractor = config["extractor"]
        if not isinstance(extractor, str):
            extractor = keras.saving.deserialize_keras_object(extractor)
        return cls(**{**config, "extractor": extractor})


def check_count(name, value):
    """Raises a `ValueError` if an argument is not a positive integer."""
    if not isinstance(value, numbers.Integral) or value < 1:
        raise ValueError(f"{name} must be a positive integer, not {value!r}.")


def figures_of(metrics):
    """Collects the results of several metrics.

    Args:
        metrics: List of metrics of this package.

    Returns:
        A dict from the name of each result to its value, a float. A metric with several results adds all of them.

    Example:

    ```python
    metrics = gan.metrics.all_metrics("digits", (28, 28, 1))
    digits = gan.images.to_float(gan.datasets.read("mnist5k", split="test")[0])
    for metric in metrics:
        metric.update_state(digits[:100], digits[100:200])
    gan.metrics.figures_of(metrics)  # {"fid": ..., "kid": ..., "precision": ..., ...}
    ```
    """
    figures = {}
    for metric in metrics:
        result = metric.result()
        figures.update(result if isinstance(result, dict) else {metric.name: result})
    return figures


def to_numpy(variable):
    """Reads a variable of a metric as a NumPy array, whatever strategy it was created under."""
    return ops.convert_to_numpy(ops.convert_to_tensor(variable))


def _hash(numbers):
    """Turns int32 numbers into random ones from 0 to 2**31 - 1, the same on every backend.

    The products overflow, as they should. The constants are those of the finalizer of MurmurHash3.
    """
    for multiplier, shift in ((-2048144789, 13), (-1028477387, 16)):
        numbers = numbers * multiplier
        # The shift of a negative number fills in ones: keep the bits that were shifted.
        shifted = ops.bitwise_and(ops.bitwise_right_shift(numbers, shift), 2 ** (32 - shift) - 1)
        numbers = ops.bitwise_xor(numbers, shifted)
    return ops.bitwise_and(numbers, 2**31 - 1)


class FeatureSample(Statistic):
    """A sample of the vectors received: all of them, or `limit` random ones if there are more.

    The selection is reproducible: it depends only on the position of each vector.

    Source: Vitter 1985, "Random sampling with a reservoir", algorithm R.

    Args:
        limit: Int. Maximum number of vectors to keep.
        size: Int. Length of a vector.
        name: String. Name of the metric.
    """

    def __init__(self, limit, size, name=None):
        super().__init__(name=name)
        self.limit = limit
        # The additional row takes the vectors that are not kept.
        self.rows = self.add_variable((limit + 1, size), "zeros", dtype="float32", name="rows")
        self.count = self.add_variable((), "zeros", dtype="int32", name="count")

    def update_state(self, vectors):
        added = ops.shape(vectors)[0]
        index = self.count + ops.cast(ops.arange(added), "int32")
        # The random number is a function of the index, so that the sample does not depend on the batch size.
        drawn = ops.minimum(_hash(index) % (index + 1), self.limit)
        row = ops.where(index < self.limit, index, drawn)
        self.rows.assign(ops.scatter_update(self.rows, row[:, None], ops.cast(vectors, "float32")))
        self.count.assign_add(ops.cast(added, "int32"))

    def result(self):
        """Returns the vectors, a float32 NumPy array `(count, size)`, in a tuple of length 1."""
        return (to_numpy(self.rows)[: min(to_numpy(self.count), self.limit)],)
