"""A command that watches over the process that trains, when several processes train together.

If one of the processes dies, JAX ends the others with messages from C++, and Python cannot catch that. The supervisor
says in one sentence what happened and how to continue.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback

from gan import cli
from gan.processes import MEETING_SECONDS

STOPPED = 130
LOST_THE_OTHERS = 70
SECONDS_TO_STOP = 5
_VARIABLE = "GAN_SUPERVISOR"


def is_supervised():
    """Whether this process was started by `supervise`."""
    return _VARIABLE in os.environ


def supervise(processes, describe_rest):
    """Runs this command again in a process of its own, and exits with its exit status.

    Args:
        processes: A `gan.processes.Processes`.
        describe_rest: Function that returns what is left of the run and how to continue it, as the end of a sentence.
    """
    ours, its = socket.socketpair()
    with tempfile.TemporaryDirectory() as folder:
        # For all temporary files, which a process that is killed leaves behind.
        environment = {**os.environ, "TMPDIR": folder, _VARIABLE: str(its.fileno())}
        # In a session of its own, it gets Ctrl-C only from here.
        child = subprocess.Popen(
            [sys.executable, *sys.orig_argv[1:]], env=environment, pass_fds=[its.fileno()], start_new_session=True
        )
        its.close()
        status, is_stopped = _wait(child)
    if is_stopped and status:
        print(f"\nstopped; {describe_rest()}", file=sys.stderr)
        sys.exit(STOPPED)
    if status >= 0 and status != LOST_THE_OTHERS:
        sys.exit(status)
    ours.setblocking(False)
    try:
        have_met = bool(ours.recv(1))
    except OSError:
        have_met = False
    cli.fail(_describe(processes, status, have_met, describe_rest()), 1)


def _wait(child):
    """Returns the exit status of a process, and whether Ctrl-C was pressed before it ended."""
    stopped_at = None

    def stop(*_):
        nonlocal stopped_at
        stopped_at = stopped_at or time.monotonic()
        child.send_signal(signal.SIGINT)

    signal.signal(signal.SIGINT, stop)
    while True:
        try:
            return child.wait(timeout=1), stopped_at is not None
        except subprocess.TimeoutExpired:
            # It may be waiting for the others in C++, where Python does not see Ctrl-C.
            if stopped_at and time.monotonic() > stopped_at + SECONDS_TO_STOP:
                child.kill()


def _describe(processes, status, have_met, rest):
    count, index = len(processes.addresses), processes.index
    if not have_met:
        return (
            f"the {count} processes of --processes have not met. Start the command once for each --process from 0 to "
            f"{count - 1}, within {MEETING_SECONDS} s, with KERAS_BACKEND=jax and the same --processes, and make sure "
            f"that every machine reaches {processes.addresses[0]}."
        )
    if status == -signal.SIGKILL:
        reason = f"process {index} was killed, for example because memory ran out"
    else:
        reason = f"process {index} has lost the others: one of them ended, or the network between them failed"
    return f"{reason}; {rest}"


@contextlib.contextmanager
def supervised():
    """Runs the block that trains. If the block fails, ends this process at once.

    JAX would wait at its exit for processes that may have died. A supervisor that has died takes this process with it.

    Yields:
        A function without arguments to call when the processes have met.
    """
    # NumPy swallows a KeyboardInterrupt that comes while it reads an array of JAX. Files are always whole.
    signal.signal(signal.SIGINT, lambda *_: os._exit(STOPPED))
    connection = socket.socket(fileno=int(os.environ.pop(_VARIABLE)))
    threading.Thread(target=_end_with, args=[connection], daemon=True).start()
    # JAX and Gloo print from C++ how they connect, and many lines if another process dies.
    sys.stdout, sys.stderr = (os.fdopen(os.dup(descriptor), "w", buffering=1) for descriptor in (1, 2))
    with open(os.devnull, "w") as nowhere:
        for descriptor in (1, 2):
            os.dup2(nowhere.fileno(), descriptor)
    try:
        yield lambda: connection.send(b"1")
        return
    except SystemExit as stop:
        status = stop.code
    except BaseException as error:
        status = LOST_THE_OTHERS if _comes_from_others(error) else 1
        if status == 1:
            traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _end_with(connection):
    with contextlib.suppress(OSError):
        connection.recv(1)
    os._exit(1)


def _comes_from_others(error):
    """Whether an error says that another process does not answer."""
    message = str(error)
    is_from_jax = type(error).__name__ in ("JaxRuntimeError", "XlaRuntimeError") or "Gloo" in message
    return is_from_jax and "RESOURCE_EXHAUSTED" not in message
