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

from gan.cli import count_cores
from gan.datasets.pictures import read_picture

FILES_PER_REQUEST = 64
# Room for an answer, so that a process does not wait until it is taken. Linux only.
PIPE_BYTES = 1_048_576
# Fewer files and bytes are not worth a process.
LEAST_BYTES = 2_000_000


def decode(folder, files, image_shape, background):
    """Reads picture files on all cores that this process may use.

    Args:
        folder: `pathlib.Path`.
        files: `gan.datasets.folders.Files` of the folder.
        image_shape: `(height, width, 1 or 3)`.
        background: `(red, green, blue)`.

    Yields:
        A `gan.datasets.pictures.Reading` for each path, in order, with the pixels as bytes.

    Raises:
        ValueError: A process that decodes pictures has died.
    """
    requests = [(folder, paths, image_shape, background) for paths in _divide(files)]
    # This process decodes too, also while the others start.
    with contextlib.ExitStack() as stack:
        idle = queue.SimpleQueue()
        idle.put(_answer)
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
    """Divides files into lists that a process decodes at once. Even a few large files are shared by all cores."""
    count = len(files.paths)
    is_little = count <= FILES_PER_REQUEST and sum(files.sizes) <= LEAST_BYTES
    length = FILES_PER_REQUEST if is_little else max(1, min(FILES_PER_REQUEST, count // (4 * count_cores())))
    return [files.paths[start : start + length] for start in range(0, count, length)]


class _Worker:
    """A process that decodes pictures. Unlike `multiprocessing`, it does not import the user's script again."""

    def __enter__(self):
        program = f"import sys; sys.path[:] = {sys.path!r}; from gan.datasets.decoding import work; work()"
        self.process = subprocess.Popen(
            [sys.executable, "-c", program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pipesize=PIPE_BYTES,
            stderr=subprocess.DEVNULL,  # what C libraries say about files they cannot name
        )
        return self

    def ask(self, folder, paths, *rest):
        try:
            pickle.dump((folder, paths, *rest), self.process.stdin)
            self.process.stdin.flush()
            return pickle.load(self.process.stdout)
        except (BrokenPipeError, EOFError, ValueError, pickle.UnpicklingError) as error:
            raise ValueError(
                f"a process that decodes pictures of {folder} has died between {paths[0]} and {paths[-1]}, perhaps for "
                "lack of memory."
            ) from error

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
            pickle.dump(_answer(*pickle.load(sys.stdin.buffer)), answers)
            answers.flush()


def _answer(folder, paths, image_shape, background):
    readings = [read_picture(os.path.join(folder, path), image_shape, background) for path in paths]
    # Arrays take much longer to send.
    return [r if r.pixels is None else r._replace(pixels=r.pixels.tobytes()) for r in readings]
