"""The formats of exports, and what they need. Imports no backend."""

import importlib.util
from pathlib import Path
from typing import NamedTuple


class Format(NamedTuple):
    """What a format needs.

    Attributes:
        suffix: Suffix of the file. Empty if it is a folder.
        backend: The Keras backend that writes it.
        package: The package that writes it. None if it is always there.
        extra: The extra that brings the package.
    """

    suffix: str
    backend: str
    package: str | None = None
    extra: str | None = None


# The module of this name in gan.exports writes the format, except for html, which page.py makes from ONNX.
FORMATS = {
    "saved_model": Format("", "tensorflow"),
    "onnx": Format(".onnx", "tensorflow", "tf2onnx", "onnx"),
    "litert": Format(".tflite", "tensorflow"),
    "torch": Format(".pt2", "torch", "torch", "torch"),
    "html": Format(".html", "tensorflow", "tf2onnx", "onnx"),
}


def check(format, path):
    """Makes sure that a format can be written to a path.

    Args:
        format: Name of the format.
        path: Where the file or folder is to be.

    Raises:
        ImportError: A package is missing.
        ValueError: There is no such format, or the path does not suit it.
    """
    if format not in FORMATS:
        raise ValueError(f"format must be one of {', '.join(FORMATS)}, not {format!r}.")
    suffix, _, package, extra = FORMATS[format]
    path = Path(path)
    if package and importlib.util.find_spec(package) is None:
        raise ImportError(f"format {format} needs the extra {extra!r}. Run: pip install -e '.[{extra}]'")
    if suffix and path.suffix != suffix:
        raise ValueError(f"a file of the format {format} must end in {suffix}, and {path} does not.")
    if suffix and path.is_dir():
        raise ValueError(f"{path} is an existing folder, and the format {format} is a file. Choose another name.")
    if not suffix and path.exists() and not (path / "saved_model.pb").is_file():
        raise ValueError(f"{path} exists and is not a SavedModel, and is not replaced. Choose another name.")
