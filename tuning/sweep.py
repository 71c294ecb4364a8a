"""Runs a sweep from command to leaderboard: starts chief and workers, and restarts them when they die."""

import contextlib
import functools
import json
import os
import signal
import socket
import sys
import time
from multiprocessing.connection import wait
from pathlib import Path

from gan import cli, presets
from gan.files import written_whole
from gan.locks import LOCK_NAME, locked_folder
from tuning import processes
from tuning.display import Display, count
from tuning.layout import DEFAULTS, deaths_file, heartbeat_file, log_file, read_records, read_settings, settings_file

LOOPBACK = "127.0.0.1"
CONNECT_SECONDS = 5
POLL_SECONDS = 0.5
# A process that dies MAX_DEATHS times within DEATHS_SECONDS is not restarted.
MAX_DEATHS = 5
DEATHS_SECONDS = 60
# The exit status that multiprocessing reports if the forkserver has died.
UNKNOWN_EXIT = 255
# What limits the threads of TensorFlow, JAX (PJRT) and PyTorch (OpenMP).
THREAD_LIMITS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "PJRT_NPROC", "OMP_NUM_THREADS")
# Settings that `prepare` does not change, so that they can be compared before the slow imports.
SETTLED = ("preset", "tuner", "epochs", "iterations", "validate_every", "seed")


def run_sweep(output, settings, workers, listen=None):
    """Starts or resumes a sweep, shows its progress, and writes a leaderboard.

    It starts processes with `multiprocessing`, so a script must call it under `if __name__ == "__main__":`.

    Args:
        output: Folder of the sweep.
        settings: Dict with

            - `data`, `image_shape`, `extractor`: as in `train.py`;
            - `background`, `skip_damaged`, `flip`: as in `gan.datasets.load`, with its defaults;
            - `preset`: name of the preset of the first trial;
            - `tuner`: `"random"`, `"bayesian"` or `"hyperband"`;
            - `epochs`: int, the maximum number of epochs of a trial;
            - `trials`: int, the number of trials, or None for hyperband;
            - `iterations`: int, the number of times that hyperband runs its brackets, or None for the other tuners;
            - `validate_every`: int, the number of epochs from one measurement of fid to the next;
            - `seed`: int;
            - `space`: dict of changes to the search space, as in `GANHyperModel`.

        workers: Int. Number of trials that run at once on this machine. 0 together with `listen` runs only the chief.
        listen: Tuple `(host, port)` on which the chief waits for workers of other machines. Defaults to None: a free
            port on the loopback interface.

    Raises:
        ValueError: The folder contains another sweep or something else, the data cannot be loaded, or the port is in
            use.
        RuntimeError: The first trials have all failed, or a process keeps dying.
    """
    output, settings = Path(output), {**DEFAULTS, **settings}
    _check_folder(output)
    if settings_file(output).exists():
        with locked_folder(output):
            _refuse_another_sweep(output, {name: settings[name] for name in SETTLED})
    chief = _find_address(listen or (LOOPBACK, 0))
    settings, gpus, epochs = processes.call(processes.get_context(), "tuning.prepare:prepare", settings, output)
    with locked_folder(output):
        _adopt(output, settings)
        trials = count(len(epochs), "trial")
        print(f"{settings['data']}: {trials}, {workers} at a time on this machine, in {output}", flush=True)
        with Display(output, epochs) as display, _Crew(output, gpus) as crew:
            crew.start_chief(chief)
            crew.start_workers("worker", workers, chief)
            crew.run(display)
        log = log_file(output, "leaderboard")
        warning = processes.call(processes.get_context(), "tuning.leaderboard:write_leaderboard", output, log=log)
    _check_success(output)
    if warning:
        print(warning, file=sys.stderr)


def run_workers(output, workers, chief):
    """Runs workers for a sweep whose chief is another command, usually on another machine.

    Args:
        output: Folder of the sweep, shared with the chief.
        workers: Int. Number of trials that run at once on this machine.
        chief: Tuple `(host, port)` of the chief.

    Raises:
        ValueError: The folder contains no sweep, its data cannot be loaded here, or the chief cannot be reached.
        RuntimeError: The chief no longer answers, or a process keeps dying.
    """
    output = Path(output)
    if not settings_file(output).exists():
        raise ValueError(f"--output {output} holds no sweep: name the folder that is shared with the chief.")
    host, port = chief
    try:
        socket.create_connection(chief, CONNECT_SECONDS).close()
    except OSError as error:
        raise ValueError(f"--chief {host}:{port} cannot be reached ({error}).") from error
    _, gpus, epochs = processes.call(processes.get_context(), "tuning.prepare:prepare", read_settings(output), output)
    with Display(output, epochs) as display, _Crew(output, gpus) as crew:
        # The names differ from those of other commands on this machine.
        crew.start_workers(f"{socket.gethostname()}-{os.getpid()}", workers, chief)
        crew.run(display)


class _Crew:
    """The processes of one command. Restarts those that die, under their names, and ends all on exit."""

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
        threads = str(max(1, cli.count_cores() // max(1, count)))
        for index in range(count):
            name = f"{prefix}-{index}"
            environment = dict.fromkeys(THREAD_LIMITS, threads)
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
        """Returns when the chief has no more trials, or when all workers here have been told so."""
        while self.running:
            ended = wait([process.sentinel for process in self.running.values()], POLL_SECONDS)
            for name, process in list(self.running.items()):
                if process.sentinel in ended:
                    process.join()
                    del self.running[name]
                    self._follow(name, process)
            display.refresh()

    def _follow(self, name, process):
        """Restarts a process that has ended, unless it is no longer needed."""
        if name == "chief" and process.exitcode == 0:
            self.__exit__()
            self.running.clear()
        elif process.exitcode != processes.NO_MORE_TRIALS:
            if process.exitcode != 0:
                self._record_death(name, process)
            self.running[name] = self.starts[name]()

    def _record_death(self, name, process):
        if process.exitcode == processes.DISK_FULL:
            raise RuntimeError(f"the disk of {self.output} is full: free some space and repeat the command to resume.")
        if process.exitcode == processes.NO_CHIEF and "chief" not in self.starts:
            raise RuntimeError("the chief no longer answers: restart it and repeat this command to resume.")
        if process.exitcode == UNKNOWN_EXIT:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
        heartbeat = heartbeat_file(self.output, name)
        # A chief that does not answer is not the fault of the trial.
        if heartbeat.exists() and process.exitcode != processes.NO_CHIEF:
            with open(deaths_file(self.output, heartbeat.read_text()), "a") as file:
                file.write(f"{processes.describe_exit(process.exitcode)}\n")
        now = time.monotonic()
        self.deaths[name] = [*(death for death in self.deaths[name] if death > now - DEATHS_SECONDS), now]
        if len(self.deaths[name]) >= MAX_DEATHS:
            log = log_file(self.output, name)
            last = log.read_text().splitlines()[-1:] if log.exists() else []
            raise RuntimeError(f"{name} has died {MAX_DEATHS} times in a minute. {log} ends with: {''.join(last)}")


def _check_folder(output):
    if output.exists() and not output.is_dir():
        raise ValueError(f"--output {output} is a file: name a folder.")
    holds_files = output.exists() and any(path.name != LOCK_NAME for path in output.iterdir())
    if holds_files and not settings_file(output).exists():
        raise ValueError(f"--output {output} is not empty and holds no sweep: name another folder.")


def _find_address(address):
    """Returns the address after a check that its port is free. Port 0 becomes any free port."""
    host, port = address
    try:
        with socket.create_server((host, port)) as server:
            return host, server.getsockname()[1]
    except OSError as error:
        raise ValueError(f"cannot listen on {host}:{port} ({error.strerror}): choose another port.") from error


def _adopt(output, settings):
    """Writes the settings to the folder, unless it belongs to another sweep."""
    settings = json.loads(json.dumps(settings))
    if settings_file(output).exists():
        _refuse_another_sweep(output, settings)
    with written_whole(settings_file(output)) as partial:
        partial.write_text(json.dumps(settings, indent=2) + "\n")


def _refuse_another_sweep(output, settings):
    there = read_settings(output)
    if settings.get("fingerprint") and there.get("fingerprint", settings["fingerprint"]) != settings["fingerprint"]:
        raise ValueError(f"{settings['data']} does not hold the images that the sweep in {output} was started with.")
    differences = [
        f"{name} is {there.get(name)}, not {value}"
        for name, value in settings.items()
        # More trials make the sweep longer, not a different one. An older sweep does not record all settings.
        if name not in ("trials", "space", "resolved") and there.get(name, value) != value
    ]
    recorded = there.get("resolved", presets.resolve() if there["preset"] == "reference" else {})
    if changed := [name for name, value in settings.get("resolved", {}).items() if recorded.get(name) != value]:
        what = f"had other values of {', '.join(changed)}" if recorded else "may have had other settings"
        differences.append(f"the preset {there['preset']} {what} in the version of the library that started it")
    space = settings.get("space", {})
    if other := [name for name, entry in space.items() if there["space"].get(name) != entry]:
        differences.append(f"space differs in {', '.join(other)}")
    if differences:
        raise ValueError(f"--output {output} belongs to another sweep: {'; '.join(differences)}.")


def _check_success(output):
    trials = read_records(output)["trials"].values()
    if all(trial["status"] == "FAILED" for trial in trials):
        raise RuntimeError(
            f"the first {count(len(trials), 'trial')} failed, the last with: {list(trials)[-1]['message']} "
            f"See {output / 'logs'} for details, correct the cause, and start again in another --output."
        )
