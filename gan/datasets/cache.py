"""The pictures of a folder, decoded once into one file of bytes, which later runs map into memory.

The file holds the pixels of all pictures, one after another, then a record of what else was found, as JSON, and finally
the length of this record and a mark. It is written whole or not at all.
"""

import contextlib
import hashlib
import json
import math
import os
import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gan.cli import format_duration
from gan.datasets import folders
from gan.datasets.decoding import decode
from gan.datasets.pictures import FORMATS, parse_color, read_picture
from gan.files import cache_folder, written_whole
from gan.locks import waiting_for_lock
from gan.text import format_count, format_name, format_names, format_shape

SUFFIX = ".pictures"
MARK = b"GANPICT3"
SECONDS_BETWEEN_LINES = 10


class Pictures(NamedTuple):
    """The pictures of a folder.

    Attributes:
        images: uint8 array `(count, height, width, channels)`, mapped from the file, read-only.
        labels: Int array `(count,)`, or None if the folder has no classes.
        class_names: List of strings, or None.
        stray: String that says which pictures keep the subfolders from being classes, or None.
        file: `pathlib.Path`, the file of the pixels.
        digest: String, the hexadecimal SHA-256 of the names and contents of the pictures' files.
        damaged: Dict from the paths of damaged pictures to reasons.
        transparent: Int, number of pictures that are put on the background.
        cropped: Int, number of pictures that have other proportions than the images.
        skipped: Int, number of files that are no pictures.
        skipped_suffixes: String, the suffixes of these, apart from hidden files.
        background: String, the color that was requested.
        is_shape_chosen: Bool, whether the shape was chosen from the pictures.
    """

    images: np.ndarray
    labels: np.ndarray | None
    class_names: list | None
    stray: str | None
    file: Path
    digest: str
    damaged: dict
    transparent: int
    cropped: int
    skipped: int
    skipped_suffixes: str
    background: str
    is_shape_chosen: bool


def read_folder(folder, image_shape, background, skip_damaged):
    """Reads the pictures of a folder: from the cache, if the folder has not changed since they were decoded.

    Args:
        folder: `pathlib.Path`.
        image_shape: `(height, width, 1 or 3)`, or None to choose it by `gan.datasets.folders.suggest_shape`.
        background: String, the name of a color or `"#rrggbb"`.
        skip_damaged: Bool, whether to leave out damaged pictures instead of refusing them.

    Returns:
        `Pictures`.

    Raises:
        ValueError: There are no pictures, some are damaged, there is no such color, or the cache cannot be written.
    """
    color = parse_color(background)
    files = folders.list_files(folder)
    stem, state = _name_stem(folder, color), _hash_state(files)
    suggested = None
    if image_shape is None:
        suggested = _find_suggestion(stem, state) or folders.suggest_shape(folder, files.paths, color)
    shape = tuple(image_shape or suggested or (1, 1, 1))
    file = cache_folder() / f"{stem}-{format_shape(shape)}-{state}{SUFFIX}"
    record = _read_record(file)
    if record is None or _can_read_more(folder, record, color):
        with _described_failures(folder), waiting_for_lock(_lock_of(file), f"decodes {folder}"):
            newer = _read_record(file)
            # Another process may have written it while this one waited.
            record = newer if newer != record else _write(file, folder, files, shape, color, suggested)
    damaged, others = record["damaged"], set(record["others"])
    paths = [path for path in files.paths if path not in damaged and path not in others]
    if damaged and not (skip_damaged and paths):
        raise ValueError(_describe_damaged(folder, damaged, bool(paths)))
    if not paths:
        found = f" Its {format_count(len(others), 'file')} are others ({_format_suffixes(others)})." if others else ""
        raise ValueError(f"{folder} holds no pictures ({', '.join(FORMATS)}) and no IDX files.{found}")
    images = np.memmap(file, "uint8", "r", shape=(len(paths), *shape))
    skipped = len(others) + files.hidden
    return Pictures(
        images,
        *folders.find_classes(paths),
        file,
        record["digest"],
        damaged,
        record["transparent"],
        record["cropped"],
        skipped,
        _format_suffixes(others),
        background,
        image_shape is None,
    )


@contextlib.contextmanager
def _described_failures(folder):
    try:
        yield
    except OSError as error:
        raise ValueError(
            f"the pictures of {folder} cannot be decoded into {cache_folder()} ({error.strerror or error}). To use "
            "another folder, set the environment variable XDG_CACHE_HOME."
        ) from error


def _format_suffixes(paths):
    return format_names(sorted({os.path.splitext(path)[1].lower() or "without a suffix" for path in paths}))


def _name_stem(folder, background):
    """Names the caches of a folder. Their names also contain the shape and the state of the folder."""
    name = "".join(letter if letter.isalnum() else "_" for letter in Path(folder).resolve().name)[:40]
    return f"{name}-{_hash(os.fsencode(f'{os.path.realpath(folder)} {background}'))}"


def _hash_state(files):
    return _hash(os.fsencode("\0".join(files.paths)) + files.stamps.tobytes())


def _hash(content):
    return hashlib.sha256(content).hexdigest()[:12]


def _find_suggestion(stem, state):
    """Returns the shape that was suggested for a folder when it was decoded in the same state, or None."""
    for file in cache_folder().glob(f"{stem}-*-{state}{SUFFIX}"):
        if (record := _read_record(file)) and record["suggested"]:
            return record["suggested"]
    return None


def _can_read_more(folder, record, background):
    """Whether a picture that could not be read now can: lack of memory or of a package is no property of a file."""
    return any(
        read_picture(os.path.join(folder, path), (1, 1, 3), background).pixels is not None for path in record["damaged"]
    )


def _read_record(file):
    """Reads the record at the end of a cache; None if there is no such file or it is incomplete."""
    try:
        with open(file, "rb") as stream:
            stream.seek(-16, os.SEEK_END)
            end = stream.tell()
            length, mark = int.from_bytes(stream.read(8)), stream.read(8)
            if mark != MARK:
                return None
            stream.seek(end - length)
            record = json.loads(stream.read(length))
            return record if end - length == record["bytes"] else None
    except (OSError, ValueError):
        return None


def _write(file, folder, files, image_shape, background, suggested):
    """Decodes all pictures of a folder into a new cache, and removes the caches of its earlier states."""
    digest = hashlib.sha256()
    record = {"bytes": 0, "transparent": 0, "cropped": 0, "damaged": {}, "others": [], "suggested": suggested}
    progress = _Progress(folder, len(files.paths))
    found = []
    with written_whole(file) as partial:
        partial.unlink(missing_ok=True)
        partial.touch()
        readings = decode(folder, files, partial, image_shape, background)
        for place, (path, reading) in enumerate(zip(files.paths, readings, strict=True)):
            progress.advance()
            if reading.problem is not None:
                record["damaged"][path] = reading.problem
            elif reading.size is None:
                record["others"].append(path)
            else:
                found.append(place)
                record["transparent"] += reading.is_transparent
                record["cropped"] += reading.is_cropped
                digest.update(os.fsencode(path) + b"\0" + reading.digest)
        record["bytes"] = len(found) * math.prod(image_shape)
        record["digest"] = digest.hexdigest()
        _close_gaps(partial, found, image_shape)
        with open(partial, "ab") as stream:
            content = json.dumps(record).encode()
            stream.write(content + len(content).to_bytes(8) + MARK)
        if found:
            progress.end(f"decoded into {file}, {os.path.getsize(partial) / 1e6:,.1f} MB")
    for pattern in (f"{_state_free(file)}-*", f".partial.{_state_free(file)}-*"):
        for other in set(file.parent.glob(pattern)) - {file}:
            # Windows does not remove files that are mapped.
            with contextlib.suppress(OSError):
                other.unlink()
    return record


def _close_gaps(file, places, image_shape):
    """Moves the images at these places, in ascending order, to the beginning of a file, and cuts off what follows."""
    if len(places) < os.path.getsize(file) // math.prod(image_shape):
        with open(file, "r+b") as stream:
            for new, old in enumerate(places):
                stream.seek(old * math.prod(image_shape))
                image = stream.read(math.prod(image_shape))
                stream.seek(new * math.prod(image_shape))
                stream.write(image)
            stream.truncate(len(places) * math.prod(image_shape))


def _lock_of(file):
    """The lock of a cache, the same for all states of its folder."""
    return file.with_name(f".{_state_free(file)}.lock")


def _state_free(file):
    """The part of a cache's name that stays when the folder changes."""
    return file.name.rpartition("-")[0]


def _describe_damaged(folder, damaged, has_others):
    names = format_names([f"{format_name(path)} ({reason})" for path, reason in damaged.items()])
    ways = "Repair or remove them, or skip them with --skip-damaged (skip_damaged=True in Python)."
    return (
        f"{folder} holds {format_count(len(damaged), 'picture')} that cannot be read"
        f"{'' if has_others else ', and no others'}: {names}. " + (ways if has_others else "Use another folder.")
    )


class _Progress:
    """Shows on stderr how many files are read and how long the rest will take."""

    def __init__(self, folder, count):
        self.folder = folder
        self.count = count
        self.done = 0
        self.started = self.shown = time.monotonic()
        self.seconds = 0.5 if sys.stderr.isatty() else SECONDS_BETWEEN_LINES

    def advance(self):
        self.done += 1
        now = time.monotonic()
        if now > self.shown + self.seconds and self.done < self.count:
            left = (now - self.started) / self.done * (self.count - self.done)
            self._show(f"reading {self.done:,} of {self.count:,} files, {format_duration(left)} left")
            self.shown = now

    def end(self, text):
        self._show(f"{format_count(self.count, 'file')} {text}", "\n")

    def _show(self, text, end=""):
        if sys.stderr.isatty():
            print(f"\r{self.folder}: {text}\033[K", end=end, file=sys.stderr, flush=True)
        else:
            print(f"{self.folder}: {text}", file=sys.stderr, flush=True)
