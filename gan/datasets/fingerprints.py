"""A checksum that tells whether two sources hold the same images."""

import hashlib
from pathlib import Path

from gan.datasets.sources import check_images, read_sets

HASHED_BYTES = 32 * 1024


def fingerprint(source, image_shape=None):
    """Computes a checksum of the images and labels of a source, to recognize them in another place.

    For arrays, the checksum covers the images and labels, including published test images. It does not depend on the
    file format: an `.npz` file and IDX files with the same images and labels have the same fingerprint.

    For a folder of images, the checksum covers each image's path relative to the folder, its size in bytes, and its
    first and last 32 KB. Large files are not read whole, so 20,000 files take a few seconds. The checksum does not
    depend on where the folder is, on other files in it, or on modification times.

    Args:
        source: As in `load`.
        image_shape: As in `load`. It does not influence the fingerprint.

    Returns:
        String, the hexadecimal SHA-256.

    Raises:
        ValueError: As in `load`.

    Example:

    >>> gan.datasets.fingerprint("mnist5k")[:8]
    'b2d8751a'
    """
    digest = hashlib.sha256()
    for pair in read_sets(source, image_shape):
        if pair is None:
            continue
        images, labels = pair
        if isinstance(images, list):
            _add_files(digest, Path(source), images)
        else:
            _add_arrays(digest, check_images(source, images, image_shape), labels)
    return digest.hexdigest()


def _add_arrays(digest, images, labels):
    digest.update(f"images {images.shape} labels {labels is not None}\n".encode())
    digest.update(images.tobytes())
    if labels is not None:
        digest.update(labels.astype("<i8").tobytes())


def _add_files(digest, folder, paths):
    for path in paths:
        with open(path, "rb") as file:
            start = file.read(HASHED_BYTES)
            size = path.stat().st_size
            file.seek(max(HASHED_BYTES, size - HASHED_BYTES))
            digest.update(f"{path.relative_to(folder).as_posix()}\0{size}\n".encode())
            digest.update(start + file.read())
