"""Decodes picture files on all cores, in separate processes: threads wait for Python's global lock."""

import collections
import contextlib
import os
import pickle
import queue
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from gan.cli import count_cores
from gan.datasets.pictures import read_picture

FILES_PER_REQUEST = 64
# Fewer files and bytes are not worth a process.
LEAST_BYTES = 2_000_000


def decode(folder, files, target, image_shape, background):
    """Reads picture files on all cores that this process may use, and writes their pixels to one file.

    Args:
        folder: `pathlib.Path`.
        files: `gan.datasets.folders.Files` of the folder.
        target: `pathlib.Path` of an empty file. The pixels of the first of `files` are its first bytes, and so on;
            files that are no pictures or cannot be read become zeros.
        image_shape: `(height, width, 1 or 3)`.
        background: `(red, green, blue)`.

    Yields:
        A `gan.datasets.pictures.Reading` for each path, in order, without its pixels.

    Raises:
        OSError: The target cannot be written.
        ValueError: A process that decodes pictures has died.
    """
    requests = [(folder, paths, target, start, image_shape, background) for start, paths in _divide(files)]
    # This process decodes too, also while the others start.
    with contextlib.ExitStack() as stack:
        idle = queue.SimpleQueue()
        idle.put(_decode)
        count = max(1, min(count_cores(), len(requests)))
        pool = ThreadPoolExecutor(count)
        stack.callback(pool.shutdown, cancel_futures=True)
        for _ in range(count - 1):
            idle.put(stack.enter_context(_Worker()).ask)

        def ask(request):
            answer = idle.get()
            try:
                return answer(*request)
            finally:
                idle.put(answer)

        pending = collections.deque()
        for request in requests:
            pending.append(pool.submit(ask, request))
            if len(pending) > 2 * count:
                yield from pending.popleft().result()
        while pending:
            yield from pending.popleft().result()


def _divide(files):
    """Divides files into lists that a process decodes at once. Even a few large files are shared by all cores.

    Returns:
        List of pairs: the position of the first file, and the paths.
    """
    count = len(files.paths)
    is_little = count <= FILES_PER_REQUEST and files.stamps[:, 0].sum() <= LEAST_BYTES
    length = FILES_PER_REQUEST if is_little else max(1, min(FILES_PER_REQUEST, count // (4 * count_cores())))
    return [(start, files.paths[start : start + length]) for start in range(0, count, length)]


class _Worker:
    """A process that decodes pictures. Unlike `multiprocessing`, it does not import the user's script again."""

    def __enter__(self):
        program = f"import sys; sys.path[:] = {sys.path!r}; from gan.datasets.decoding import work; work()"
        self.process = subprocess.Popen(
            [sys.executable, "-c", program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # what C libraries say about files they cannot name
        )
        return self

    def ask(self, folder, paths, *rest):
        try:
            pickle.dump((folder, paths, *rest), self.process.stdin)
            self.process.stdin.flush()
            answer = pickle.load(self.process.stdout)
        except (BrokenPipeError, EOFError, ValueError, pickle.UnpicklingError) as error:
            raise ValueError(
                f"a process that decodes pictures of {folder} has died between {paths[0]} and {paths[-1]}, perhaps for "
                "lack of memory."
            ) from error
        if isinstance(answer, OSError):
            raise answer
        return answer

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()


def work():
    """Answers requests from stdin on stdout until stdin is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that asks
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # messages of a library must not mix with the answers
    with contextlib.suppress(EOFError, BrokenPipeError):
        while True:
            request = pickle.load(sys.stdin.buffer)
            try:
                answer = _decode(*request)
            except OSError as error:  # such as a full disk
                answer = error
            pickle.dump(answer, answers)
            answers.flush()


def _decode(folder, paths, target, start, image_shape, background):
    # Opened first: if the asking process is killed now, the file of its successor is another one.
    with open(target, "r+b") as file:
        pixels = np.zeros((len(paths), *image_shape), "uint8")
        readings = []
        for place, path in enumerate(paths):
            reading = read_picture(os.path.join(folder, path), image_shape, background)
            if reading.pixels is not None:
                pixels[place] = reading.pixels
            readings.append(reading._replace(pixels=None))
        file.seek(start * pixels[0].nbytes)
        file.write(pixels)
    return readings
