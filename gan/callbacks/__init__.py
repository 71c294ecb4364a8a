"""Keras callbacks that keep pictures, checkpoints and figures of a training run."""

from gan.callbacks.animation import Animation
from gan.callbacks.checkpoint import Checkpoint
from gan.callbacks.curves import Curves
from gan.callbacks.embedding import Embedding
from gan.callbacks.grid import ImageGrid
from gan.callbacks.history import CSVHistory
from gan.callbacks.progress import Progress

__all__ = ["Animation", "CSVHistory", "Checkpoint", "Curves", "Embedding", "ImageGrid", "Progress"]
