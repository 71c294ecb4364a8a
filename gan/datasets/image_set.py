"""An open source of images, and what is known about it."""

import functools
import hashlib
from typing import NamedTuple

import numpy as np

from gan.datasets.splits import hold_out
from gan.text import format_count, format_names


class Split(NamedTuple):
    """A part of a set of images.

    Attributes:
        images: Array `(count, height, width, channels)`, which also holds images of other parts.
        labels: Int array `(count,)`, or None.
        rows: Int array. The images of this part are `images[rows]`.
    """

    images: np.ndarray
    labels: np.ndarray | None
    rows: np.ndarray


class ImageSet:
    """Images that `gan.datasets.open_source` has opened. `gan.datasets.load` takes one instead of a source.

    Attributes:
        name: String, the name or path of the source.
        image_shape: `(height, width, channels)`.
        class_names: List of strings, the names of the classes of a folder of pictures: its subfolders. None for other
            sources.
        has_labels: Bool, whether all images have labels.
        num_classes: Int, the largest label plus 1.
        image_count: Int, the number of images, published test images included.
        held_out_count: Int, the number of images in the test split: published test images, or a tenth of the images.
        fingerprint: String, a checksum. Two sources with the same images and labels have the same one.
        pictures: Facts about a folder of pictures: `file`, which holds the decoded pictures; `damaged`, a dict from
            paths to reasons; `transparent`, `cropped` and `skipped`, numbers of files. None for other sources.

    Example:

    >>> images = gan.datasets.open_source("mnist5k")
    >>> images.image_shape, images.num_classes, images.image_count, images.held_out_count
    ((28, 28, 1), 10, 5000, 500)
    """

    def __init__(self, name, train, test=None, class_names=None, pictures=None):
        self.name = str(name)
        self.class_names = class_names
        self.pictures = pictures
        self._train = train
        self._test = test
        self.image_shape = train[0].shape[1:]
        self.has_labels = all(pair[1] is not None for pair in (train, test) if pair)
        self.image_count = len(train[0]) + (len(test[0]) if test else 0)

    @functools.cached_property
    def num_classes(self):
        labels = self._train[1]
        if labels is None or labels.min() < 0:
            raise ValueError(f"{self.name} has no labels that count from 0. {self._describe_ways_to_label()}")
        count = int(labels.max()) + 1
        if count > len(labels):
            raise ValueError(
                f"{self.name} has {format_count(len(labels), 'image')}, but labels up to {count - 1:,}. "
                "Number its classes from 0."
            )
        return count

    @functools.cached_property
    def held_out_count(self):
        # A single image can be trained on, but not split.
        return len(self.split("test").rows) if self.image_count > 1 else 0

    @functools.cached_property
    def fingerprint(self):
        if self.pictures is not None:
            return self.pictures.digest
        digest = hashlib.sha256()
        for images, labels in filter(None, (self._train, self._test)):
            digest.update(f"images {images.shape} labels {labels is not None}\n".encode())
            digest.update(memoryview(np.ascontiguousarray(images)).cast("B"))
            if labels is not None:
                digest.update(labels.astype("<i8").tobytes())
        return digest.hexdigest()

    def split(self, name):
        """Returns the images to train on or to test with.

        Args:
            name: `"train"`, `"test"`, or None for all images except published test images.

        Returns:
            A `Split`.

        Raises:
            ValueError: There is no such split, or there are fewer than two images to split.
        """
        if name not in (None, "train", "test"):
            raise ValueError(f"split must be 'train', 'test' or None, not {name!r}.")
        if name is not None and self._test is None:
            return Split(*self._train, self._held_out[name])
        images, labels = self._test if name == "test" else self._train
        return Split(images, labels, np.arange(len(images)))

    @functools.cached_property
    def _held_out(self):
        images, labels = self._train
        return hold_out(self.name, len(images), labels)

    def check_labels(self, split=None):
        """Makes sure that a split has labels to train with, and an image of each class.

        Raises:
            ValueError: There are no labels, or a class has too few images to hold one out.
        """
        if self.split(split).labels is None:
            raise ValueError(f"{self.name} has no labels. {self._describe_ways_to_label()}")
        counts = np.bincount(self._train[1], minlength=self.num_classes)  # refuses labels that are no classes
        if split is None or self._test is not None or not (single := np.flatnonzero(counts == 1)).size:
            return
        name = self.class_names[single[0]] if self.class_names else single[0]
        others = f" and {len(single) - 1:,} others have" if len(single) > 1 else " has"
        raise ValueError(
            f"{self.name}: the class {name}{others} only one image. Each class needs at least two, one to train on "
            "and one to hold out."
        )

    def describe_pictures(self):
        """Returns lines that say how a folder of pictures was read; none for other sources."""
        if self.pictures is None:
            return []
        lines = [f"  read from {self.pictures.file} ({self.pictures.images.nbytes / 1e6:,.1f} MB)"]
        if self.pictures.is_shape_chosen:
            lines.append("  size and channels chosen from the pictures; --image-shape sets others")
        if self.class_names:
            counts = np.bincount(self._train[1])
            sizes = f"{counts.min():,} to {format_count(counts.max(), 'picture')} each"
            lines.append(
                f"  {len(counts):,} classes, from the subfolders, of {sizes}: {format_names(self.class_names)}"
            )
        elif self.pictures.stray:
            lines.append(f"  no classes, because {self.pictures.stray}")
        if count := self.pictures.cropped:
            lines.append(f"  {format_count(count, 'picture')} of other proportions, cropped around the center")
        if count := self.pictures.transparent:
            where = f"put on {self.pictures.background}; --background sets another color"
            lines.append(f"  {format_count(count, 'transparent picture')} {where}")
        if count := len(self.pictures.damaged):
            lines.append(f"  skipped {format_count(count, 'damaged picture')}")
        if count := self.pictures.skipped:
            files = format_count(count, "file that is no picture", "files that are no pictures")
            suffixes = f" ({self.pictures.skipped_suffixes})" if self.pictures.skipped_suffixes else ""
            lines.append(f"  skipped {files}{suffixes}")
        return lines

    def _describe_ways_to_label(self):
        if self.pictures is not None and self.pictures.stray:
            return f"{self.pictures.stray}: put all pictures into subfolders, one for each class."
        if self.pictures is not None:
            return "Put all pictures into subfolders, one for each of at least two classes."
        return (
            "Use an .npz file with y_train, IDX files with labels, a folder with a subfolder for each class, or arrays "
            "(images= and labels= in Python)."
        )
