"""A sweep from its command to its leaderboard: starts chief and workers, and starts them again when they die."""

import contextlib
import functools
import json
import os
import signal
import socket
import time
from multiprocessing.connection import wait
from pathlib import Path

from gan.files import written_whole
from gan.locks import LOCK_NAME, locked_folder
from tuning import processes
from tuning.display import Display
from tuning.layout import deaths_file, heartbeat_file, log_file, read_records, read_settings, settings_file

LOOPBACK = "127.0.0.1"
CONNECT_SECONDS = 5
POLL_SECONDS = 0.5
# A process that dies so often within so many seconds is not started again.
MAX_DEATHS = 5
DEATHS_SECONDS = 60
# What is heard of a process whose forkserver has died.
UNKNOWN_EXIT = 255


def run_sweep(output, settings, workers, listen=None):
    """Runs a sweep or goes on with it, shows how far it is, and leaves a leaderboard.

    What `multiprocessing` asks for holds for a script that calls it: `if __name__ == "__main__":`.

    Args:
        output: Folder of the sweep.
        settings: Dict of `data`, `image_shape` and `extractor` (as in `train.py`), `tuner` (`"random"`, `"bayesian"`
            or `"hyperband"`), `epochs`, `trials`, `iterations` (of hyperband, instead of trials), `validate_every`,
            `seed` and `space` (as in `GANHyperModel`).
        workers: Int, how many trials run at once on this machine; 0 with `listen` for a chief alone.
        listen: `(host, port)` to wait at for workers on other machines. Default None: loopback, a port that is free.

    Raises:
        ValueError: The folder holds something else, the data cannot be had, or the port is in use.
        RuntimeError: The first trials have all failed, or a process cannot be kept alive.
    """
    output = Path(output)
    _check_folder(output)
    chief = _find_address(listen or (LOOPBACK, 0))
    settings, gpus, epochs = processes.call(processes.get_context(), "tuning.prepare:prepare", settings)
    with locked_folder(output):
        _adopt(output, settings)
        print(f"{settings['data']}: {len(epochs)} trials, {workers} at once here, into {output}", flush=True)
        with Display(output, epochs) as display, _Crew(output, gpus) as crew:
            crew.start_chief(chief)
            crew.start_workers("worker", workers, chief)
            crew.run(display)
        log = log_file(output, "leaderboard")
        processes.call(processes.get_context(), "tuning.leaderboard:write_leaderboard", output, log=log)
    _check_success(output)


def run_workers(output, workers, chief):
    """Runs workers of a sweep whose chief is another command, mostly on another machine.

    Args:
        output: Folder of the sweep, which this machine shares with the chief.
        workers: Int, how many trials run at once on this machine.
        chief: `(host, port)` of the chief.

    Raises:
        ValueError: The folder holds no sweep, its data cannot be had here, or the chief cannot be reached.
        RuntimeError: The chief is gone, or a process cannot be kept alive.
    """
    output = Path(output)
    if not settings_file(output).exists():
        raise ValueError(f"--output {output} holds no sweep: name the folder that is shared with the chief.")
    host, port = chief
    try:
        socket.create_connection(chief, CONNECT_SECONDS).close()
    except OSError as error:
        raise ValueError(f"--chief {host}:{port} cannot be reached ({error}).") from error
    _, gpus, epochs = processes.call(processes.get_context(), "tuning.prepare:prepare", read_settings(output))
    with Display(output, epochs) as display, _Crew(output, gpus) as crew:
        # Another command on this machine has other names.
        crew.start_workers(f"{socket.gethostname()}-{os.getpid()}", workers, chief)
        crew.run(display)


class _Crew:
    """The processes of one command: watched, started again under their names, and ended with it."""

    def __init__(self, output, gpus):
        self.output = output
        self.gpus = gpus
        self.context = processes.get_context(forks=not gpus)
        self.starts = {}
        self.running = {}
        self.deaths = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.running.values():
            process.kill()
        for process in self.running.values():
            process.join()

    def start_chief(self, address):
        self._start("chief", "tuning.chief:serve", self.output, address)

    def start_workers(self, prefix, count, chief):
        threads = str(max(1, processes.count_cores() // max(1, count)))
        for index in range(count):
            name = f"{prefix}-{index}"
            environment = {"TF_NUM_INTRAOP_THREADS": threads, "TF_NUM_INTEROP_THREADS": threads}
            if self.gpus:
                environment["CUDA_VISIBLE_DEVICES"] = self.gpus[index % len(self.gpus)]
            heartbeat = heartbeat_file(self.output, name)
            arguments = ("tuning.worker:work", self.output, chief, name)
            self._start(name, *arguments, environment=environment, heartbeat=heartbeat)

    def _start(self, name, *arguments, **named):
        log = log_file(self.output, name)
        self.starts[name] = functools.partial(
            processes.start, self.context, *arguments, name=f"tune-{name}", log=log, **named
        )
        self.deaths[name] = []
        self.running[name] = self.starts[name]()

    def run(self, display):
        """Returns when the chief has no more trials, or the workers here have been told so."""
        while self.running:
            ended = wait([process.sentinel for process in self.running.values()], POLL_SECONDS)
            for name, process in list(self.running.items()):
                if process.sentinel in ended:
                    process.join()
                    del self.running[name]
                    self._follow(name, process)
            display.refresh()

    def _follow(self, name, process):
        """Does what is to be done after the end of a process."""
        if name == "chief" and process.exitcode == 0:
            self.__exit__()
            self.running.clear()
        elif process.exitcode != processes.NO_MORE_TRIALS:
            if process.exitcode != 0:
                self._record_death(name, process)
            self.running[name] = self.starts[name]()

    def _record_death(self, name, process):
        if process.exitcode == processes.DISK_FULL:
            raise RuntimeError(f"the disk of {self.output} is full; with room on it, the same command goes on.")
        if process.exitcode == processes.NO_CHIEF and "chief" not in self.starts:
            raise RuntimeError("the chief no longer answers; when it does, the same command goes on.")
        if process.exitcode == UNKNOWN_EXIT:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
        heartbeat = heartbeat_file(self.output, name)
        # A trial is not to blame for a chief that does not answer.
        if heartbeat.exists() and process.exitcode != processes.NO_CHIEF:
            with open(deaths_file(self.output, heartbeat.read_text()), "a") as file:
                file.write(f"{processes.describe_exit(process.exitcode)}\n")
        now = time.monotonic()
        self.deaths[name] = [*(death for death in self.deaths[name] if death > now - DEATHS_SECONDS), now]
        if len(self.deaths[name]) >= MAX_DEATHS:
            log = log_file(self.output, name)
            last = log.read_text().splitlines()[-1:] if log.exists() else []
            raise RuntimeError(f"{name} has died {MAX_DEATHS} times in a minute; {log} ends with: {''.join(last)}")


def _check_folder(output):
    if output.exists() and not output.is_dir():
        raise ValueError(f"--output {output} is a file; name a folder.")
    holds_files = output.exists() and any(path.name != LOCK_NAME for path in output.iterdir())
    if holds_files and not settings_file(output).exists():
        raise ValueError(f"--output {output} is not empty, and holds no sweep: name another.")


def _find_address(address):
    """The address with a port that is free, for 0 any."""
    host, port = address
    try:
        with socket.create_server((host, port)) as server:
            return host, server.getsockname()[1]
    except OSError as error:
        raise ValueError(f"{host}:{port} cannot be listened at ({error.strerror}): choose another port.") from error


def _adopt(output, settings):
    """Makes the folder that of this sweep, unless it is that of another one."""
    settings = json.loads(json.dumps(settings))
    if settings_file(output).exists():
        there = read_settings(output)
        differences = [
            f"its {name} is {there.get(name)}, not {value}"
            for name, value in settings.items()
            # More trials are a longer sweep, not another one.
            if name not in ("trials", "space") and there.get(name) != value
        ]
        spaces = there["space"], settings["space"]
        if other := [name for name, entry in spaces[1].items() if spaces[0].get(name) != entry]:
            differences.append(f"its space differs in {', '.join(other)}")
        if differences:
            raise ValueError(f"--output {output} belongs to another sweep: {'; '.join(differences)}.")
    with written_whole(settings_file(output)) as partial:
        partial.write_text(json.dumps(settings, indent=2) + "\n")


def _check_success(output):
    trials = read_records(output)["trials"].values()
    if all(trial["status"] == "FAILED" for trial in trials):
        raise RuntimeError(
            f"all of the first {len(trials)} trials have failed, the last by: {list(trials)[-1]['message']} "
            f"{output / 'logs'} tells more; when it is mended, start anew in another --output."
        )
