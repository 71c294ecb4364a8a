"""The layers of residual networks."""

import math

import keras
from keras import initializers, ops

SLOPE = 0.2
# Keeps the variance through a convolution and the LeakyReLU that follows it.
GAIN = math.sqrt(2 / (1 + SLOPE**2))


@keras.saving.register_keras_serializable(package="gan")
class GroupedConv2D(keras.layers.Layer):
    """A 3x3 convolution whose groups of channels do not see each other.

    It computes what `keras.layers.Conv2D(groups=...)` with `padding="same"` computes, one group after another:
    TensorFlow has no fast grouped convolution on a CPU.

    Args:
        group_size: Int. Channels of a group. Must divide the channels of the inputs, which stay as many.
        kernel_initializer: As in `keras.layers.Conv2D`. Defaults to `"he_normal"`.
        **kwargs: Further arguments of `keras.layers.Layer`, such as `name` and `dtype`.

    Example:

    >>> gan.layers.GroupedConv2D(group_size=4).compute_output_shape((None, 8, 8, 16))
    (None, 8, 8, 16)
    """

    def __init__(self, group_size, kernel_initializer="he_normal", **kwargs):
        super().__init__(**kwargs)
        self.group_size = group_size
        self.kernel_initializer = initializers.get(kernel_initializer)

    def build(self, input_shape):
        channels = input_shape[-1]
        if channels % self.group_size:
            raise ValueError(
                f"group_size must divide the number of channels, {channels}, and {self.group_size} does not."
            )
        self.groups = channels // self.group_size
        self.kernel = self.add_weight(
            shape=(3, 3, self.group_size, channels), initializer=self.kernel_initializer, name="kernel"
        )
        self.bias = self.add_weight(shape=(channels,), initializer="zeros", name="bias")

    def call(self, inputs):
        groups = zip(ops.split(inputs, self.groups, axis=-1), ops.split(self.kernel, self.groups, axis=-1), strict=True)
        outputs = [ops.conv(images, kernel, padding="same") for images, kernel in groups]
        return ops.concatenate(outputs, axis=-1) + ops.convert_to_tensor(self.bias)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "group_size": self.group_size,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
        }


@keras.saving.register_keras_serializable(package="gan")
class ResidualBlock(keras.layers.Layer):
    """Adds to its inputs what a 1x1, a grouped 3x3 and a 1x1 convolution make of them.

    A bias and LeakyReLU (0.2) follow the first two. The last one starts at zero, so that the block starts as the
    identity. There is no normalization: the first two kernels are scaled by the number of blocks instead.

    Source: Huang et al. 2025 (R3GAN), arXiv 2501.05441.

    Args:
        blocks: Int. Number of residual blocks of the network.
        expansion: Int. Channels inside of the block, as a multiple of those of the inputs. Defaults to 2.
        group_size: Int. Channels of a group of the 3x3 convolution. Defaults to 16.
        **kwargs: Further arguments of `keras.layers.Layer`, such as `name` and `dtype`.

    Example:

    >>> gan.layers.ResidualBlock(blocks=4).compute_output_shape((None, 8, 8, 16))
    (None, 8, 8, 16)
    """

    def __init__(self, blocks, expansion=2, group_size=16, **kwargs):
        super().__init__(**kwargs)
        self.blocks = blocks
        self.expansion = expansion
        self.group_size = group_size

    def build(self, input_shape):
        channels = input_shape[-1]
        inner = channels * self.expansion
        policy = self.dtype_policy
        # Two of the three kernels are scaled, so that each block adds 1 / blocks to the variance.
        first, second = (scaled_normal(GAIN * self.blocks**-0.25) for _ in range(2))
        self.sequence = [
            keras.layers.Conv2D(inner, 1, kernel_initializer=first, dtype=policy),
            keras.layers.LeakyReLU(SLOPE, dtype=policy),
            GroupedConv2D(self.group_size, kernel_initializer=second, dtype=policy),
            keras.layers.LeakyReLU(SLOPE, dtype=policy),
            keras.layers.Conv2D(channels, 1, use_bias=False, kernel_initializer="zeros", dtype=policy),
        ]
        shape = input_shape
        for layer in self.sequence:
            layer.build(shape)
            shape = layer.compute_output_shape(shape)

    def call(self, inputs):
        outputs = inputs
        for layer in self.sequence:
            outputs = layer(outputs)
        return inputs + outputs

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "blocks": self.blocks,
            "expansion": self.expansion,
            "group_size": self.group_size,
        }


def scaled_normal(gain):
    """Returns an initializer of kernels that multiply the standard deviation of their inputs by a factor.

    Args:
        gain: Float, the factor. 1.39 makes up for a LeakyReLU (0.2) that follows.

    Returns:
        A `keras.initializers.Initializer`.

    Example:

    >>> keras.layers.Conv2D(16, 1, kernel_initializer=gan.layers.scaled_normal(1.0)).filters
    16
    """
    return initializers.VarianceScaling(gain**2, "fan_in", "untruncated_normal")


@keras.saving.register_keras_serializable(package="gan")
class LearnedStart(keras.layers.Layer):
    """Turns vectors into small images: a learned image in each channel, scaled by a linear function of the vector.

    Source: Huang et al. 2025 (R3GAN), arXiv 2501.05441.

    Args:
        size: Int. Height and width of the images.
        channels: Int. Channels of the images.
        **kwargs: Further arguments of `keras.layers.Layer`, such as `name` and `dtype`.

    Example:

    >>> gan.layers.LearnedStart(4, 16).compute_output_shape((None, 64))
    (None, 4, 4, 16)
    """

    def __init__(self, size, channels, **kwargs):
        super().__init__(**kwargs)
        self.size = size
        self.channels = channels

    def build(self, input_shape):
        self.images = self.add_weight(
            shape=(self.size, self.size, self.channels),
            initializer=initializers.RandomNormal(stddev=1.0),
            name="images",
        )
        self.kernel = self.add_weight(
            shape=(input_shape[-1], self.channels), initializer=scaled_normal(1.0), name="kernel"
        )

    def call(self, inputs):
        return (inputs @ ops.convert_to_tensor(self.kernel))[:, None, None, :] * ops.convert_to_tensor(self.images)

    def compute_output_shape(self, input_shape):
        return input_shape[0], self.size, self.size, self.channels

    def get_config(self):
        return {**super().get_config(), "size": self.size, "channels": self.channels}
