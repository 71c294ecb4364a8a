"""Whether generated images are of the class that was asked for."""

import keras
from keras import ops

from gan.metrics.base import FeatureMetric


@keras.saving.register_keras_serializable(package="gan")
class ClassAgreement(FeatureMetric):
    """How often a classifier finds the class in a generated image that it was to be of: the figure `agreement`.

    The same of real images is the classifier's accuracy, as much as a perfect generator reaches (a conditional GAN was
    measured so by Odena et al. 2017, arXiv 1610.09585).

    Args:
        extractor: As in `FeatureMetric`, with `(features, logits)` for outputs.
        name: Default `"agreement"`.

    Example:

    ```python
    model.compile("adam", "adam", metrics=[gan.metrics.ClassAgreement()])
    model.evaluate(gan.datasets.load("mnist5k", split="test", labels=True), return_dict=True)["agreement"]
    ```
    """

    output = "logits"

    def __init__(self, extractor="digits", name="agreement"):
        super().__init__(extractor, name)

    def make_statistic(self, size, name):
        return Hits(name)

    def update_state(self, real_images, fake_images, labels):
        """Takes real images of these labels, an int array `(batch,)`, and images that were to be of the same."""
        if self.extract is None:
            self.build(real_images.shape[1:])
        self.update_real({**self.extract(real_images), "labels": labels})
        self.update_fake({**self.extract(fake_images), "labels": labels})

    def update_real(self, outputs):
        self.real.update_state(outputs)

    def update_fake(self, outputs):
        self.fake.update_state(outputs)

    def compare(self, real, fake):
        (share,) = fake
        return float(share)


class Hits(keras.metrics.Metric):
    """The share of images whose largest logit is that of their label."""

    def __init__(self, name=None):
        super().__init__(name=name)
        self.count = self.add_variable((), "zeros", dtype="int64", name="count")
        self.hits = self.add_variable((), "zeros", dtype="float64", name="hits")

    def update_state(self, outputs):
        logits, labels = outputs["logits"], outputs["labels"]
        self.count.assign_add(ops.cast(ops.shape(logits)[0], "int64"))
        # Of logits that are not all finite none is the largest; they make the share no number either.
        unknown = 0 * ops.sum(logits)
        right = ops.cast(ops.argmax(logits, axis=-1), "int32") == ops.cast(labels, "int32")
        self.hits.assign_add(ops.cast(ops.sum(ops.cast(right, "float32")) + unknown, "float64"))

    def result(self):
        return (ops.convert_to_numpy(self.hits) / max(int(self.count), 1),)
