"""Which Keras backends the library runs on. Imports none of them."""

import importlib.metadata
import importlib.util

from packaging.version import Version

# The oldest version of each package, as in pyproject.toml.
OLDEST = {"tensorflow": "2.19", "jax": "0.5", "torch": "2.6"}


def find_problem(backend):
    """Returns a sentence that says why a backend cannot be used, or None if nothing is known against it."""
    if backend not in OLDEST:
        return f"KERAS_BACKEND must be one of {', '.join(OLDEST)}, not {backend}."
    if importlib.util.find_spec(backend) is None:
        return f"the Keras backend {backend} is not installed. Install it, or change KERAS_BACKEND."
    try:
        version = importlib.metadata.version(backend)
    except importlib.metadata.PackageNotFoundError:  # installed under another name, such as tensorflow-cpu
        return None
    if Version(version) < Version(OLDEST[backend]):
        return f"the Keras backend {backend} must be version {OLDEST[backend]} or later, and {version} is installed."
    return None
