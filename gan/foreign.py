"""Code of users that calls functions of NumPy, or of another backend than the one that runs."""

import contextlib

import keras
from keras import ops

from gan.engines import is_foreign


@contextlib.contextmanager
def written_in_keras_ops(author):
    """Names the class whose code calls functions that the backend cannot differentiate."""
    try:
        yield
    except Exception as error:
        if not is_foreign(error):
            raise
        raise TypeError(
            f"{type(author).__name__} calls functions that the Keras backend {keras.backend.backend()} cannot "
            "differentiate, such as those of NumPy or of another backend: use keras.ops."
        ) from error


def check_tensors(author, method, *values):
    """Makes sure that a method returned tensors of the backend."""
    for value in values:
        if not ops.is_tensor(value):
            raise TypeError(
                f"{method} of {type(author).__name__} must return a tensor of the Keras backend "
                f"{keras.backend.backend()}, not {type(value).__name__}: use keras.ops and keras.random."
            )
