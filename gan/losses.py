"""What generator and discriminator minimise, given the discriminator's logits.

Another adversarial loss is one more subclass of `AdversarialLoss`, here or in anyone's code:

```python
@keras.saving.register_keras_serializable(package="my")
class SoftHinge(gan.losses.AdversarialLoss):
    def generator(self, real_logits, fake_logits):
        return -ops.mean(fake_logits)

    def discriminator(self, real_logits, fake_logits):
        return ops.mean(ops.softplus(1 - real_logits)) + ops.mean(ops.softplus(1 + fake_logits))


model.compile("adam", "adam", loss=SoftHinge())
```
"""

import keras
from keras import ops


class AdversarialLoss:
    """The pair of losses that a generator and a discriminator play against each other.

    A subclass writes the two formulas and, where it has arguments, `get_config`; registered with
    `keras.saving.register_keras_serializable` it is saved with the model.
    """

    def generator(self, real_logits, fake_logits):
        """The generator's loss.

        Args:
            real_logits: Float tensor `(batch, 1)`, the discriminator's logits for real images.
            fake_logits: Float tensor `(batch, 1)`, its logits for generated images.

        Returns:
            A float scalar.
        """
        raise NotImplementedError(f"{type(self).__name__} has no generator loss.")

    def discriminator(self, real_logits, fake_logits):
        """The discriminator's loss. Arguments and result are those of `generator`."""
        raise NotImplementedError(f"{type(self).__name__} has no discriminator loss.")

    def get_config(self):
        return {}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


@keras.saving.register_keras_serializable(package="gan")
class BinaryCrossentropy(AdversarialLoss):
    """Binary cross-entropy from logits with the non-saturating generator loss.

    Goodfellow et al. 2014, arXiv 1406.2661; one-sided label smoothing: Salimans et al. 2016, arXiv 1606.03498.
    Both formulas use `BCE(1, logits) = softplus(-logits)` and `BCE(0, logits) = softplus(logits)`.

    Args:
        label_smoothing: Float in [0, 1), default 0. Real images get the label `1 - label_smoothing`; generated ones
            keep 0, and the generator aims at 1.

    Example:

    >>> loss = gan.losses.BinaryCrossentropy(label_smoothing=0.1)
    >>> loss.generator(None, keras.ops.zeros((4, 1)))  # log 2
    """

    def __init__(self, label_smoothing=0.0):
        if not 0 <= label_smoothing < 1:
            raise ValueError(f"label_smoothing must lie in [0, 1), not {label_smoothing}.")
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
    """Least squares: real logits are drawn to 1 and generated ones to 0, and by the generator to 1.

    Mao et al. 2017, arXiv 1611.04076, with `a = 0` and `b = c = 1`.

    Example:

    >>> gan.losses.LeastSquares().generator(None, keras.ops.zeros((4, 1)))  # 0.5
    """

    def generator(self, real_logits, fake_logits):
        return 0.5 * ops.mean((fake_logits - 1) ** 2)

    def discriminator(self, real_logits, fake_logits):
        return 0.5 * ops.mean((real_logits - 1) ** 2) + 0.5 * ops.mean(fake_logits**2)


@keras.saving.register_keras_serializable(package="gan")
class Hinge(AdversarialLoss):
    """Hinge: the discriminator cares for logits within its margin of 1 only.

    Lim and Ye 2017, "Geometric GAN", arXiv 1705.02894.

    Example:

    >>> gan.losses.Hinge().discriminator(keras.ops.ones((4, 1)), -keras.ops.ones((4, 1)))  # 0
    """

    def generator(self, real_logits, fake_logits):
        return -ops.mean(fake_logits)

    def discriminator(self, real_logits, fake_logits):
        return ops.mean(ops.relu(1 - real_logits)) + ops.mean(ops.relu(1 + fake_logits))


@keras.saving.register_keras_serializable(package="gan")
class Wasserstein(AdversarialLoss):
    """Wasserstein: the difference of the mean logits, of a discriminator that something has to keep Lipschitz.

    Arjovsky et al. 2017, arXiv 1701.07875.

    Example:

    >>> gan.losses.Wasserstein().discriminator(keras.ops.ones((4, 1)), keras.ops.zeros((4, 1)))  # -1
    """

    def generator(self, real_logits, fake_logits):
        return -ops.mean(fake_logits)

    def discriminator(self, real_logits, fake_logits):
        return ops.mean(fake_logits) - ops.mean(real_logits)


@keras.saving.register_keras_serializable(package="gan")
class Relativistic(AdversarialLoss):
    """Relativistic pairing: each generated image is to look more real than the real one that it is paired with.

    Jolicoeur-Martineau 2018, arXiv 1807.00734; with R1 and R2 as in R3GAN, Huang et al. 2025, arXiv 2501.05441.

    Example:

    >>> gan.losses.Relativistic().generator(keras.ops.zeros((4, 1)), keras.ops.zeros((4, 1)))  # log 2
    """

    def generator(self, real_logits, fake_logits):
        return ops.mean(ops.softplus(real_logits - fake_logits))

    def discriminator(self, real_logits, fake_logits):
        return ops.mean(ops.softplus(fake_logits - real_logits))


_LOSSES = {
    "binary_crossentropy": BinaryCrossentropy,
    "hinge": Hinge,
    "least_squares": LeastSquares,
    "relativistic": Relativistic,
    "wasserstein": Wasserstein,
}


def get(identifier):
    """Finds an adversarial loss as `keras.losses.get` finds others.

    Args:
        identifier: An `AdversarialLoss`, its name such as `"binary_crossentropy"`, or a config from
            `keras.saving.serialize_keras_object`.

    Returns:
        An `AdversarialLoss`.

    Raises:
        ValueError: There is no loss of that name, or it is something else altogether.
    """
    if isinstance(identifier, dict):
        identifier = keras.saving.deserialize_keras_object(identifier)
    elif isinstance(identifier, str) and identifier in _LOSSES:
        identifier = _LOSSES[identifier]()
    if not isinstance(identifier, AdversarialLoss):
        raise ValueError(
            f"loss must be a gan.losses.AdversarialLoss, its config or one of {sorted(_LOSSES)}, not {identifier!r}."
        )
    return identifier
