"""Files that are written whole or not at all."""

import contextlib
import os
from pathlib import Path


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
