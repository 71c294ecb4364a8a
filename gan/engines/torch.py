"""The engine for PyTorch: autograd, and branches of Python."""

import keras
import torch
from keras import ops


def count_gpus():
    return torch.cuda.device_count()


def normal(shape, seed):
    return keras.random.normal(shape, seed=seed)


def is_foreign(error):
    return isinstance(error, (RuntimeError, TypeError)) and "numpy()" in str(error)


class Engine:
    """Runs `training_step` and `evaluation_step` of a `gan.game.Game` eagerly.

    The methods are those of `gan.engines.tensorflow`.
    """

    def train_step(self, data):
        return self.training_step(data)

    def test_step(self, data):
        with torch.no_grad():
            return self.evaluation_step(data)

    def gradients(self, play, groups):
        objectives, rest = play()
        gradients = []
        for objective, group in zip(objectives, groups, strict=True):
            values = [variable.value for variable in group]
            gradients.append(torch.autograd.grad(objective, values, retain_graph=True, allow_unused=True))
        return gradients, rest

    def image_gradients(self, function, images):
        # A leaf of its own, unless the images already depend on something.
        images = images if images.requires_grad else images.detach().requires_grad_()
        (gradients,) = torch.autograd.grad(ops.sum(function(images)), images, create_graph=True)
        return gradients

    def branch(self, condition, function, default):
        return function() if condition else default

    def unless_empty(self, images, step):
        if len(images):
            step()

    def apply(self, optimizer, gradients, variables):
        with torch.no_grad():
            optimizer.apply(gradients, variables)

    def synchronize(self):
        """Variables hold the state of a running `fit` at all times."""
