"""A lock on a folder, so that two commands never write to it at once."""

import contextlib
import os
import sys
import time
from pathlib import Path

LOCK_NAME = ".lock"
SECONDS_BETWEEN_TRIES = 0.2


@contextlib.contextmanager
def locked_folder(folder):
    """Locks a folder for as long as the block runs.

    The operating system releases the lock when the process ends, even after `kill -9`. A lock file that such a process
    leaves behind blocks nobody. A missing folder is created, and removed again if the block leaves it empty. Systems
    without `flock`, such as Windows, have no lock.

    Args:
        folder: Path of the folder.

    Raises:
        ValueError: Another process has locked the folder, or the folder cannot be written to.

    Example:

    ```python
    from gan.locks import locked_folder

    with locked_folder("runs/mnist"):
        gan.images.save_picture("runs/mnist/black.png", np.zeros((28, 28, 1), "uint8"))
    ```
    """
    folder = Path(folder)
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    lock = folder / LOCK_NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = open(lock, "a")  # noqa: SIM115, it is closed below
    except OSError as error:
        raise ValueError(f"the folder {folder} cannot be written to ({error.strerror}).") from error
    with file:
        if not _acquire(file):
            raise ValueError(
                f"the folder {folder} is in use by another process. Wait until it ends, or choose another folder."
            )
        try:
            yield
        finally:
            # Removed while it is locked. A process that has opened it by now sees that its name is gone.
            with contextlib.suppress(OSError):
                lock.unlink()
            for path in missing:
                with contextlib.suppress(OSError):
                    path.rmdir()


def is_locked(folder):
    """Returns whether a process holds the lock of a folder, as a run does that trains. Without `flock`: False.

    Args:
        folder: Path of the folder.
    """
    try:
        import fcntl

        with open(Path(folder) / LOCK_NAME) as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except (ImportError, OSError):  # no locks on this system, or no lock on this folder
        pass
    return False


@contextlib.contextmanager
def waiting_for_lock(lock, purpose):
    """Holds a lock for as long as the block runs. Waits while another process holds it.

    As in `locked_folder`, the lock ends with its process, and systems without `flock` have none.

    Args:
        lock: `pathlib.Path` of the lock file. Missing folders are created.
        purpose: What the process with the lock does, for a line on stderr while this one waits.

    Raises:
        OSError: The lock file cannot be created.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    is_waiting = False
    while True:
        with open(lock, "a") as file:
            if _acquire(file):
                try:
                    yield
                finally:
                    lock.unlink(missing_ok=True)
                return
        if not is_waiting:
            print(f"Another process {purpose}: waiting for it.", file=sys.stderr, flush=True)
            is_waiting = True
        time.sleep(SECONDS_BETWEEN_TRIES)


def _acquire(file):
    """Locks an open lock file without waiting; returns whether this worked."""
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # Some network file systems have no locks.
        return True
    return os.fstat(file.fileno()).st_nlink > 0
