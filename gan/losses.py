"""Adversarial losses: what the generator and the discriminator minimize, given the discriminator's logits.

Pass a loss to `GAN.compile` by name or as an object. To add a loss, subclass `AdversarialLoss`:

```python
@keras.saving.register_keras_serializable(package="my")
class SoftHinge(gan.losses.AdversarialLoss):
    def generator(self, real_logits, fake_logits):
        return -ops.mean(fake_logits)

    def discriminator(self, real_logits, fake_logits):
        return ops.mean(ops.softplus(1 - real_logits)) + ops.mean(ops.softplus(1 + fake_logits))


model = gan.GAN(gan.build_generator(), gan.build_discriminator())
model.compile("adam", "adam", loss=SoftHinge())
```
"""

import keras
from keras import ops


class AdversarialLoss:
    """Base class of the losses that a generator and a discriminator play against each other.

    A subclass implements `generator` and `discriminator` and, if it has constructor arguments, `get_config`. Register
    it with `keras.saving.register_keras_serializable` so that it is saved with the model.

    Logits have the shape `(batch, 1)`. A discriminator that rates patches (PatchGAN) returns more logits for each
    image, for example `(batch, height, width, 1)`. Every loss in this module is a mean over all logits.

    Example:

    ```python
    @keras.saving.register_keras_serializable(package="my")
    class Scaled(gan.losses.Hinge):
        def __init__(self, factor=0.5):
            self.factor = factor

        def generator(self, real_logits, fake_logits):
            return self.factor * super().generator(real_logits, fake_logits)

        def get_config(self):
            return {"factor": self.factor}


    model = gan.GAN(gan.build_generator(), gan.build_discriminator())
    model.compile("adam", "adam", loss=Scaled())
    ```
    """

    def generator(self, real_logits, fake_logits):
        """Returns the generator's loss.

        Args:
            real_logits: Float tensor `(batch, ..., 1)`. The discriminator's logits for real images.
            fake_logits: Float tensor of the same shape. The discriminator's logits for generated images.

        Returns:
            A float scalar.
        """
        raise NotImplementedError(f"{type(self).__name__} must implement generator(real_logits, fake_logits).")

    def discriminator(self, real_logits, fake_logits):
        """Returns the discriminator's loss.

        Args:
            real_logits: Float tensor `(batch, ..., 1)`. The discriminator's logits for real images.
            fake_logits: Float tensor of the same shape. The discriminator's logits for generated images.

        Returns:
            A float scalar.
        """
        raise NotImplementedError(f"{type(self).__name__} must implement discriminator(real_logits, fake_logits).")

    def margin(self, real_logits, fake_logits):
        """Returns how sure the discriminator is of each real image: above 0 if it tells it from generated images.

        `gan.augmentation.AdaptiveAugment` measures overfitting by its sign. Override it for a loss in which a logit of
        0 does not mean an undecided discriminator.

        Args:
            real_logits: Float tensor `(batch, ..., 1)`. The discriminator's logits for real images.
            fake_logits: Float tensor of the same shape. The discriminator's logits for generated images.

        Returns:
            A float tensor of the same shape: the real logits, unless a subclass returns something else.
        """
        return real_logits

    def get_config(self):
        """Returns the constructor arguments as a dict."""
        return {}

    @classmethod
    def from_config(cls, config):
        """Creates the loss from the dict that `get_config` returns."""
        return cls(**config)


@keras.saving.register_keras_serializable(package="gan")
class BinaryCrossentropy(AdversarialLoss):
    """Binary cross-entropy with the non-saturating generator loss. The default of `GAN.compile`.

    - Generator: `mean(softplus(-fake))`
    - Discriminator: `mean(softplus(-real)) + mean(softplus(fake))`

    Source: Goodfellow et al. 2014, arXiv 1406.2661. One-sided label smoothing: Salimans et al. 2016, arXiv 1606.03498.

    Args:
        label_smoothing: Float in [0, 1). The discriminator's target for real images is `1 - label_smoothing`. The
            other targets do not change: 0 for generated images in the discriminator's loss, 1 in the generator's.
            Defaults to 0.

    Raises:
        ValueError: `label_smoothing` is outside [0, 1).

    Example:

    >>> loss = gan.losses.BinaryCrossentropy(label_smoothing=0.1)
    >>> round(float(loss.generator(None, ops.zeros((4, 1)))), 4)  # log 2
    0.6931
    """

    def __init__(self, label_smoothing=0.0):
        if not 0 <= label_smoothing < 1:
            raise ValueError(f"label_smoothing must be in [0, 1), not {label_smoothing}.")
        self.label_smoothing = label_smoothing

    def generator(self, real_logits, fake_logits):
        return ops.mean(ops.softplus(-fake_logits))

    def discriminator(self, real_logits, fake_logits):
        real_loss = ops.softplus(-real_logits) + self.label_smoothing * real_logits
        return ops.mean(real_loss) + ops.mean(ops.softplus(fake_logits))

    def get_config(self):
        return {"label_smoothing": self.label_smoothing}


@keras.saving.register_keras_serializable(package="gan")
class LeastSquares(AdversarialLoss):
    """Least-squares loss: the discriminator regresses real logits to 1 and fake logits to 0.

    - Generator: `0.5 * mean((fake - 1)^2)`
    - Discriminator: `0.5 * mean((real - 1)^2) + 0.5 * mean(fake^2)`

    Source: Mao et al. 2017 (LSGAN), arXiv 1611.04076, with `a = 0` and `b = c = 1`.

    Example:

    >>> float(gan.losses.LeastSquares().generator(None, ops.zeros((4, 1))))
    0.5
    """

    def generator(self, real_logits, fake_logits):
        return 0.5 * ops.mean((fake_logits - 1) ** 2)

    def discriminator(self, real_logits, fake_logits):
        return 0.5 * ops.mean((real_logits - 1) ** 2) + 0.5 * ops.mean(fake_logits**2)

    def margin(self, real_logits, fake_logits):
        return real_logits - 0.5


@keras.saving.register_keras_serializable(package="gan")
class Hinge(AdversarialLoss):
    """Hinge loss: the discriminator ignores real logits above 1 and fake logits below -1.

    - Generator: `-mean(fake)`
    - Discriminator: `mean(relu(1 - real)) + mean(relu(1 + fake))`

    Source: Lim and Ye 2017, "Geometric GAN", arXiv 1705.02894.

    Example:

    >>> float(gan.losses.Hinge().discriminator(ops.ones((4, 1)), -ops.ones((4, 1))))
    0.0
    """

    def generator(self, real_logits, fake_logits):
        return -ops.mean(fake_logits)

    def discriminator(self, real_logits, fake_logits):
        return ops.mean(ops.relu(1 - real_logits)) + ops.mean(ops.relu(1 + fake_logits))


@keras.saving.register_keras_serializable(package="gan")
class Wasserstein(AdversarialLoss):
    """Wasserstein loss: the difference between the mean logits of real and generated images.

    It needs a Lipschitz-continuous discriminator. Combine it with `gan.regularizers.GradientPenalty` or spectral
    normalization.

    - Generator: `-mean(fake)`
    - Discriminator: `mean(fake) - mean(real)`

    Source: Arjovsky et al. 2017, arXiv 1701.07875.

    Example:

    >>> float(gan.losses.Wasserstein().discriminator(ops.ones((4, 1)), ops.zeros((4, 1))))
    -1.0
    """

    def generator(self, real_logits, fake_logits):
        return -ops.mean(fake_logits)

    def discriminator(self, real_logits, fake_logits):
        return ops.mean(fake_logits) - ops.mean(real_logits)

    def margin(self, real_logits, fake_logits):
        # Only differences of logits matter.
        return real_logits - fake_logits


@keras.saving.register_keras_serializable(package="gan")
class Relativistic(AdversarialLoss):
    """Relativistic pairing loss: compares each real logit with the fake logit at the same position in the batch.

    - Generator: `mean(softplus(real - fake))`
    - Discriminator: `mean(softplus(fake - real))`

    Combine it with `gan.regularizers.R1` and `R2`, as R3GAN does.

    Sources: Jolicoeur-Martineau 2018, arXiv 1807.00734. R3GAN: Huang et al. 2025, arXiv 2501.05441.

    Example:

    >>> logits = ops.zeros((4, 1))
    >>> round(float(gan.losses.Relativistic().generator(logits, logits)), 4)  # log 2
    0.6931
    """

    def generator(self, real_logits, fake_logits):
        return ops.mean(ops.softplus(real_logits - fake_logits))

    def discriminator(self, real_logits, fake_logits):
        return ops.mean(ops.softplus(fake_logits - real_logits))

    def margin(self, real_logits, fake_logits):
        # Only differences of logits matter.
        return real_logits - fake_logits


_LOSSES = {
    "binary_crossentropy": BinaryCrossentropy,
    "hinge": Hinge,
    "least_squares": LeastSquares,
    "relativistic": Relativistic,
    "wasserstein": Wasserstein,
}


def get(identifier):
    """Returns the adversarial loss for an identifier, as `keras.losses.get` does for Keras losses.

    Args:
        identifier: An `AdversarialLoss`; one of the names `"binary_crossentropy"`, `"hinge"`, `"least_squares"`,
            `"relativistic"` and `"wasserstein"`; or a config from `keras.saving.serialize_keras_object`.

    Returns:
        An `AdversarialLoss`.

    Raises:
        ValueError: The name is unknown, or `identifier` is none of these.

    Example:

    >>> type(gan.losses.get("hinge")).__name__
    'Hinge'
    """
    if isinstance(identifier, dict):
        identifier = keras.saving.deserialize_keras_object(identifier)
    elif isinstance(identifier, str) and identifier in _LOSSES:
        identifier = _LOSSES[identifier]()
    if not isinstance(identifier, AdversarialLoss):
        raise ValueError(
            f"loss must be a gan.losses.AdversarialLoss, its config, or one of the names {', '.join(sorted(_LOSSES))}; "
            f"got {identifier!r}."
        )
    return identifier
