"""Generative adversarial networks as Keras models.

Every public name is imported on first use (PEP 562), so that `import gan` costs nothing until something is
trained. What a saved model needs is registered with Keras as soon as Keras is there: `import gan` is enough for
`keras.models.load_model`.
"""

import importlib

import wrapt

__version__ = "0.1.0"

_MODULE_OF = {
    "GAN": "model",
    "load_model": "model",
    "build_generator": "networks",
    "build_discriminator": "networks",
    "build_conv_generator": "networks",
    "build_conv_discriminator": "networks",
    "build_residual_generator": "networks",
    "build_residual_discriminator": "networks",
    "Animation": "callbacks",
    "Checkpoint": "callbacks",
    "CSVHistory": "callbacks",
    "Curves": "callbacks",
    "Embedding": "callbacks",
    "ImageGrid": "callbacks",
    "Progress": "callbacks",
}
_MODULES = (
    "augmentation",
    "callbacks",
    "datasets",
    "files",
    "images",
    "latents",
    "layers",
    "losses",
    "metrics",
    "model",
    "networks",
    "presets",
    "regularizers",
    "schedules",
)

__all__ = [*_MODULE_OF, *_MODULES]


def __getattr__(name):
    if name in _MODULES:
        return importlib.import_module(f"gan.{name}")
    if name in _MODULE_OF:
        return getattr(importlib.import_module(f"gan.{_MODULE_OF[name]}"), name)
    raise AttributeError(f"module 'gan' has no attribute {name!r}")


def __dir__():
    return __all__


@wrapt.when_imported("keras")
def _register_serializables(_):
    for name in ("layers", "model"):
        importlib.import_module(f"gan.{name}")
