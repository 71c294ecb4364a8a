"""Writes an export with the Keras backend that the format needs: in this process, or in one of its own."""

import importlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import keras

import gan
from gan.exports.formats import FORMATS


def write(sampler, format, path):
    """Writes an export.

    Args:
        sampler: What `gan.exports.sampler.build_sampler` returns.
        format: Name of the format.
        path: `pathlib.Path` of the file or folder.

    Raises:
        RuntimeError: The sampler holds what the format or another backend does not know.
    """
    if keras.backend.backend() == FORMATS[format].backend:
        return _write_here(sampler, format, path)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "sampler.keras"
        sampler.save(file)
        # -P: modules in the current folder are none of ours. Without GPUs: this process may need all of their memory.
        paths = [str(Path(gan.__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
        settings = {"KERAS_BACKEND": FORMATS[format].backend, "CUDA_VISIBLE_DEVICES": "-1"}
        result = subprocess.run(
            [sys.executable, "-P", "-m", __name__, file, format, path],
            env={**os.environ, **settings, "PYTHONPATH": os.pathsep.join(paths)},
            capture_output=True,
            text=True,
        )
    if result.returncode:
        raise RuntimeError(result.stderr.strip().splitlines()[-1])


def _write_here(sampler, format, path):
    try:
        importlib.import_module(f"gan.exports.{format}").write(sampler, path)
    except Exception as error:  # converters raise exceptions of many kinds
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise RuntimeError(f"the generator cannot be exported as {format}: {reason}") from error


def main():
    file, format, path = sys.argv[1:]
    try:
        sampler = gan.files.read_keras_file(file)
    except ValueError:
        backend = FORMATS[format].backend
        sys.exit(
            f"the generator cannot be exported as {format}: a process with the backend {backend} does not know all of "
            f"its layers. Export it from a process that does, with KERAS_BACKEND={backend}."
        )
    try:
        _write_here(sampler, format, Path(path))
    except RuntimeError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
