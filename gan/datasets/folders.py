"""Folders of pictures: their files, their classes, and the size that suits them."""

import os
from typing import NamedTuple

import numpy as np

from gan.datasets.pictures import read_picture

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
        stamps: List with a string for each path, which changes when the file does.
        sizes: List with the size in bytes of each file.
        hidden: Int, number of hidden files and folders, which are skipped.
    """

    paths: list
    stamps: list
    sizes: list
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
    found, hidden = [], 0

    def walk(path, prefix, parents):
        nonlocal hidden
        status = os.stat(path)
        if (status.st_dev, status.st_ino) in parents:
            return
        parents = {*parents, (status.st_dev, status.st_ino)}
        with os.scandir(path) as entries:
            for entry in entries:
                if entry.name.startswith(".") or entry.name == "__MACOSX":
                    hidden += 1
                elif entry.is_dir():
                    walk(entry.path, f"{prefix}{entry.name}/", parents)
                elif entry.is_file():
                    status = entry.stat()
                    stamp = f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"
                    found.append((prefix + entry.name, stamp, status.st_size))
                else:
                    hidden += 1  # such as a link to nowhere

    try:
        walk(folder, "", set())
    except OSError as error:
        raise ValueError(f"{error.filename or folder} cannot be read ({error.strerror}).") from error
    found.sort()
    return Files(*(list(column) for column in zip(*found, strict=True)), hidden) if found else Files([], [], [], hidden)


def find_classes(paths):
    """Finds the classes of pictures: the subfolders, if there are at least two and all pictures lie in them.

    Args:
        paths: List of strings, the pictures' paths relative to their folder.

    Returns:
        A pair: the sorted list of the subfolders' names, and an int array `(count,)` of labels. Both are None if there
        are no classes.
    """
    folders = [path.partition("/")[0] for path in paths]
    if any("/" not in path for path in paths) or len(set(folders)) < 2:
        return None, None
    names = sorted(set(folders))
    numbers = {name: number for number, name in enumerate(names)}
    return names, np.array([numbers[folder] for folder in folders])


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
