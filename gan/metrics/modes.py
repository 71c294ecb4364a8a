"""Classes that generated images fall into."""

import keras
import numpy as np
from keras import ops

from gan.metrics.base import FeatureMetric


@keras.saving.register_keras_serializable(package="gan")
class ModeCoverage(FeatureMetric):
    """How many classes generated images fall into, `modes`, and how unlike the real ones' shares theirs are, `mode_kl`.

    The extractor's logits say the class of each image, of real ones too; the KL divergence is that of the generated
    images' histogram of classes from the real ones', in nats (as Metz et al. 2016, arXiv 1611.02163, did for Stacked
    MNIST). Where a class has no real image, half an image stands in for it, to keep the divergence finite.

    Args:
        extractor: As in `FeatureMetric`, with `(features, logits)` for outputs.
        name: Default `"mode_coverage"`; the figures are `modes`, a number of classes, and `mode_kl`, 0 at best.

    Example:

    ```python
    model.compile("adam", "adam", metrics=[gan.metrics.ModeCoverage()])
    model.evaluate(gan.datasets.load("mnist5k", split="test"), return_dict=True)["modes"]
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


class Histogram(keras.metrics.Metric):
    """How often each class has the largest logit.

    Args:
        size: Int, number of classes.
        name: String.
    """

    def __init__(self, size, name=None):
        super().__init__(name=name)
        self.size = size
        self.count = self.add_variable((), "zeros", dtype="int64", name="count")
        self.counts = self.add_variable((size,), "zeros", dtype="float64", name="counts")

    def update_state(self, logits):
        self.count.assign_add(ops.cast(ops.shape(logits)[0], "int64"))
        # Of logits that are not all finite none is the largest; they make the histogram no number either.
        unknown = 0 * ops.sum(logits)
        classes = ops.one_hot(ops.argmax(logits, axis=-1), self.size, dtype="float64")
        self.counts.assign_add(ops.sum(classes, axis=0) + ops.cast(unknown, "float64"))

    def result(self):
        return (ops.convert_to_numpy(self.counts),)
