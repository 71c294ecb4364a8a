"""Normalizing layers that Keras does not offer for every backend or for several devices."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="gan")
class SpectralNormalization(keras.layers.Wrapper):
    """Divides the kernel of a layer by its largest singular value, so that the quotient's is 1.

    Each call in training improves the estimate of that value by one step of power iteration. The gradient takes the
    division into account. Unlike `keras.layers.SpectralNormalization`, this layer does not change the kernel itself,
    and therefore works on every backend.

    Source: Miyato et al. 2018, arXiv 1802.05957.

    Args:
        layer: A `keras.layers.Layer` with a `kernel`, such as `Dense` or `Conv2D`.
        **kwargs: Further arguments of `keras.layers.Layer`, such as `name` and `dtype`.

    Example:

    >>> layer = gan.layers.SpectralNormalization(keras.layers.Dense(4))
    >>> layer.compute_output_shape((None, 3))
    (None, 4)
    """

    def __init__(self, layer, **kwargs):
        super().__init__(layer, **kwargs)

    def build(self, input_shape):
        super().build(input_shape)
        if not hasattr(self.layer, "kernel"):
            raise ValueError(f"layer must have a kernel, and {type(self.layer).__name__} has none.")
        self.vector = self.add_weight(
            shape=(1, self.layer.kernel.shape[-1]),
            initializer=keras.initializers.RandomNormal(),
            trainable=False,
            dtype="float32",
            autocast=False,
            name="vector",
        )

    def call(self, inputs, training=False):
        kernel = ops.convert_to_tensor(self.layer.kernel)
        normalized = kernel / ops.cast(self._largest_singular_value(kernel, training), kernel.dtype)

        def values(variables):
            return [normalized if variable is self.layer.kernel else variable.value for variable in variables]

        layer = self.layer
        outputs, _ = layer.stateless_call(
            values(layer.trainable_variables), values(layer.non_trainable_variables), inputs
        )
        return outputs

    def _largest_singular_value(self, kernel, training):
        matrix = ops.cast(ops.reshape(kernel, (-1, kernel.shape[-1])), "float32")
        fixed = ops.stop_gradient(matrix)
        right = ops.normalize(ops.convert_to_tensor(self.vector))
        left = ops.normalize(right @ ops.transpose(fixed))
        if training:
            right = ops.normalize(left @ fixed)
            self.vector.assign(right)
        return ops.squeeze(left @ matrix @ ops.transpose(right))

    def compute_output_shape(self, input_shape):
        return self.layer.compute_output_shape(input_shape)


@keras.saving.register_keras_serializable(package="gan")
class BatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization` for several devices.

    Under a `keras.distribution`, the devices add up sums and squares at once. Keras's layer needs the mean before it
    sums squares, so that the devices wait for each other twice, and twice more for the gradients. Elsewhere, this
    layer is Keras's. The results are the same, up to rounding. Its arguments are those of
    `keras.layers.BatchNormalization`.

    Example:

    >>> layer = gan.layers.BatchNormalization(momentum=0.8)
    >>> layer.compute_output_shape((None, 3))
    (None, 3)
    """

    def get_config(self):
        # Set on several devices, by the engine. Only TensorFlow can load it.
        return {**super().get_config(), "synchronized": False}

    def _moments(self, inputs, mask):
        if keras.distribution.distribution() is None or mask is not None:
            return super()._moments(inputs, mask)
        # Around the moving mean, because a difference of squares loses digits if the mean is large.
        shape = [1] * len(inputs.shape)
        shape[self.axis] = -1
        center = ops.cast(ops.reshape(self.moving_mean, shape), inputs.dtype)
        shifted = inputs - center
        mean = ops.mean(shifted, self._reduction_axes, keepdims=True)
        squares = ops.mean(ops.square(shifted), self._reduction_axes, keepdims=True)
        variance = ops.maximum(squares - ops.square(mean), 0)
        return ops.reshape(mean + center, (-1,)), ops.reshape(variance, (-1,))
