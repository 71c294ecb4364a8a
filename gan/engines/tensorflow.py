"""The engine for TensorFlow: gradient tapes and `tf.cond`."""

import contextlib
import functools

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from gan.engines.replicas import (
    adds_losses,
    check_equal_shares,
    layers,
    mean_over_replicas,
    placement,
    replica_count,
    see_whole_batches,
    share,
    use_devices,
    whole_count,
)

__all__ = [
    "Engine",
    "alone",
    "count_gpus",
    "is_first_process",
    "is_foreign",
    "normal",
    "placement",
    "process_count",
    "share",
    "use_devices",
    "whole_count",
]


def count_gpus():
    """Returns the number of GPUs that the backend can use."""
    return len(tf.config.list_physical_devices("GPU"))


def normal(shape, seed):
    """Draws what `keras.random.normal` draws, under XLA on a CPU in a thirtieth of the time."""
    if not isinstance(seed, keras.random.SeedGenerator):
        return keras.random.normal(shape, seed=seed)
    seed = tf.cast(tf.math.floormod(seed.next(), tf.int32.max - 1), "int32")
    return tf.random.stateless_normal(shape, seed, alg="philox")


def is_foreign(error):
    """Whether an error says that a function of another package cannot be differentiated."""
    return isinstance(error, NotImplementedError) and "numpy" in str(error)


def is_first_process():
    """Whether this process is the first of those that train together. It writes the files."""
    return True


def process_count():
    """The number of processes that train together."""
    return 1


def alone():
    """Lets a process create variables while the others do not."""
    return contextlib.nullcontext()


class Engine:
    """Runs `training_step` and `evaluation_step` of a `gan.game.Game` in graphs of TensorFlow."""

    is_in_branch = False

    @property
    def device_count(self):
        """The number of devices among which a training batch is divided."""
        return self.distribute_strategy.num_replicas_in_sync

    def find_device_problem(self):
        """Returns a sentence if a GAN cannot train on the devices that the user has chosen, else None."""
        if keras.distribution.distribution() is not None:
            return "keras.distribution works with JAX: set KERAS_BACKEND=jax, or use tf.distribute.MirroredStrategy."
        strategy = self.distribute_strategy
        if strategy.num_replicas_in_sync == 1:
            return None
        if not isinstance(strategy, tf.distribute.MirroredStrategy):
            return (
                f"a GAN trains on several devices with tf.distribute.MirroredStrategy, not with "
                f"{type(strategy).__name__}. On several machines, train with JAX: set KERAS_BACKEND=jax and use "
                "keras.distribution."
            )
        for layer in layers([self.generator, self.discriminator]):
            if hasattr(layer, "seed_generator") and type(layer) is not keras.layers.Dropout:
                return (
                    f"the layer {layer.name} ({type(layer).__name__}) would draw the same random numbers on every "
                    "replica. Use keras.layers.Dropout, or train with JAX (KERAS_BACKEND=jax)."
                )
        return None

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        """Does nothing. The networks are built, and Keras would take the mean of the replicas' batches."""

    def whole(self, data):
        """Returns the whole batch, of which a device received its share."""
        if replica_count() == 1:
            return data
        gather = tf.distribute.get_replica_context().all_gather
        return keras.tree.map_structure(lambda rows: gather(rows, axis=0), data, none_is_leaf=False)

    def divided(self, network, inputs, **kwargs):
        """Calls a network on a batch that all devices hold. Each device computes its share of the outputs."""
        replicas = replica_count()
        # Devices cannot communicate in a branch. What a call adds to the losses depends on the whole batch.
        if replicas == 1 or self.is_in_branch or adds_losses(network):
            return network(inputs, **kwargs)
        count = ops.shape(keras.tree.flatten(inputs)[0])[0]

        def pad(rows):
            return tf.concat([rows, tf.repeat(rows[:1], -count % replicas, axis=0)], axis=0)

        outputs = network(keras.tree.map_structure(lambda rows: share(pad(rows)), inputs), **kwargs)
        return keras.tree.map_structure(lambda rows: rows[:count], self.whole(outputs))

    def predict_batch(self, network, inputs):
        """Calls a network outside of training. Returns NumPy arrays."""
        # Each replica of a strategy returns all outputs.
        count = len(keras.tree.flatten(inputs)[0])
        return keras.tree.map_structure(lambda rows: rows[:count], network.predict_on_batch(inputs))

    @functools.wraps(keras.Model.train_on_batch)
    def train_on_batch(self, x, y=None, **kwargs):
        return super().train_on_batch(self._distribute(x), self._distribute(y), **kwargs)

    @functools.wraps(keras.Model.test_on_batch)
    def test_on_batch(self, x, y=None, **kwargs):
        return super().test_on_batch(self._distribute(x), self._distribute(y), **kwargs)

    def _distribute(self, data):
        """Gives each replica its share of a batch. Keras would give each of them the whole batch."""
        strategy = self.distribute_strategy
        if strategy.num_replicas_in_sync == 1 or data is None:
            return data
        shares = np.array_split(data, strategy.num_replicas_in_sync)
        return strategy.experimental_distribute_values_from_function(
            lambda context: tf.convert_to_tensor(shares[context.replica_id_in_sync_group])
        )

    def train_step(self, data):
        if replica_count() > 1:
            see_whole_batches([self.generator, self.discriminator])
            check_equal_shares(data)
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
        if replica_count() > 1:
            gradients = [mean_over_replicas(one) for one in gradients]
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
        self.is_in_branch = True
        try:
            return tf.cond(condition, function, lambda: default)
        finally:
            self.is_in_branch = False

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
        inner = getattr(optimizer, "inner_optimizer", optimizer)
        if replica_count() > 1:
            # These are the gradients of the whole batch. Keras would sum them over the replicas.
            inner._all_reduce_sum_gradients = list
        with _fused(inner):
            optimizer.apply(gradients, variables)

    def synchronize(self):
        """Writes the state of a running `fit` back into the variables. Here they hold it at all times."""


@contextlib.contextmanager
def _fused(optimizer):
    """Lets an Adam update each variable by one kernel instead of ten, which takes 5% off a step on a CPU."""
    is_adam = getattr(type(optimizer), "update_step", None) is keras.optimizers.Adam.update_step
    if not is_adam or optimizer.amsgrad or tf.distribute.has_strategy():
        yield
        return

    def update_step(gradient, variable, learning_rate):
        if isinstance(gradient, tf.IndexedSlices):
            return type(optimizer).update_step(optimizer, gradient, variable, learning_rate)
        index = optimizer._get_variable_index(variable)
        beta_1, beta_2, epsilon, learning_rate, step = (
            tf.cast(value, variable.dtype)
            for value in (
                optimizer.beta_1,
                optimizer.beta_2,
                optimizer.epsilon,
                learning_rate,
                ops.convert_to_tensor(optimizer.iterations) + 1,
            )
        )
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=optimizer._momentums[index].value.handle,
            v=optimizer._velocities[index].value.handle,
            beta1_power=beta_1**step,
            beta2_power=beta_2**step,
            lr=learning_rate,
            beta1=beta_1,
            beta2=beta_2,
            epsilon=epsilon,
            grad=tf.cast(gradient, variable.dtype),
        )

    optimizer.update_step = update_step
    try:
        yield
    finally:
        del optimizer.update_step
