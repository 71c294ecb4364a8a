"""Two optimizers in the place of one: what Keras does for `model.optimizer` alone."""

import keras


def scale_losses(optimizer, *policies):
    """Wraps an optimizer in loss scaling if one of the dtype policies is `mixed_float16`, as Keras does."""
    is_half = any(policy.name == "mixed_float16" for policy in policies)
    if is_half and not isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return keras.optimizers.LossScaleOptimizer(optimizer)
    return optimizer


class OptimizerPair:
    """What Keras's callbacks need of `model.optimizer`, for a model with two."""

    built = True

    def __init__(self, optimizers):
        self.optimizers = optimizers

    @property
    def learning_rate(self):
        rates = [optimizer.learning_rate for optimizer in self.optimizers]
        if len({float(keras.ops.convert_to_numpy(rate)) for rate in rates}) == 1:
            return rates[0]
        raise ValueError(
            "this GAN has two learning rates: use model.generator_optimizer.learning_rate and "
            "model.discriminator_optimizer.learning_rate."
        )

    @learning_rate.setter
    def learning_rate(self, learning_rate):
        for optimizer in self.optimizers:
            optimizer.learning_rate = learning_rate

    @property
    def iterations(self):
        return self.optimizers[0].iterations

    @property
    def variables(self):
        return [variable for optimizer in self.optimizers for variable in optimizer.variables]

    def get_config(self):
        # Keras asks for it when it writes an .h5 file, whatever function it is told to do so by.
        raise ValueError("a GAN is saved as a .keras file, which keeps both optimizers, not as an .h5 file.")
