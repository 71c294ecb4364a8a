"""What all metrics of generated images have in common."""

import functools
import numbers

import keras
import numpy as np
from keras import ops

from gan.metrics.extractors import describe, extract, get_extractor


class FeatureMetric(keras.metrics.Metric):
    """Compares generated images with real ones by what a network finds in them.

    A subclass says with `make_statistic` what is kept of the features of one side (a `keras.metrics.Metric` that is
    updated with them), and with `compare` what follows from both. `prepare` is for work on the real side that is done
    once for as long as the real images stay the same.

    `GAN` runs all images through each extractor once and hands the outputs to all metrics; in a `fit` it does so with
    the real images in the first validation only.

    Args:
        extractor: `"digits"` (default), `"inception_v3"`, or a `keras.Model` from images to features, as in
            `gan.metrics.get_extractor`.
        name: The metric's name in logs.

    Example:

    ```python
    metric = gan.metrics.FrechetDistance()
    metric.update_state(real_images, fake_images)  # float (batch, 28, 28, 1) in [-1, 1]
    metric.result()
    ```
    """

    output = "features"
    # The names of its figures, where they are several.
    figures = ()

    def __init__(self, extractor="digits", name=None):
        super().__init__(name=name, dtype="float32")
        # Keras saves the weights of a model that it finds here with those of the GAN.
        self.extractor = extractor
        self.extract = None

    def make_statistic(self, size, name):
        """A `keras.metrics.Metric` whose `update_state` takes outputs `(batch, size)` of the extractor."""
        raise NotImplementedError(f"{type(self).__name__} keeps no statistic.")

    def prepare(self, real):
        """What `compare` takes of the real side, of the result of its statistic."""
        return real

    def compare(self, real, fake):
        """The metric, a float or a dict of floats, of the prepared real side and the fake statistic's result."""
        raise NotImplementedError(f"{type(self).__name__} compares nothing.")

    def build(self, image_shape):
        """Finds the extractor for images `(height, width, channels)` and makes room for its outputs."""
        network = get_extractor(self.extractor, image_shape)
        # Keras does not look into a partial: the weights of an extractor with a name are not saved.
        self.extract = functools.partial(extract, network)
        self.extractor_name = network.name
        outputs = describe(network, image_shape)
        if self.output not in outputs:
            raise ValueError(
                f"{self.name} needs an extractor that gives (features, logits), and {network.name} gives "
                "features only; gan.metrics.train_extractor makes one of labelled images."
            )
        size = outputs[self.output].shape[-1]
        self.real = self.make_statistic(size, "real")
        self.fake = self.make_statistic(size, "fake")
        self.prepared = None

    def update_state(self, real_images, fake_images):
        if self.extract is None:
            self.build(real_images.shape[1:])
        self.update_real(self.extract(real_images))
        self.update_fake(self.extract(fake_images))

    def update_real(self, outputs):
        """Takes what `extract` has found in a batch of real images."""
        self.real.update_state(outputs[self.output])

    def update_fake(self, outputs):
        """Takes what `extract` has found in a batch of generated images."""
        self.fake.update_state(outputs[self.output])

    def reset_state(self):
        if self.extract is not None:
            self.real.reset_state()
            self.fake.reset_state()
            self.prepared = None

    def reset_fake(self):
        """Forgets the generated images and keeps the real ones."""
        self.fake.reset_state()

    def result(self):
        """The metric of all images since the last reset.

        Returns:
            A float or, of a metric with several figures, a dict of them.

        Raises:
            ValueError: There were no images.
            FloatingPointError: A feature is not finite.
        """
        if self.extract is None:
            raise ValueError(f"{self.name} has no result: it has seen no images.")
        if self.prepared is None:
            self.prepared = self.prepare(self._checked(self.real, "real"))
        return self.compare(self.prepared, self._checked(self.fake, "generated"))

    def _checked(self, statistic, images):
        count = int(statistic.count)
        if count == 0:
            raise ValueError(f"{self.name} has no result: it has seen no {images} images.")
        arrays = statistic.result()
        if not all(np.isfinite(array).all() for array in arrays):
            raise FloatingPointError(
                f"{self.name} has no result: the features of {images} images are not all finite numbers."
            )
        return arrays

    def get_config(self):
        extractor = self.extractor
        if not isinstance(extractor, str):
            extractor = keras.saving.serialize_keras_object(extractor)
        return {"name": self.name, "extractor": extractor}

    @classmethod
    def from_config(cls, config):
        extractor = config["extractor"]
        if not isinstance(extractor, str):
            extractor = keras.saving.deserialize_keras_object(extractor)
        return cls(**{**config, "extractor": extractor})


def check_count(name, value):
    """Makes sure that an argument is a positive whole number."""
    if not isinstance(value, numbers.Integral) or value < 1:
        raise ValueError(f"{name} must be a positive whole number, not {value!r}.")


def figures_of(metrics):
    """The results of several metrics: one dict from the name of each figure to its value, a float."""
    figures = {}
    for metric in metrics:
        result = metric.result()
        figures.update(result if isinstance(result, dict) else {metric.name: result})
    return figures


class FeatureSample(keras.metrics.Metric):
    """Vectors that it has seen: all of them or, of more than `limit`, as many drawn at random, always the same.

    Vitter 1985, "Random sampling with a reservoir", algorithm R.

    Args:
        limit: Int, how many vectors are kept.
        size: Int, length of a vector.
        name: String.
    """

    def __init__(self, limit, size, name=None):
        super().__init__(name=name)
        self.limit = limit
        # One row more, for the vectors that are not kept.
        self.rows = self.add_variable((limit + 1, size), "zeros", dtype="float32", name="rows")
        self.count = self.add_variable((), "zeros", dtype="int64", name="count")

    def update_state(self, vectors):
        added = ops.shape(vectors)[0]
        index = self.count + ops.arange(added, dtype="int64")
        # The chance is a function of the index, so that batches of any size lead to the same sample.
        position = ops.cast(index + 1, "float64")
        chance = ops.mod(ops.sin(12.9898 * position) * 43758.5453, 1.0)
        drawn = ops.minimum(ops.cast(chance * position, "int64"), self.limit)
        row = ops.where(index < self.limit, index, drawn)
        self.rows.assign(ops.scatter_update(self.rows, row[:, None], ops.cast(vectors, "float32")))
        self.count.assign_add(ops.cast(added, "int64"))

    def result(self):
        """The vectors, a float32 NumPy array `(count, size)` in a tuple of its own."""
        return (ops.convert_to_numpy(self.rows)[: min(int(self.count), self.limit)],)
