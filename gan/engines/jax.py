"""The engine for JAX: pure functions of the state, through `keras.StatelessScope`."""

import contextlib
import functools
import os

import jax
import keras
import numpy as np
import tensorflow as tf
from keras import ops

from gan.text import format_count


def count_gpus():
    return sum(device.platform == "gpu" for device in jax.devices())


def normal(shape, seed):
    return keras.random.normal(shape, seed=seed)


def is_foreign(error):
    return isinstance(error, (jax.errors.TracerArrayConversionError, jax.errors.ConcretizationTypeError))


def is_first_process():
    return jax.process_index() == 0


def process_count():
    return jax.process_count()


@contextlib.contextmanager
def alone():
    distribution = keras.distribution.distribution()
    keras.distribution.set_distribution(None)
    try:
        yield
    finally:
        keras.distribution.set_distribution(distribution)


def use_devices(count):
    if count != "all" and "xla_force_host_platform_device_count" not in os.environ.get("XLA_FLAGS", ""):
        # Without an accelerator, JAX has one device unless it is told otherwise.
        jax.config.update("jax_num_cpu_devices", count)
    found = len(jax.local_devices())
    count = found if count == "all" else count
    if count > found:
        raise ValueError(f"--devices {count}: this machine has {format_count(found, 'device')}.")
    if count * jax.process_count() > 1:
        devices = [f"{device.platform}:{device.id}" for device in _first_of_each_process(count)]
        distribution = keras.distribution.DataParallel(devices=devices, auto_shard_dataset=False)
        keras.distribution.set_distribution(distribution)
    return contextlib.nullcontext()


def _first_of_each_process(count):
    devices = {}
    for device in jax.devices():
        devices.setdefault(device.process_index, []).append(device)
    return [device for of_process in devices.values() for device in of_process[:count]]


def whole_count(count):
    return count


def share(rows):
    """Lets each device of a `keras.distribution` compute its share of the rows. The program is one for all devices."""
    distribution = keras.distribution.distribution()
    if distribution is None or not isinstance(rows, jax.core.Tracer):
        return rows
    axes = [distribution.batch_dim_name, *[None] * (len(rows.shape) - 1)]
    return keras.distribution.distribute_tensor(rows, keras.distribution.TensorLayout(axes, distribution.device_mesh))


def placement():
    return keras.distribution.distribution()


def _share_of_process(*batch):
    """The part of a batch that this process reads."""

    def share_of(rows):
        size = tf.shape(rows)[0] // jax.process_count()
        return rows[jax.process_index() * size :][:size]

    return tf.nest.map_structure(share_of, batch if len(batch) > 1 else batch[0])


class _WholeBatches(keras.distribution.DataParallel):
    """Gives every device whole batches, which may have any size. The step divides what it computes from them."""

    def get_data_layout(self, data_shape):
        return keras.distribution.TensorLayout([None] * len(data_shape), self.device_mesh)


def _whole_batches():
    distribution = keras.distribution.distribution()
    if distribution is None:
        return contextlib.nullcontext()
    return _WholeBatches(distribution.device_mesh, auto_shard_dataset=False).scope()


class Engine:
    """Runs `training_step` and `evaluation_step` of a `gan.game.Game` as pure functions.

    The methods are those of `gan.engines.tensorflow`. The code inside reads and assigns variables as on the other
    engines: each transformation of JAX gets a scope of its own, and what was assigned in it is assigned again outside.
    """

    def train_step(self, state, data):
        parts = [
            self.trainable_variables,
            self.non_trainable_variables,
            self.optimizer.variables,
            self.metrics_variables,
        ]
        return self._run(lambda: self.training_step(data), parts, state)

    def test_step(self, state, data):
        parts = [self.trainable_variables, self.non_trainable_variables, self.metrics_variables]
        return self._run(lambda: self.evaluation_step(data), parts, state)

    @functools.wraps(keras.Model.fit)
    def fit(self, x=None, *args, **kwargs):
        distribution = keras.distribution.distribution()
        if distribution is None:
            return super().fit(x, *args, **kwargs)
        is_automatic = distribution.auto_shard_dataset
        if hasattr(x, "for_process"):
            x = x.for_process(jax.process_index(), jax.process_count())
        elif isinstance(x, tf.data.Dataset):
            # Otherwise each process has its own images, says the user.
            x = x.map(_share_of_process) if is_automatic else x
        elif jax.process_count() > 1:
            raise ValueError(
                f"several processes train on a tf.data.Dataset, of which each takes its share, not on "
                f"{type(x).__name__}."
            )
        # Keras would give each process other images to validate on, and another number of them.
        distribution.auto_shard_dataset = False
        try:
            return super().fit(x, *args, **kwargs)
        finally:
            distribution.auto_shard_dataset = is_automatic

    @functools.wraps(keras.Model.evaluate)
    def evaluate(self, *args, **kwargs):
        with _whole_batches():
            return super().evaluate(*args, **kwargs)

    @functools.wraps(keras.Model.test_on_batch)
    def test_on_batch(self, *args, **kwargs):
        with _whole_batches():
            return super().test_on_batch(*args, **kwargs)

    @property
    def device_count(self):
        distribution = keras.distribution.distribution()
        return 1 if distribution is None else distribution.device_mesh.devices.size

    def find_device_problem(self):
        distribution = keras.distribution.distribution()
        if distribution is None:
            return None
        if not isinstance(distribution, keras.distribution.DataParallel) or distribution.device_mesh.devices.ndim != 1:
            return (
                "a GAN trains on several devices with keras.distribution.DataParallel, not with "
                f"{type(distribution).__name__}."
            )
        mesh = set(distribution.device_mesh.backend_mesh.devices.flat)
        if any(variable.value.devices() != mesh for variable in self.variables):
            return (
                "the GAN was built for other devices than those of keras.distribution: call "
                "keras.distribution.set_distribution before you build its networks or load it."
            )
        return None

    def whole(self, data):
        return data

    def divided(self, network, inputs, **kwargs):
        return network(keras.tree.map_structure(share, inputs), **kwargs)

    def predict_batch(self, network, inputs):
        distribution = keras.distribution.distribution()
        # What several processes have computed cannot be read in one of them, unless each computes all of it.
        if distribution is None or jax.process_count() > 1:
            return network.predict_on_batch(inputs)
        count = len(keras.tree.flatten(inputs)[0])

        def divide(rows):
            missing = -count % self.device_count
            rows = np.concatenate([rows, np.repeat(rows[:1], missing, axis=0)])
            return keras.distribution.distribute_tensor(rows, distribution.get_data_layout(rows.shape))

        return keras.tree.map_structure(
            lambda rows: rows[:count], network.predict_on_batch(keras.tree.map_structure(divide, inputs))
        )

    def gradients(self, play, groups):
        trained = [variable for group in groups for variable in group]
        # A forward pass assigns the moving statistics of BatchNormalization and random states.
        assigned = self.non_trainable_variables

        def pure(values):
            (objectives, rest), after = self._in_scope(play, trained, values, assigned)
            return objectives, (rest, after)

        objectives, pull_back, (rest, after) = jax.vjp(pure, _values(trained), has_aux=True)
        _assign(assigned, after)
        gradients, start = [], 0
        for index, group in enumerate(groups):
            weights = [
                ops.ones_like(objective) if place == index else ops.zeros_like(objective)
                for place, objective in enumerate(objectives)
            ]
            # The compiler drops the part of each product that is not used.
            gradients.append(pull_back(weights)[0][start : start + len(group)])
            start += len(group)
        return gradients, rest

    def image_gradients(self, function, images):
        assigned = self.non_trainable_variables

        def pure(images):
            values, after = self._in_scope(lambda: function(images), [], [], assigned)
            return ops.sum(values), after

        gradients, after = jax.grad(pure, has_aux=True)(images)
        _assign(assigned, after)
        return gradients

    def branch(self, condition, function, default):
        assigned = [*self.non_trainable_variables, *self.metrics_variables]
        result, after = jax.lax.cond(
            condition,
            lambda values: self._in_scope(function, assigned, values, assigned),
            lambda values: (default, values),
            _values(assigned),
        )
        _assign(assigned, after)
        return result

    def unless_empty(self, images, step):
        if len(images):
            step()

    def apply(self, optimizer, gradients, variables):
        # `LossScaleOptimizer.apply` assigns variables inside a branch.
        values, slots = optimizer.stateless_apply(_values(optimizer.variables), gradients, _values(variables))
        _assign(variables, values)
        _assign(optimizer.variables, slots)

    def synchronize(self):
        self.jax_state_sync()

    def _run(self, step, parts, state):
        """Runs a step on a state, a tuple of lists of values. Returns its logs and the state after it."""
        variables = [variable for part in parts for variable in part]
        logs, after = self._in_scope(step, variables, [value for part in state for value in part], variables)
        after = iter(after)
        return logs, tuple([next(after) for _ in part] for part in parts)

    def _in_scope(self, function, variables, values, assigned):
        """What a function returns if variables have the given values, and the values of those that it may assign.

        A scope does not see the one around it, so it gets the values of all other variables too.
        """
        given = {id(variable) for variable in variables}
        state = [*self.variables, *self.optimizer.variables, *self.metrics_variables]
        others = [variable for variable in state if id(variable) not in given]
        mapping = [*zip(variables, values, strict=True), *zip(others, _values(others), strict=True)]
        with keras.StatelessScope(mapping, collect_losses=True) as scope:
            result = function()
        return result, [scope.get_current_value(variable) for variable in assigned]


def _values(variables):
    return [variable.value for variable in variables]


def _assign(variables, values):
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
