"""What keeps a discriminator smooth: penalties on the gradient of its logits with respect to the images.

`GAN` takes the gradients and hands them over, so that a regularizer is a formula; another one is one more subclass of
`GradientRegularizer`, here or in anyone's code.
"""

import numbers

import keras
from keras import ops


class GradientRegularizer:
    """A penalty on the discriminator's gradient, which is added to its loss.

    A subclass says with `points` at which images the gradient is taken, and with `penalty` what it costs.

    Args:
        weight: Float above 0, what the penalty is multiplied with. Default 10.
        interval: Int, the penalty is taken every so many steps and made so many times as large, which costs less and
            comes to the same (lazy regularization; Karras et al. 2019, arXiv 1912.04958). Default 1.

    Raises:
        ValueError: `weight` is not above 0, or `interval` no positive whole number.
    """

    def __init__(self, weight=10.0, interval=1):
        if not isinstance(weight, numbers.Real) or not weight > 0:
            raise ValueError(f"weight must be above 0, not {weight!r}.")
        if not isinstance(interval, numbers.Integral) or interval < 1:
            raise ValueError(f"interval must be a positive whole number, not {interval!r}.")
        self.weight = weight
        self.interval = interval

    def points(self, real_images, fake_images, seed):
        """The images to take the gradient at.

        Args:
            real_images: Float tensor `(batch, height, width, channels)`.
            fake_images: Float tensor of the same shape.
            seed: A `keras.random.SeedGenerator`.

        Returns:
            A float tensor of the same shape.
        """
        raise NotImplementedError(f"{type(self).__name__} has no points.")

    def penalty(self, gradients):
        """What the gradients cost, before `weight`.

        Args:
            gradients: Float tensor `(batch, height, width, channels)`.

        Returns:
            A float scalar.
        """
        raise NotImplementedError(f"{type(self).__name__} has no penalty.")

    def get_config(self):
        return {"weight": self.weight, "interval": self.interval}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


@keras.saving.register_keras_serializable(package="gan")
class R1(GradientRegularizer):
    """Half the squared norm of the gradient at real images (Mescheder et al. 2018, arXiv 1801.04406).

    Args:
        weight: Float, the paper's gamma. Default 10.
        interval: As in `GradientRegularizer`. Default 1.

    Example:

    ```python
    model.compile("adam", "adam", regularizers=[gan.regularizers.R1(weight=2, interval=4)])
    ```
    """

    def points(self, real_images, fake_images, seed):
        return real_images

    def penalty(self, gradients):
        return 0.5 * ops.mean(_squared_norms(gradients))


@keras.saving.register_keras_serializable(package="gan")
class R2(R1):
    """Half the squared norm of the gradient at generated images (Mescheder et al. 2018, arXiv 1801.04406).

    Args:
        weight: Float, the paper's gamma. Default 10.
        interval: As in `GradientRegularizer`. Default 1.

    Example:

    ```python
    regularizers = [gan.regularizers.R1(weight=1), gan.regularizers.R2(weight=1)]
    model.compile("adam", "adam", loss="relativistic", regularizers=regularizers)
    ```
    """

    def points(self, real_images, fake_images, seed):
        return fake_images


@keras.saving.register_keras_serializable(package="gan")
class GradientPenalty(GradientRegularizer):
    """How far the norm of the gradient is from 1, squared, between real and generated images.

    The points lie at random on the lines between pairs (WGAN-GP; Gulrajani et al. 2017, arXiv 1704.00028).

    Args:
        weight: Float, the paper's lambda. Default 10.
        interval: As in `GradientRegularizer`. Default 1.

    Example:

    ```python
    model.compile("adam", "adam", loss="wasserstein", regularizers=[gan.regularizers.GradientPenalty()])
    ```
    """

    def points(self, real_images, fake_images, seed):
        place = keras.random.uniform((ops.shape(real_images)[0], 1, 1, 1), seed=seed)
        return fake_images + place * (real_images - fake_images)

    def penalty(self, gradients):
        # The root of 0 has no gradient.
        norms = ops.sqrt(ops.maximum(_squared_norms(gradients), 1e-12))
        return ops.mean((norms - 1) ** 2)


def _squared_norms(gradients):
    return ops.sum(gradients**2, axis=(1, 2, 3))
