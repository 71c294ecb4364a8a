"""Augmentation with a probability that follows the discriminator's overfitting."""

import numbers

import keras
from keras import ops

from gan.augmentation import transforms

# Above it, a generator may learn the augmentation itself (Karras et al. 2020).
HIGHEST_PROBABILITY = 0.8
# Over about 4 batches, as in the paper.
SMOOTHING = 0.25


@keras.saving.register_keras_serializable(package="gan")
class AdaptiveAugment(keras.layers.Layer):
    """Augmentation with a probability that follows the overfitting of the discriminator (ADA).

    A discriminator that overfits is sure of the real images: the mean sign of its logits on them, `overfitting`, is
    near 1. In each step, `probability` rises if `overfitting` is above a target, and falls if it is below. It starts at
    0 and stays below 0.8, since a generator may learn changes that are more probable. `fit` logs both numbers as
    `overfitting` and `augment_probability`, and they are saved with the model. For losses in which only the difference
    of two logits matters (relativistic, Wasserstein), the sign is that of real minus generated logits.

    Each change is made to an image with this probability, independently of the others. The names are those of
    `DiffAugment`, and:

    - `"flip"`: mirrors the image from left to right, or leaves it, at random.
    - `"rotation"`: rotates the image by 0, 90, 180 or 270 degrees. For square images.

    Source: Karras et al. 2020, arXiv 2006.06676.

    Args:
        names: List of names, in the order in which they are applied.
        target: Float in (0, 1). Defaults to 0.6.
        ramp: Int. Number of real images in which `probability` can rise by 1. Defaults to 500,000, which are 7,800
            steps with batches of 64. Use a smaller number for shorter training.
        **kwargs: Further arguments of `keras.layers.Layer`, such as `name`.

    Attributes:
        probability: A `keras.Variable`, the probability of each change.
        overfitting: A `keras.Variable`, the mean sign over the last batches.

    Raises:
        ValueError: The list is empty or contains an unknown name, `target` is not in (0, 1), or `ramp` is not a
            positive integer.

    Example:

    ```python
    model = gan.GAN(gan.build_conv_generator(), gan.build_conv_discriminator())
    augmentation = gan.augmentation.AdaptiveAugment(["translation", "flip"], ramp=100_000)
    model.compile("adam", "adam", augmentation=augmentation)
    ```
    """

    def __init__(self, names, target=0.6, ramp=500_000, **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs})
        if not isinstance(target, numbers.Real) or not 0 < target < 1:
            raise ValueError(f"target must be a number between 0 and 1, not {target!r}.")
        if not isinstance(ramp, numbers.Integral) or ramp < 1:
            raise ValueError(f"ramp must be a positive integer, not {ramp!r}.")
        self.names = transforms.check_names(names)
        self.target = target
        self.ramp = ramp
        self.trainable = False
        for name in ("probability", "overfitting"):
            # Each device proposes a value, and all of them take the mean.
            weight = self.add_weight(initializer="zeros", trainable=False, aggregation="mean", name=name)
            setattr(self, name, weight)
        self.built = True

    def check(self, image_shape):
        """Checks that images of a shape can be augmented, as `DiffAugment.check` does."""
        transforms.check_shape(self.names, image_shape)

    def call(self, images, seed):
        self.check(images.shape[1:])
        probability = ops.convert_to_tensor(self.probability)
        for name in self.names:
            is_chosen = transforms.uniform(images, 0.0, 1.0, seed) < probability
            images = ops.where(is_chosen, transforms.TRANSFORMS[name](images, seed), images)
        return images

    def adapt(self, overfitting, count):
        """Moves `probability` after a step.

        Args:
            overfitting: Float scalar, the mean sign in this step.
            count: Int scalar, number of real images in this step.
        """
        self.overfitting.assign(self.overfitting + SMOOTHING * (overfitting - self.overfitting))
        step = ops.sign(self.overfitting - self.target) * ops.cast(count, "float32") / self.ramp
        self.probability.assign(ops.clip(self.probability + step, 0.0, HIGHEST_PROBABILITY))

    def get_config(self):
        return {**super().get_config(), "names": self.names, "target": self.target, "ramp": self.ramp}
