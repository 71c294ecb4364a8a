"""Reading and writing files: atomic writes, and model files and downloads with clear errors."""

import contextlib
import os
import shutil
import socket
import zipfile
from pathlib import Path

DOWNLOAD_TIMEOUT_SECONDS = 5


class NewerFileError(ValueError):
    """A model was saved by a newer version of this library."""


def cache_folder():
    """Returns the folder of what can be made or downloaded again: `gan` in `$XDG_CACHE_HOME`, or in `~/.cache`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gan"


@contextlib.contextmanager
def written_whole(path):
    """Writes a file atomically: yields a temporary path, which replaces `path` once its content is on disk.

    Readers of `path` see either the old file or the complete new one, even after `kill -9` or on a full disk. Missing
    folders are created. A folder can be written too; there, a short moment lies between the old and the new one.

    Args:
        path: The file or folder to write.

    Yields:
        A `pathlib.Path` in the same folder, with the same suffix.

    Example:

    ```python
    with gan.files.written_whole("runs/notes.txt") as partial:
        partial.write_text("The whole text.")
    ```
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".partial.{path.name}")
    try:
        yield partial
        for file in [path for path in (partial, *partial.rglob("*")) if path.is_file()]:
            with open(file, "rb+") as stream:
                os.fsync(stream.fileno())
        if partial.is_dir() and path.is_dir():
            shutil.rmtree(path)
        os.replace(partial, path)
    finally:
        if partial.is_dir():
            shutil.rmtree(partial)
        partial.unlink(missing_ok=True)


def read_keras_file(path):
    """Loads a Keras model, as `keras.models.load_model` does, but fails with a clear `ValueError`.

    Args:
        path: The `.keras` file.

    Returns:
        The model.

    Raises:
        ValueError: The file does not exist, is damaged, or needs a class that is not registered.

    Example:

    ```python
    gan.build_discriminator().save("discriminator.keras")
    network = gan.files.read_keras_file("discriminator.keras")
    ```
    """
    import keras  # Imported here, so that code that only writes files starts fast.

    if not os.path.isfile(path):
        raise ValueError(f"there is no model file {str(path)!r}.")
    if Path(path).suffix != ".keras":
        raise ValueError(f"{path} is not a .keras file.")
    _check_whole(path)
    try:
        return keras.models.load_model(path)
    except NewerFileError as error:
        raise NewerFileError(f"{path} cannot be loaded: {error}") from error
    except (zipfile.BadZipFile, OSError, EOFError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path} cannot be loaded: it is not a .keras file, is damaged, or needs a class that is not imported "
            f"({str(error).splitlines()[0]})."
        ) from error


def _check_whole(path):
    """Makes sure that a zip file is what was once written. Keras does not compare checksums."""
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
    except (zipfile.BadZipFile, OSError, EOFError) as error:
        raise ValueError(f"{path} cannot be loaded: it is damaged, or no .keras file ({error}).") from error
    if damaged:
        raise ValueError(f"{path} cannot be loaded: {damaged} in it is damaged.")


@contextlib.contextmanager
def downloading(name):
    """Runs a Keras download with a short timeout, and fails with a clear `ValueError`.

    Args:
        name: Name of what is downloaded, for the message.

    Raises:
        ValueError: The download failed.
    """
    timeout_before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(DOWNLOAD_TIMEOUT_SECONDS)
    try:
        yield
    except Exception as error:  # Keras raises a bare Exception if a URL cannot be reached.
        raise ValueError(f"{name} could not be downloaded ({error}).") from error
    finally:
        socket.setdefaulttimeout(timeout_before)
