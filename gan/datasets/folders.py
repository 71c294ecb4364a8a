"""Folders of pictures: their files, their classes, and the size that suits them."""

import array
import os
from typing import NamedTuple

import numpy as np

from gan.datasets.pictures import read_picture
from gan.text import format_count, format_name

# Enough to see whether pictures are in color and how large they are.
SAMPLED_PICTURES = 100
SAMPLE_SIZE = 32
SMALLEST_SIDE, LARGEST_SIDE = 8, 64
# Gray scans that are saved as color JPEG files have smaller differences between their channels.
VISIBLE_COLOR = 32


class Files(NamedTuple):
    """The files of a folder and its subfolders.

    Attributes:
        paths: Sorted list of strings, relative to the folder, with `/`.
        stamps: Int array `(count, 3)`: the size of each file in bytes, and when its content and its entry changed.
        hidden: Int, number of hidden files and folders, which are skipped.
    """

    paths: list
    stamps: np.ndarray
    hidden: int


def list_files(folder):
    """Lists the visible files of a folder and its subfolders. Links to folders are followed, except in a loop.

    Args:
        folder: `pathlib.Path`.

    Returns:
        `Files`.

    Raises:
        ValueError: A folder cannot be read.
    """
    # Arrays, unlike tuples, leave no holes in memory.
    paths, stamps, hidden = [], array.array("q"), 0
    try:
        for path, status in _walk(folder, "", set()):
            if status is None:
                hidden += 1
            else:
                paths.append(path)
                times = status.st_mtime_ns, status.st_ctime_ns
                stamps.extend(number % 2**63 for number in (status.st_size, *times))  # the year 2300 has more bits
    except OSError as error:
        raise ValueError(f"{error.filename or folder} cannot be read ({error.strerror}).") from error
    order = sorted(range(len(paths)), key=paths.__getitem__)
    return Files([paths[place] for place in order], np.array(stamps).reshape(-1, 3)[order], hidden)


def _walk(folder, prefix, parents):
    """Yields the path of each file, with an `os.stat_result` if it is visible and None otherwise."""
    status = os.stat(folder)
    if (status.st_dev, status.st_ino) in parents:
        return
    parents = {*parents, (status.st_dev, status.st_ino)}
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(".") or entry.name == "__MACOSX":
                yield prefix + entry.name, None
            elif entry.is_dir():
                yield from _walk(entry.path, f"{prefix}{entry.name}/", parents)
            elif entry.is_file():
                yield prefix + entry.name, entry.stat()
            else:
                yield prefix + entry.name, None  # such as a link to nowhere


def find_classes(paths):
    """Finds the classes of pictures: the subfolders, if there are at least two and all pictures lie in them.

    Args:
        paths: List of strings, the pictures' paths relative to their folder.

    Returns:
        An int array `(count,)` of labels, the sorted list of the subfolders' names, and a string that says which
        pictures keep subfolders from being classes. The first two are None if there are no classes; the string is None
        if nothing is in the way of classes, or there are no two subfolders.
    """
    folders = [path.partition("/")[0] for path in paths if "/" in path]
    names = sorted(set(folders))
    if len(names) < 2:
        return None, None, None
    if len(folders) < len(paths):
        stray = [path for path in paths if "/" not in path]
        others = f" and {format_count(len(stray) - 1, 'other')} lie" if len(stray) > 1 else " lies"
        return None, None, f"{format_name(stray[0])}{others} beside the subfolders"
    numbers = {name: number for number, name in enumerate(names)}
    return np.array([numbers[folder] for folder in folders]), names, None


def suggest_shape(folder, paths, background):
    """Chooses a shape for the pictures of a folder by looking at a hundred of them.

    Args:
        folder: `pathlib.Path`.
        paths: List of strings, relative to the folder.
        background: `(red, green, blue)`.

    Returns:
        `(side, side, channels)`: 3 channels if a picture is in color, otherwise 1. The side is the median of the
        pictures' shorter sides, rounded down to a multiple of 4, at least 8 and at most 64. None without pictures.
    """
    sides, has_color = [], False
    for index in np.random.default_rng(0).permutation(len(paths)):
        path = os.path.join(folder, paths[index])
        reading = read_picture(path, (SAMPLE_SIZE, SAMPLE_SIZE, 3), background)
        if reading.pixels is None:
            continue
        sides.append(min(reading.size))
        has_color = has_color or int(np.ptp(reading.pixels.astype(int), axis=-1).max()) > VISIBLE_COLOR
        if len(sides) == SAMPLED_PICTURES:
            break
    if not sides:
        return None
    side = max(SMALLEST_SIDE, min(LARGEST_SIDE, int(np.median(sides))) // 4 * 4)
    return side, side, 3 if has_color else 1
