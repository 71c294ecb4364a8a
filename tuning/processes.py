"""Starts and ends the processes of a sweep, and leaves none of them behind.

If possible, processes are forked from a server that has imported Keras and its backend but never used them. They start
instantly, and their memory is freed when they end. The process of the command imports neither.
"""

import contextlib
import importlib
import multiprocessing
import os
import signal
import sys
import threading
from multiprocessing.connection import wait

# Exit statuses of a worker, besides 0 after a trial.
NO_MORE_TRIALS = 10
NO_CHIEF = 11
DISK_FULL = 12
HEARTBEAT_SECONDS = 5


def get_context(forks=True):
    """Returns the `multiprocessing` context that starts processes.

    Args:
        forks: Bool. Whether processes may be forked. CUDA and macOS do not support it. Defaults to True.

    Returns:
        A `multiprocessing` context.
    """
    # Libraries read these when they are imported, TensorFlow and JAX when they find a GPU. NumPy has little work: one
    # thread. The processes share a GPU's memory, of which JAX would reserve most for the first.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    context = multiprocessing.get_context("forkserver" if forks and sys.platform == "linux" else "spawn")
    context.set_forkserver_preload(["tuning.preload"])
    return context


def start(context, target, *arguments, name="", log=None, environment=None, heartbeat=None):
    """Runs a function in a new process, which ignores Ctrl-C and ends when this process ends for any reason.

    Args:
        context: A context from `get_context`.
        target: String `"module:function"`. It is imported only in the new process.
        *arguments: Arguments of the function. They must be picklable.
        name: String. Name of the process in the system's process list, on Linux.
        log: `pathlib.Path` of a file to which stderr is appended. Defaults to None: the stderr of this process.
        environment: Dict of environment variables to set. Defaults to None.
        heartbeat: Path of a file whose modification time is updated while the process lives. Defaults to None.

    Returns:
        The `multiprocessing.Process`.
    """
    process = context.Process(target=_enter, args=(target, arguments, name, log, environment or {}, heartbeat))
    process.start()
    return process


def call(context, target, *arguments, log=None):
    """Calls a function in a new process and waits for its result.

    Args:
        context: As in `start`.
        target: As in `start`.
        *arguments: As in `start`.
        log: As in `start`.

    Returns:
        The return value of the function.

    Raises:
        ValueError: The function raised it.
        OSError: The function raised it.
        RuntimeError: The process died, for example from another error, which it printed.
    """
    receiver, sender = context.Pipe(duplex=False)
    process = start(context, "tuning.processes:_answer", sender, target, arguments, name="tune", log=log)
    sender.close()
    try:
        answer, error = receiver.recv()
    except EOFError:
        process.join()
        raise RuntimeError(f"the process of {target} died ({describe_exit(process.exitcode)}).") from None
    finally:
        process.kill()
        process.join()
    if error:
        raise error
    return answer


def describe_exit(exitcode):
    """Returns how a process ended, in words."""
    return f"exit status {exitcode}" if exitcode >= 0 else f"killed by {signal.Signals(-exitcode).name}"


def _enter(target, arguments, name, log, environment, heartbeat):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(OSError), open("/proc/self/comm", "w") as file:
        file.write(name)
    os.environ.update(environment)
    if "torch" in sys.modules and "OMP_NUM_THREADS" in environment:
        # PyTorch has read the variable when the server imported it.
        sys.modules["torch"].set_num_threads(int(environment["OMP_NUM_THREADS"]))
    parent = multiprocessing.parent_process().sentinel
    threading.Thread(target=_watch, args=(parent, heartbeat), daemon=True).start()
    if log is not None:
        log.parent.mkdir(parents=True, exist_ok=True)
        with open(log, "a") as file, open(os.devnull, "w") as nowhere:
            os.dup2(file.fileno(), 2)
            # keras-tuner prints debugging output.
            os.dup2(nowhere.fileno(), 1)
    _find(target)(*arguments)


def _watch(parent, heartbeat):
    while not wait([parent], timeout=HEARTBEAT_SECONDS):
        if heartbeat is not None:
            with contextlib.suppress(FileNotFoundError):  # The worker has no trial.
                os.utime(heartbeat)
    # Ends the process immediately, whatever its main thread is doing.
    os._exit(1)


def _answer(sender, target, arguments):
    try:
        sender.send((_find(target)(*arguments), None))
    except (ValueError, OSError) as error:
        sender.send((None, error))


def _find(target):
    module, function = target.split(":")
    return getattr(importlib.import_module(module), function)
