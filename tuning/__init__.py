"""Sweeps: searches for the hyperparameters with the lowest fid, with keras-tuner.

Every public name is imported on first use, as in `gan`.
"""

import importlib

_MODULE_OF = {
    "GANHyperModel": "hypermodel",
    "SPACES": "space",
}

__all__ = list(_MODULE_OF)


def __getattr__(name):
    if name in _MODULE_OF:
        return getattr(importlib.import_module(f"tuning.{_MODULE_OF[name]}"), name)
    raise AttributeError(f"module 'tuning' has no attribute {name!r}")
