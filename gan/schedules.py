"""Schedules: numbers that change over training."""

import math
import numbers

import keras
from keras import ops

__all__ = ["Adam", "Cosine"]


@keras.saving.register_keras_serializable(package="gan")
class Cosine(keras.optimizers.schedules.LearningRateSchedule):
    """Moves from one number to another along half a cosine wave, and stays there.

    It schedules any number that may change over training: the learning rate of every Keras optimizer, `beta_2` of
    `gan.schedules.Adam`, the `weight` of `gan.regularizers` and the `averaging` of `gan.GAN`. They all count updates,
    and updates are saved: a training that continues from a file continues its schedules too.

    Source: Loshchilov and Hutter 2017, arXiv 1608.03983, without restarts; Huang et al. 2025 (R3GAN, arXiv 2501.05441)
    move all four numbers along it.

    Args:
        start: Float, finite. The number before the first update.
        end: Float, finite. The number after `steps` updates.
        steps: Int, at least 1. Number of updates.

    Raises:
        ValueError: `start` or `end` is not a finite number, or `steps` is not a positive integer.

    Example:

    ```python
    steps = 5_000
    model = gan.GAN(gan.build_conv_generator(), gan.build_conv_discriminator(), averaging=0.999)
    model.compile(
        keras.optimizers.Adam(gan.schedules.Cosine(2e-3, 2e-4, steps), beta_1=0.0),
        gan.schedules.Adam(2e-3, beta_1=0.0, beta_2=gan.schedules.Cosine(0.9, 0.99, steps)),
        regularizers=[gan.regularizers.R1(weight=gan.schedules.Cosine(2.0, 0.2, steps))],
    )
    ```
    """

    def __init__(self, start, end, steps):
        for name, value in (("start", start), ("end", end)):
            if not isinstance(value, numbers.Real) or not math.isfinite(value):
                raise ValueError(f"{name} must be a finite number, not {value!r}.")
        if not isinstance(steps, numbers.Integral) or steps < 1:
            raise ValueError(f"steps must be a positive integer, not {steps!r}.")
        self.start = start
        self.end = end
        self.steps = steps

    def __call__(self, step):
        share = ops.minimum(ops.cast(step, "float32") / self.steps, 1.0)
        return self.end + (self.start - self.end) * 0.5 * (1 + ops.cos(math.pi * share))

    def get_config(self):
        return {"start": self.start, "end": self.end, "steps": self.steps}


@keras.saving.register_keras_serializable(package="gan")
class Adam(keras.optimizers.Adam):
    """`keras.optimizers.Adam`, whose `beta_2` may be a schedule.

    A small `beta_2` forgets old gradients fast, which suits the beginning of a training, and a large one is more
    stable.

    Source: Kingma and Ba 2015, arXiv 1412.6980; Huang et al. 2025 (R3GAN), arXiv 2501.05441, for the schedule.

    Args:
        learning_rate: Float, or a schedule. Defaults to 0.001.
        beta_1: Float in [0, 1). Defaults to 0.9.
        beta_2: Float in [0, 1), or a schedule. Defaults to 0.999.
        **kwargs: Further arguments of `keras.optimizers.Adam`.

    Raises:
        ValueError: `beta_2` is neither a schedule nor in [0, 1).

    Example:

    >>> optimizer = gan.schedules.Adam(beta_2=gan.schedules.Cosine(0.9, 0.99, steps=100))
    >>> round(float(optimizer.beta_2), 3)
    0.9
    """

    def __init__(self, learning_rate=0.001, beta_1=0.9, beta_2=0.999, **kwargs):
        super().__init__(learning_rate, beta_1, beta_2, **kwargs)

    @property
    def beta_2(self):
        return at(self._beta_2, self.iterations)

    @beta_2.setter
    def beta_2(self, beta_2):
        if not all_within(beta_2, 0, 1):
            raise ValueError(f"beta_2 must lie in [0, 1) or be a schedule that does, not {describe(beta_2)}.")
        self._beta_2 = beta_2

    def get_config(self):
        return {**super().get_config(), "beta_2": keras.saving.serialize_keras_object(self._beta_2)}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        beta_2 = keras.saving.deserialize_keras_object(config.get("beta_2", 0.999), custom_objects)
        return super().from_config({**config, "beta_2": beta_2}, custom_objects)


def is_schedule(number):
    """Whether a number is given as a schedule, a function of the number of updates."""
    return isinstance(number, keras.optimizers.schedules.LearningRateSchedule)


def all_within(number, least, limit):
    """Whether a number, or both ends of a `Cosine`, are at least `least` and below `limit`. Trusts other schedules."""
    if is_schedule(number) and not isinstance(number, Cosine):
        return True
    ends = (number.start, number.end) if isinstance(number, Cosine) else (number,)
    return all(isinstance(end, numbers.Real) and least <= end < limit for end in ends)


def describe(number):
    """Formats a number or a schedule for a message."""
    return f"{number.start} to {number.end}" if isinstance(number, Cosine) else repr(number)


def at(number, step):
    """Returns a number after so many updates, whether it is a schedule or not."""
    return number(step) if is_schedule(number) else number
