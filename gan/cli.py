"""What the commands have in common: how they refuse, fail and stop. Imports nothing that takes time."""

import argparse
import contextlib
import math
import os
import sys
from pathlib import Path


def import_keras():
    """Imports Keras and TensorFlow without TensorFlow's remarks on the machine, which no setting of its own stops."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    stderr = os.dup(2)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        import keras  # noqa: F401
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)


def fail(message, status):
    """Ends the command with one sentence on stderr."""
    print(f"{Path(sys.argv[0]).name}: error: {message}", file=sys.stderr)
    sys.exit(status)


def check_output(path, overwrite=False):
    """Makes sure that a file can be written, and that nothing is lost by it."""
    if path.is_dir():
        fail(f"{path} is a folder that exists: name another.", 2)
    if path.exists() and not overwrite:
        fail(f"{path} exists: name another, or add --overwrite to replace it.", 2)
    folder = next(parent for parent in path.absolute().parents if parent.exists())
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        fail(f"{path} cannot be written: {folder} is no folder that you may write to.", 2)


def format_duration(seconds):
    """A time to wait, in words: `"2 min 05 s"`, `"1 h 40 min"`."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {seconds:02d} s"


@contextlib.contextmanager
def errors_exit(*errors, status):
    """Turns these errors into the end of the command: their sentence and a status, but no traceback."""
    try:
        yield
    except errors as error:
        fail(error, status)


def positive_int(text):
    """A whole number of at least 1, for `argparse`."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, not {text!r}")
    return int(text)


def natural_int(text):
    """A whole number of at least 0, for `argparse`."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 0, not {text!r}")
    return int(text)


def positive_float(text):
    """A number above 0, for `argparse`."""
    return _float(text, lambda value: 0 < value < math.inf, "a number above 0")


def natural_float(text):
    """A number of at least 0, for `argparse`."""
    return _float(text, lambda value: 0 <= value < math.inf, "a number of at least 0")


def share(text):
    """A number from 0 up to but not 1, for `argparse`."""
    return _float(text, lambda value: 0 <= value < 1, "a number from 0 to below 1")


def _float(text, is_valid, wanted):
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not is_valid(value):
        raise argparse.ArgumentTypeError(f"must be {wanted}, not {text!r}")
    return value
