"""The processes of a sweep: how they start, how they end, and how none of them is left behind.

Where it can be they are forked from a server that has imported TensorFlow but never used it, so that each starts in an
instant, with a memory of its own that it gives back at its end. The command itself imports neither.
"""

import contextlib
import importlib
import multiprocessing
import os
import signal
import sys
import threading
from multiprocessing.connection import wait

# How a worker ends but for after a trial (0) and by accident.
NO_MORE_TRIALS = 10
NO_CHIEF = 11
DISK_FULL = 12
HEARTBEAT_SECONDS = 5


def get_context(forks=True):
    """What starts processes.

    Args:
        forks: Bool, whether they may be forked, which CUDA does not survive (nor does macOS). Default True.

    Returns:
        A context of `multiprocessing`.
    """
    # Read when a library is imported, and by TensorFlow when it finds a GPU. What NumPy has to do is small.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    context = multiprocessing.get_context("forkserver" if forks and sys.platform == "linux" else "spawn")
    context.set_forkserver_preload(["tuning.preload"])
    return context


def start(context, target, *arguments, name="", log=None, environment=None, heartbeat=None):
    """Starts a function in a process that ends with this one, whatever ends it, and does not mind Ctrl-C.

    Args:
        context: What `get_context` returns.
        target: `"module:function"`, which is not imported here.
        *arguments: What can be pickled.
        name: String, what the system shows it as, where it can be told.
        log: File to add its errors and warnings to. Default None: they go where those of this process go.
        environment: Dict of environment variables to set. Default None.
        heartbeat: File whose time of change is kept up to date while the process lives. Default None.

    Returns:
        The `multiprocessing.Process`.
    """
    process = context.Process(target=_enter, args=(target, arguments, name, log, environment or {}, heartbeat))
    process.start()
    return process


def call(context, target, *arguments, log=None):
    """Calls a function in a process of its own.

    Args:
        context, target, arguments, log: As in `start`.

    Returns:
        What the function returns.

    Raises:
        ValueError, OSError: The function raises it.
        RuntimeError: The process died, by another error (which it has printed) or otherwise.
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


def count_cores():
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def describe_exit(exitcode):
    """How a process has ended, in words."""
    return f"exit status {exitcode}" if exitcode >= 0 else f"killed by {signal.Signals(-exitcode).name}"


def _enter(target, arguments, name, log, environment, heartbeat):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(OSError), open("/proc/self/comm", "w") as file:
        file.write(name)
    os.environ.update(environment)
    parent = multiprocessing.parent_process().sentinel
    threading.Thread(target=_watch, args=(parent, heartbeat), daemon=True).start()
    if log is not None:
        log.parent.mkdir(parents=True, exist_ok=True)
        with open(log, "a") as file, open(os.devnull, "w") as nowhere:
            os.dup2(file.fileno(), 2)
            # keras-tuner prints numbers that it was debugged with.
            os.dup2(nowhere.fileno(), 1)
    _find(target)(*arguments)


def _watch(parent, heartbeat):
    while not wait([parent], timeout=HEARTBEAT_SECONDS):
        if heartbeat is not None:
            with contextlib.suppress(FileNotFoundError):  # It has no trial.
                os.utime(heartbeat)
    # Nothing that the process may be in the middle of keeps it from ending.
    os._exit(1)


def _answer(sender, target, arguments):
    try:
        sender.send((_find(target)(*arguments), None))
    except (ValueError, OSError) as error:
        sender.send((None, error))


def _find(target):
    module, function = target.split(":")
    return getattr(importlib.import_module(module), function)
