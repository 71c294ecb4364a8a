"""What generator and discriminator minimise, given the discriminator's logits.

Another adversarial loss is one more subclass of `AdversarialLoss`, here or in anyone's code:

```python
@keras.saving.register_keras_serializable(package="my")
class LeastSquares(gan.losses.AdversarialLoss):
    def generator(self, real_logits, fake_logits):
        return ops.mean((fake_logits - 1) ** 2)

    def discriminator(self, real_logits, fake_logits):
        return ops.mean((real_logits - 1) ** 2) + ops.mean(fake_logits**2)


model.compile("adam", "adam", loss=LeastSquares())
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


_LOSSES = {"binary_crossentropy": BinaryCrossentropy}


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
