"""Class agreement: whether generated images show the class that was requested."""

import keras
from keras import ops

from gan.metrics.base import PRECISE, FeatureMetric, Statistic, to_numpy


@keras.saving.register_keras_serializable(package="gan")
class ClassAgreement(FeatureMetric):
    """Fraction of generated images that a classifier assigns to the requested class, logged as `agreement`.

    For conditional GANs. It lies in [0, 1]; higher is better. The classifier's accuracy on real images is what a
    perfect generator reaches.

    Source: Odena et al. 2017, arXiv 1610.09585.

    Args:
        extractor: Name or `keras.Model`, as in `FeatureMetric`. It must return `(features, logits)`. Defaults to
            `"digits"`.
        name: String. Name in the logs. Defaults to `"agreement"`.

    Raises:
        ValueError: In `build`, if the extractor returns no logits.

    Example:

    ```python
    model = gan.GAN(
        gan.build_generator(widths=(64,), num_classes=10),
        gan.build_discriminator(widths=(64,), num_classes=10),
        num_classes=10,
    )
    model.compile("adam", "adam", metrics=[gan.metrics.ClassAgreement()])
    test = gan.datasets.load("mnist5k", split="test", labels=True)
    model.evaluate(test, return_dict=True)["agreement"]
    ```
    """

    output = "logits"

    def __init__(self, extractor="digits", name="agreement"):
        super().__init__(extractor, name)

    def make_statistic(self, size, name):
        return Hits(name)

    def update_state(self, real_images, fake_images, labels):
        """Adds a batch of real and of generated images.

        Args:
            real_images: Float array `(batch, height, width, channels)` in [-1, 1].
            fake_images: Float array of the same shape, generated for the same labels.
            labels: Int array `(batch,)`. Labels of both.
        """
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


class Hits(Statistic):
    """Fraction of images whose largest logit is that of their label."""

    def __init__(self, name=None):
        super().__init__(name=name)
        self.count = self.add_variable((), "zeros", dtype="int32", name="count")
        self.hits = self.add_variable((), "zeros", dtype=PRECISE, name="hits")

    def update_state(self, outputs):
        logits, labels = outputs["logits"], outputs["labels"]
        self.count.assign_add(ops.cast(ops.shape(logits)[0], "int32"))
        # argmax hides logits that are not finite. Adding 0 * logits turns the result into NaN, which is refused later.
        unknown = 0 * ops.sum(logits)
        right = ops.cast(ops.argmax(logits, axis=-1), "int32") == ops.cast(labels, "int32")
        self.hits.assign_add(ops.cast(ops.sum(ops.cast(right, "float32")) + unknown, PRECISE))

    def result(self):
        return (to_numpy(self.hits) / max(to_numpy(self.count), 1),)
