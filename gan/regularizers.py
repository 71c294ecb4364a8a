"""Gradient regularizers: penalties on the gradient of the discriminator's logits with respect to its input images.

They keep the discriminator smooth, which stabilizes training. Pass them to `GAN.compile(regularizers=[...])`. To add
one, subclass `GradientRegularizer`: `GAN` computes the gradients, and the subclass is only a formula.
"""

import math
import numbers

import keras
from keras import ops

from gan import draws, schedules


class GradientRegularizer:
    """Base class of penalties on the discriminator's gradient, which are added to the discriminator's loss.

    A subclass implements `points` (the images at which the gradient is taken) and `penalty` (the penalty for these
    gradients). Images may have any rank: `(batch, ...)`.

    The gradient of an image is the gradient of the sum of its logits. A discriminator with one logit per image has
    only that one. With the `(batch, height, width, 1)` logits of a PatchGAN, the gradients of all patches add up, as
    in the usual implementations, so the penalty grows with the number of patches that see a pixel: choose a smaller
    `weight`.

    Args:
        weight: Float above 0, or a schedule such as `gan.schedules.Cosine`. Factor of the penalty. Defaults to 10.
        interval: Int, at least 1. The penalty is computed in every `interval`-th step and multiplied by `interval`,
            which saves time and keeps its average strength (lazy regularization; Karras et al. 2019, arXiv
            1912.04958). Defaults to 1.

    Raises:
        ValueError: `weight` is neither above 0 nor a schedule of at least 0, or `interval` is not a positive integer.

    Example:

    ```python
    @keras.saving.register_keras_serializable(package="my")
    class OneSidedPenalty(gan.regularizers.GradientPenalty):
        def penalty(self, gradients):
            norms = ops.sqrt(ops.sum(gradients**2, axis=(1, 2, 3)) + 1e-12)
            return ops.mean(ops.relu(norms - 1) ** 2)


    model = gan.GAN(gan.build_generator(), gan.build_discriminator())
    model.compile("adam", "adam", loss="wasserstein", regularizers=[OneSidedPenalty()])
    ```
    """

    def __init__(self, weight=10.0, interval=1):
        if not schedules.all_within(weight, 0, math.inf) or weight == 0:
            wrong = schedules.describe(weight)
            raise ValueError(f"weight must be above 0 or a schedule (gan.schedules) of at least 0, not {wrong}.")
        if not isinstance(interval, numbers.Integral) or interval < 1:
            raise ValueError(f"interval must be a positive integer, not {interval!r}.")
        self.weight = weight
        self.interval = interval

    def points(self, real_images, fake_images, seed):
        """Returns the images at which the gradient is taken.

        Args:
            real_images: Float tensor `(batch, ...)`.
            fake_images: Float tensor of the same shape.
            seed: A `keras.random.SeedGenerator`.

        Returns:
            A float tensor of the same shape.
        """
        raise NotImplementedError(f"{type(self).__name__} must implement points(real_images, fake_images, seed).")

    def penalty(self, gradients):
        """Returns the penalty for the gradients, before the factor `weight`.

        Args:
            gradients: Float tensor `(batch, ...)`: for each image, the gradient of its logits with respect to it.

        Returns:
            A float scalar.
        """
        raise NotImplementedError(f"{type(self).__name__} must implement penalty(gradients).")

    def get_config(self):
        """Returns the constructor arguments as a dict."""
        return {"weight": keras.saving.serialize_keras_object(self.weight), "interval": self.interval}

    @classmethod
    def from_config(cls, config):
        """Creates the regularizer from the dict that `get_config` returns."""
        return cls(**{name: keras.saving.deserialize_keras_object(value) for name, value in config.items()})


@keras.saving.register_keras_serializable(package="gan")
class R1(GradientRegularizer):
    """R1: half the squared norm of the gradient at real images, averaged over the batch.

    Source: Mescheder et al. 2018, arXiv 1801.04406.

    Args:
        weight: Float above 0, or a schedule. The paper's gamma. Defaults to 10.
        interval: Int. Number of steps from one computation of the penalty to the next. Defaults to 1.

    Example:

    ```python
    model = gan.GAN(gan.build_generator(), gan.build_discriminator())
    model.compile("adam", "adam", regularizers=[gan.regularizers.R1(weight=2, interval=4)])
    ```
    """

    def points(self, real_images, fake_images, seed):
        return real_images

    def penalty(self, gradients):
        return 0.5 * ops.mean(_squared_norms(gradients))


@keras.saving.register_keras_serializable(package="gan")
class R2(R1):
    """R2: half the squared norm of the gradient at generated images, averaged over the batch.

    Source: Mescheder et al. 2018, arXiv 1801.04406.

    Args:
        weight: Float above 0, or a schedule. The paper's gamma. Defaults to 10.
        interval: Int. Number of steps from one computation of the penalty to the next. Defaults to 1.

    Example:

    ```python
    model = gan.GAN(gan.build_generator(), gan.build_discriminator())
    regularizers = [gan.regularizers.R1(weight=1), gan.regularizers.R2(weight=1)]
    model.compile("adam", "adam", loss="relativistic", regularizers=regularizers)
    ```
    """

    def points(self, real_images, fake_images, seed):
        return fake_images


@keras.saving.register_keras_serializable(package="gan")
class GradientPenalty(GradientRegularizer):
    """Gradient penalty of WGAN-GP: pulls the norm of the gradient to 1 between real and generated images.

    The gradient is taken at a random point on the line between each real image and a generated one. The penalty is
    the mean of `(norm - 1)^2`.

    Source: Gulrajani et al. 2017, arXiv 1704.00028.

    Args:
        weight: Float above 0, or a schedule. The paper's lambda. Defaults to 10.
        interval: Int. Number of steps from one computation of the penalty to the next. Defaults to 1.

    Example:

    ```python
    model = gan.GAN(gan.build_generator(), gan.build_discriminator())
    model.compile("adam", "adam", loss="wasserstein", regularizers=[gan.regularizers.GradientPenalty()])
    ```
    """

    def points(self, real_images, fake_images, seed):
        sizes = [1] * (len(real_images.shape) - 1)

        def draw(count, seed):
            return draws.uniform((count, *sizes), 0, 1, seed)

        share = ops.cast(draws.for_batch(draw, ops.shape(real_images)[0], seed), real_images.dtype)
        return fake_images + share * (real_images - fake_images)

    def penalty(self, gradients):
        # The square root has no finite gradient at 0.
        norms = ops.sqrt(ops.maximum(_squared_norms(gradients), 1e-12))
        return ops.mean((norms - 1) ** 2)


def _squared_norms(gradients):
    return ops.sum(gradients**2, axis=tuple(range(1, len(gradients.shape))))
