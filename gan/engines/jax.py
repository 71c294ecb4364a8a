"""The engine for JAX: pure functions of the state, through `keras.StatelessScope`."""

import jax
import keras
from keras import ops


def count_gpus():
    return sum(device.platform == "gpu" for device in jax.devices())


def normal(shape, seed):
    return keras.random.normal(shape, seed=seed)


def is_foreign(error):
    return isinstance(error, (jax.errors.TracerArrayConversionError, jax.errors.ConcretizationTypeError))


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
