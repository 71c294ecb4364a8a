"""The engine for TensorFlow: gradient tapes and `tf.cond`."""

import tensorflow as tf
from keras import ops


def count_gpus():
    """Returns the number of GPUs that the backend can use."""
    return len(tf.config.list_physical_devices("GPU"))


class Engine:
    """Runs `training_step` and `evaluation_step` of a `gan.game.Game` in graphs of TensorFlow."""

    def train_step(self, data):
        return self.training_step(data)

    def test_step(self, data):
        return self.evaluation_step(data)

    def gradients(self, play, groups):
        """Runs a game and differentiates each of its objectives.

        Args:
            play: Function without arguments. Returns a list of scalars and anything else.
            groups: List of lists of `keras.Variable`s, one list for each scalar.

        Returns:
            A pair of a list of lists of gradients, of each scalar with respect to its group, and what else `play`
            returned.
        """
        with tf.GradientTape(persistent=True) as tape:
            objectives, rest = play()
        gradients = [tape.gradient(objective, group) for objective, group in zip(objectives, groups, strict=True)]
        return gradients, rest

    def image_gradients(self, function, images):
        """The gradients of the sum of what a function returns for images, with respect to the images.

        They can be differentiated themselves.
        """
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(images)
            values = function(images)
        return tape.gradient(values, images)

    def branch(self, condition, function, default):
        """What a function returns if the condition holds, else a default. The function may change variables."""
        return tf.cond(condition, function, lambda: default)

    def unless_empty(self, images, step):
        """Runs a step, but not on a batch without images, whose means would be NaN."""
        count = ops.shape(images)[0]
        if tf.distribute.has_strategy():
            # A strategy applies gradients outside of any branch.
            tf.debugging.assert_greater(count, 0, "a batch holds no images; under tf.distribute it cannot be skipped")
            step()
        elif images.shape[0] is None:
            tf.cond(count > 0, step, lambda: None)
        elif count > 0:
            step()

    def apply(self, optimizer, gradients, variables):
        """Updates variables."""
        optimizer.apply(gradients, variables)

    def synchronize(self):
        """Writes the state of a running `fit` back into the variables. Here they hold it at all times."""
