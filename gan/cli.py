"""What the commands share: how they refuse, fail, stop and print. Imports no backend."""

import contextlib
import os
import signal
import sys
import warnings
from pathlib import Path

from gan.backends import find_problem


def import_keras():
    """Imports Keras and TensorFlow without TensorFlow's messages about the machine.

    Some of these messages ignore `TF_CPP_MIN_LOG_LEVEL`, so stderr is closed during the import.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if problem := find_problem(os.environ.get("KERAS_BACKEND") or "tensorflow"):
        fail(problem, 2)
    stderr = os.dup(2)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        import keras  # noqa: F401

        from gan import engines  # noqa: F401
    except ImportError as error:
        reason = str(error).splitlines()[0].rstrip(".")
    else:
        reason = None
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
    if reason:
        fail(f"Keras or its backend cannot be imported: {reason}.", 2)
    show = warnings.showwarning

    def show_warning(message, category, *where, **kwargs):
        """A person who trains by commands has no use for the line of code that warns."""
        if category is UserWarning:
            warn(message)
        else:
            show(message, category, *where, **kwargs)

    warnings.showwarning = show_warning


def fail(message, status):
    """Ends the command with one message on stderr."""
    print(f"{Path(sys.argv[0]).name}: error: {message}", file=sys.stderr)
    sys.exit(status)


def warn(message):
    """Prints a warning on stderr."""
    print(f"{Path(sys.argv[0]).name}: warning: {message}", file=sys.stderr)


@contextlib.contextmanager
def errors_exit(*errors, status):
    """Turns these errors into a message and an exit status, without a traceback."""
    try:
        yield
    except errors as error:
        fail(error, status)


@contextlib.contextmanager
def failures_exit(less_memory="A smaller --batch-size or smaller networks"):
    """Turns what can go wrong during long work, such as a full disk, into a message and exit status 1.

    Args:
        less_memory: What needs less memory, for the message.
    """
    import tensorflow as tf

    try:
        yield
    except (MemoryError, tf.errors.ResourceExhaustedError):
        fail(f"out of memory. {less_memory} would need less.", 1)
    except (FloatingPointError, OSError, tf.errors.OpError) as error:
        fail(error, 1)


@contextlib.contextmanager
def interruptible(describe=lambda: "stopped."):
    """Turns Ctrl-C into a message and exit status 130.

    Ctrl-C waits until the code of the backend returns, because an exception amid the Python code of TensorFlow can
    leave memory behind that is used after it is freed. A second Ctrl-C does not wait.

    Args:
        describe: Function that returns the message. Called when Ctrl-C is pressed.
    """
    # A shell lets its background jobs ignore Ctrl-C.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)
    try:
        yield
    except KeyboardInterrupt:
        print(f"\n{describe()}", file=sys.stderr)
        sys.exit(130)
    finally:
        if signal.getsignal(signal.SIGINT) is _interrupt:
            sys.setprofile(None)
            signal.signal(signal.SIGINT, signal.default_int_handler)


def _interrupt(_, frame):
    if sys.getprofile() is None and _is_in_backend(frame):
        sys.setprofile(_interrupt_outside_backend)
    else:
        sys.setprofile(None)
        raise KeyboardInterrupt


def _interrupt_outside_backend(frame, event, _):
    if event != "return" or not frame.f_back or _is_in_backend(frame.f_back):
        return
    # A context would be left without its end, and Python ignores what a `__del__` raises.
    if not {frame.f_code.co_name, frame.f_back.f_code.co_name} & {"__enter__", "__exit__", "__del__"}:
        sys.setprofile(None)
        raise KeyboardInterrupt


def _is_in_backend(frame):
    while frame:
        if frame.f_globals.get("__name__", "").partition(".")[0] in ("tensorflow", "jax", "torch"):
            return True
        frame = frame.f_back
    return False


def check_output(path, overwrite=False, is_folder=False):
    """Refuses an output, a file unless `is_folder`, that cannot be written or would replace another one."""
    if path.is_dir() and not is_folder:
        fail(f"{path} is an existing folder. Choose another name.", 2)
    if path.exists() and not overwrite:
        fail(f"{path} exists. Choose another name, or add --overwrite to replace it.", 2)
    folder = next(parent for parent in path.absolute().parents if parent.exists())
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        fail(f"{path} cannot be written: {folder} is not a folder with write permission.", 2)


def describe_fallback(requested, used):
    """Returns a sentence if smaller data replaced the requested data, else None."""
    if requested == used or not used.endswith("mnist5k"):
        return None
    return (
        f"Note: this used {used}, made of only 5,000 digits, because --data {requested} could not get the 60,000 "
        "images of MNIST."
    )


def format_duration(seconds):
    """Formats a duration: `"9 s"`, `"2 min 05 s"`, `"1 h 40 min"`."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {seconds:02d} s" if minutes else f"{seconds} s"


def count_cores():
    """Returns the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
