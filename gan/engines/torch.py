"""The engine for PyTorch: autograd, and branches of Python."""

import contextlib
import functools

import keras
import torch
from keras import ops


def count_gpus():
    return torch.cuda.device_count()


def normal(shape, seed):
    return keras.random.normal(shape, seed=seed)


def is_foreign(error):
    return isinstance(error, (RuntimeError, TypeError)) and "numpy()" in str(error)


def is_first_process():
    return True


def process_count():
    return 1


def alone():
    return contextlib.nullcontext()


def use_devices(count):
    if count == 1 or count == "all" and torch.cuda.device_count() < 2:
        return contextlib.nullcontext()
    raise ValueError(f"--devices {count}: PyTorch trains on one device. Use JAX: set KERAS_BACKEND=jax.")


def whole_count(count):
    return count


def share(rows):
    return rows


def placement():
    return None


class Engine:
    """Runs `training_step` and `evaluation_step` of a `gan.game.Game` eagerly.

    The methods are those of `gan.engines.tensorflow`.
    """

    device_count = 1

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        # `torch.compile` cannot differentiate a graph twice. Keras warns if it is asked to compile.
        self.supports_jit = False

    @functools.wraps(keras.Model.evaluate)
    def evaluate(self, *args, **kwargs):
        # Any DataLoader draws from the global generator, which shuffles the arrays of a running `fit`.
        with torch.random.fork_rng(devices=[]):
            return super().evaluate(*args, **kwargs)

    def find_device_problem(self):
        is_running = torch.distributed.is_available() and torch.distributed.is_initialized()
        count = torch.distributed.get_world_size() if is_running else 1
        if count > 1:
            return (
                f"with PyTorch, a GAN trains on one device, and each of the {count} processes of torch.distributed "
                "would train a GAN of its own. Use JAX: set KERAS_BACKEND=jax."
            )
        return None

    def whole(self, data):
        return data

    def divided(self, network, inputs, **kwargs):
        return network(inputs, **kwargs)

    def predict_batch(self, network, inputs):
        return network.predict_on_batch(inputs)

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
            # A network may have nothing to train.
            found = torch.autograd.grad(objective, values, retain_graph=True, allow_unused=True) if values else []
            gradients.append(found)
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
