"""Images to train on: `load` turns a name or a path into a `tf.data.Dataset` for `fit`.

`read` and the functions around it use NumPy only. TensorFlow is imported on the first use of `load` or `rebatch`.
"""

from typing import TYPE_CHECKING

from gan.datasets.fingerprints import fingerprint
from gan.datasets.sources import count_classes, count_images, read, resolve

if TYPE_CHECKING:
    from gan.datasets.pipeline import load, rebatch

__all__ = ["count_classes", "count_images", "fingerprint", "load", "read", "rebatch", "resolve"]


def __getattr__(name):
    if name in ("load", "rebatch"):
        from gan.datasets import pipeline

        return getattr(pipeline, name)
    raise AttributeError(f"module 'gan.datasets' has no attribute {name!r}")


def __dir__():
    return __all__
