"""Layers that smooth images and change their size by fixed filters."""

import keras
import numpy as np
from keras import ops


class _Filter(keras.layers.Layer):
    """Filters each channel by the same taps along height and width."""

    def _filter(self, images, taps, strides):
        taps = np.array(taps) / sum(taps)
        kernel = np.tile(np.outer(taps, taps)[:, :, None, None], (1, 1, images.shape[-1], 1))
        return ops.depthwise_conv(images, ops.convert_to_tensor(kernel, images.dtype), strides, padding="same")


@keras.saving.register_keras_serializable(package="gan")
class Smoothing(_Filter):
    """Smooths by [1, 2, 1] / 4 along height and width, which removes what alternates from pixel to pixel.

    Example:

    >>> gan.layers.Smoothing().compute_output_shape((None, 8, 8, 16))
    (None, 8, 8, 16)
    """

    def call(self, inputs):
        return self._filter(inputs, (1, 2, 1), 1)

    def compute_output_shape(self, input_shape):
        return input_shape


@keras.saving.register_keras_serializable(package="gan")
class Upsampling(_Filter):
    """Doubles height and width: repeats each pixel, then smooths by [1, 2, 1] / 4.

    Example:

    >>> gan.layers.Upsampling().compute_output_shape((None, 4, 4, 16))
    (None, 8, 8, 16)
    """

    def call(self, inputs):
        repeated = ops.repeat(ops.repeat(inputs, 2, axis=1), 2, axis=2)
        # TensorFlow forgets the size, which LiteRT needs.
        repeated = ops.reshape(repeated, (-1, *self.compute_output_shape(inputs.shape)[1:]))
        return self._filter(repeated, (1, 2, 1), 1)

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        return batch, 2 * height, 2 * width, channels


@keras.saving.register_keras_serializable(package="gan")
class Downsampling(_Filter):
    """Halves height and width: smooths by [1, 2, 1] / 4, then takes the means of 2x2 pixels.

    Example:

    >>> gan.layers.Downsampling().compute_output_shape((None, 8, 8, 16))
    (None, 4, 4, 16)
    """

    def call(self, inputs):
        # [1, 3, 3, 1] is [1, 2, 1] followed by the mean of two pixels.
        return self._filter(inputs, (1, 3, 3, 1), 2)

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        return batch, -(-height // 2), -(-width // 2), channels
