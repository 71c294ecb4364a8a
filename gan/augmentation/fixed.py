"""Augmentation of all images."""

import keras

from gan.augmentation import transforms
from gan.text import format_names


@keras.saving.register_keras_serializable(package="gan")
class DiffAugment:
    """Differentiable augmentation of real and generated images.

    Both kinds of images are augmented in the same way, and the generator's gradient passes through the augmentation.
    The generator therefore learns to generate images without augmentation. Each image is augmented independently:

    - `"translation"`: shifts the image by up to 1/8 of its height and width. Edge pixels fill the gap.
    - `"cutout"`: sets a rectangle of half the height and half the width to 0, at a random position.
    - `"scaling"`: enlarges or shrinks the image around its center, by a factor whose logarithm to base 2 is normal with
      a standard deviation of 0.2. Edge pixels fill the gap.
    - `"brightness"`: adds one random number from [-0.5, 0.5] to all values. Do not use it if all images share the same
      background, as digits do.
    - `"contrast"`: multiplies the distance of all values from their mean by one random number from [0.5, 1.5].
    - `"saturation"`: multiplies the distance of all colors from gray by one random number from [0, 2]. For RGB images.

    `AdaptiveAugment` has two more, which the generator would learn if they changed all images.

    Source: Zhao et al. 2020, arXiv 2006.10738.

    Args:
        names: List of these names, in the order in which they are applied.

    Raises:
        ValueError: The list is empty or contains an unknown name.

    Example:

    ```python
    model = gan.GAN(gan.build_generator(), gan.build_discriminator())
    model.compile("adam", "adam", augmentation=["translation", "cutout"])
    ```
    """

    def __init__(self, names):
        self.names = transforms.check_names(names)
        if ambiguous := [name for name in names if name in transforms.AMBIGUOUS]:
            raise ValueError(
                f"the augmentation {format_names(ambiguous)} needs gan.augmentation.AdaptiveAugment "
                "(--augmentation-target): if it changed all images, the generator would learn it."
            )

    def check(self, image_shape):
        """Checks that images of a shape can be augmented. Call it before training starts.

        Args:
            image_shape: Tuple, the shape of one image without the batch.

        Raises:
            ValueError: The shape is not `(height, width, channels)`, or does not suit one of the names.
        """
        transforms.check_shape(self.names, image_shape)

    def __call__(self, images, seed):
        """Augments a batch of images.

        Args:
            images: Float tensor `(batch, height, width, channels)`.
            seed: A `keras.random.SeedGenerator`.

        Returns:
            A float tensor of the same shape.

        Raises:
            ValueError: The images have another shape.
        """
        self.check(images.shape[1:])
        for name in self.names:
            images = transforms.TRANSFORMS[name](images, seed)
        return images

    def get_config(self):
        """Returns the constructor arguments as a dict."""
        return {"names": self.names}

    @classmethod
    def from_config(cls, config):
        """Creates the augmentation from the dict that `get_config` returns."""
        return cls(**config)
