"""Images to train on: `load` turns a name or a path into a `tf.data.Dataset` for `fit`.

`read` and the functions around it use NumPy only. TensorFlow is imported by the first use of `load` or `rebatch`.
"""

from gan.datasets.fingerprints import fingerprint
from gan.datasets.sources import ImageCounts, count_classes, count_images, read, resolve

_PIPELINE = ("load", "rebatch")

__all__ = ["ImageCounts", "count_classes", "count_images", "fingerprint", "read", "resolve", *_PIPELINE]


def __getattr__(name):
    if name in _PIPELINE:
        from gan.datasets import pipeline

        return getattr(pipeline, name)
    raise AttributeError(f"module 'gan.datasets' has no attribute {name!r}")


def __dir__():
    return __all__
