"""Mode coverage: which classes the generated images fall into."""

import keras
import numpy as np
from keras import ops

from gan.metrics.base import PRECISE, FeatureMetric, Statistic, to_numpy


@keras.saving.register_keras_serializable(package="gan")
class ModeCoverage(FeatureMetric):
    """Number of classes among the generated images, `modes`, and divergence of their class histogram, `mode_kl`.

    The extractor's logits determine the class of every image, real and generated. `modes` counts the classes with at
    least one generated image; higher is better. `mode_kl` is the KL divergence of the class histogram of generated
    images from that of real images, in nats; 0 is best. A class without real images counts as half an image, so that
    the divergence stays finite.

    Source: Metz et al. 2016, arXiv 1611.02163, who measure it on Stacked MNIST.

    Args:
        extractor: Name or `keras.Model`, as in `FeatureMetric`. It must return `(features, logits)`. Defaults to
            `"digits"`.
        name: String. Name of the metric. Its results are logged as `modes` and `mode_kl`. Defaults to
            `"mode_coverage"`.

    Raises:
        ValueError: In `build`, if the extractor returns no logits.

    Example:

    ```python
    metric = gan.metrics.ModeCoverage()
    digits = gan.images.to_float(gan.datasets.read("mnist5k", split="test")[0])
    metric.update_state(digits[:100], digits[100:200])
    metric.result()["modes"]
    ```
    """

    output = "logits"

    figures = ("modes", "mode_kl")

    def __init__(self, extractor="digits", name="mode_coverage"):
        super().__init__(extractor, name)

    def make_statistic(self, size, name):
        return Histogram(size, name)

    def compare(self, real, fake):
        (real_counts,), (counts,) = real, fake
        expected = np.where(real_counts > 0, real_counts, 0.5)
        hit = counts > 0
        share, expected_share = counts[hit] / counts.sum(), expected[hit] / expected.sum()
        kl = float(np.sum(share * np.log(share / expected_share)))
        return {"modes": float(hit.sum()), "mode_kl": max(kl, 0.0)}


class Histogram(Statistic):
    """Number of images of each class, by their largest logit.

    Args:
        size: Int. Number of classes.
        name: String. Name of the metric.
    """

    def __init__(self, size, name=None):
        super().__init__(name=name)
        self.size = size
        self.count = self.add_variable((), "zeros", dtype="int32", name="count")
        self.counts = self.add_variable((size,), "zeros", dtype=PRECISE, name="counts")

    def update_state(self, logits):
        self.count.assign_add(ops.cast(ops.shape(logits)[0], "int32"))
        # argmax hides logits that are not finite. Adding 0 * logits turns the result into NaN, which is refused later.
        unknown = 0 * ops.sum(logits)
        classes = ops.one_hot(ops.argmax(logits, axis=-1), self.size, dtype=PRECISE)
        self.counts.assign_add(ops.sum(classes, axis=0) + ops.cast(unknown, PRECISE))

    def result(self):
        return (to_numpy(self.counts),)
