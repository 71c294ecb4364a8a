"""Files that are written whole or not at all, and files that are had or else refused with a sentence."""

import contextlib
import os
import socket
import zipfile
from pathlib import Path

DOWNLOAD_TIMEOUT_SECONDS = 5


@contextlib.contextmanager
def written_whole(path):
    """Gives a path to write to that takes the place of `path` once all of it is on disk.

    Whoever reads `path` finds the old file or the new one, never a part, also after `kill -9` or with a full disk.
    The folder is made where it is missing.

    Args:
        path: The file to write.

    Yields:
        A path in the same folder, with the same suffix.

    Example:

    ```python
    with gan.files.written_whole("runs/notes.txt") as partial:
        partial.write_text("all of it")
    ```
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".partial.{path.name}")
    try:
        yield partial
        with open(partial, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def read_keras_file(path):
    """Loads any Keras model: `keras.models.load_model`, but a `ValueError` says in a sentence why it cannot.

    Args:
        path: The `.keras` file.

    Returns:
        The model.

    Raises:
        ValueError: The file does not exist, is damaged or needs a class that is not known.
    """
    import keras  # what only writes pictures does not wait for it

    if not os.path.isfile(path):
        raise ValueError(f"there is no model file {str(path)!r}.")
    try:
        return keras.models.load_model(path)
    except (zipfile.BadZipFile, OSError, EOFError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path} is no .keras file, is damaged, or needs a class that is not imported "
            f"({str(error).splitlines()[0]})."
        ) from error


@contextlib.contextmanager
def downloading(name):
    """Has Keras download something without waiting long for a network that is not there.

    Args:
        name: What is downloaded, for the sentence.

    Raises:
        ValueError: It could not be had.
    """
    timeout_before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(DOWNLOAD_TIMEOUT_SECONDS)
    try:
        yield
    except Exception as error:  # Keras raises a bare Exception for a URL that cannot be had.
        raise ValueError(f"{name} could not be downloaded ({error}).") from error
    finally:
        socket.setdefaulttimeout(timeout_before)
