"""Images to train on: `load` turns a name or a path into a `tf.data.Dataset` for `fit`.

`open_source` and `read` use NumPy only. TensorFlow is imported on the first use of `load` or `rebatch`.
"""

from typing import TYPE_CHECKING

from gan.datasets.image_set import ImageSet
from gan.datasets.pictures import read_pictures
from gan.datasets.sources import open_source, read, resolve

if TYPE_CHECKING:
    from gan.datasets.pipeline import load, rebatch

__all__ = ["ImageSet", "load", "open_source", "read", "read_pictures", "rebatch", "resolve"]


def __getattr__(name):
    if name in ("load", "rebatch"):
        from gan.datasets import pipeline

        return getattr(pipeline, name)
    raise AttributeError(f"module 'gan.datasets' has no attribute {name!r}")


def __dir__():
    return __all__
