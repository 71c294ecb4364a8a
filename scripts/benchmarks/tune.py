"""Measures the speed and the memory of a sweep."""

import contextlib
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import measuring

import gan
from gan import cli, options
from tuning import processes
from tuning.layout import read_records

DESCRIPTION = """Measures the speed and the memory of a sweep. Linux only.

A random sweep of scripts/tune.py with one worker per core is compared with keras-tuner's own search, which runs the
same trials one after the other: the reference job for a few epochs, with different learning rates. The time of the
sweep is that of the whole command, until the leaderboard is written; the time of the search starts with Python. The
possible gain is measured first: one trial alone with all cores, and one trial per core at once with one core each. The
parts of a trial are those of the trial alone. The start and the imports of Python, which the trials of a sweep share,
are measured in a separate process.

Memory is the sum over all processes (PSS, which counts a shared page once). Listed are its peaks during the first four
and during the last four trials.
"""
# All trials have networks of one size, so that their memory can be compared.
TUNE_SPACE = {
    "latent_dim": 100,
    "batch_size": measuring.BATCH_SIZE,
    "generator_widths": [256, 512, 1024],
    "discriminator_widths": [512, 256],
    "dropout": 0.3,
    "beta_1": 0.9,
}
FEW_TRIALS = 4


def build_parser():
    parser = measuring.make_parser("tune", DESCRIPTION)
    parser.add_argument(
        "--trials", type=options.positive_int, default=20, metavar="N", help="trials of the sweep (default: 20)"
    )
    parser.add_argument(
        "--epochs", type=options.positive_int, default=2, metavar="N", help="epochs of each trial (default: 2)"
    )
    return parser


def parse_arguments(argv=None):
    return build_parser().parse_args(argv)


def trial_arguments(data, epochs):
    """Returns the arguments of a search or of the `fit` of a hypermodel: positional and named ones."""
    train, test = (gan.datasets.load(data, measuring.BATCH_SIZE, split=split) for split in ("train", "test"))
    return [train], {
        "validation_data": test,
        "validation_freq": [epochs],
        "epochs": epochs,
        "verbose": 0,
    }


def run_trial(data, epochs):
    """Runs the reference job for a few epochs; returns the seconds of its parts."""
    import keras
    import keras_tuner

    from tuning import GANHyperModel

    begin = time.perf_counter()
    step_ends, test_begins, test_ends = [], [], []
    timer = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: step_ends.append(time.perf_counter()),
        on_test_begin=lambda logs: test_begins.append(time.perf_counter()),
        on_test_end=lambda logs: test_ends.append(time.perf_counter()),
    )
    hypermodel, hp = GANHyperModel(space=TUNE_SPACE), keras_tuner.HyperParameters()
    arguments, named = trial_arguments(data, epochs)
    hypermodel.fit(hp, hypermodel.build(hp), *arguments, callbacks=[timer], **named)
    return {
        "load, build, trace, compile": step_ends[0] - begin,
        "training": step_ends[-1] - step_ends[0],
        "validation": test_ends[-1] - test_begins[-1],
        "all": time.perf_counter() - begin,
    }


def use_threads(count):
    os.environ.update(TF_NUM_INTRAOP_THREADS=str(count), TF_NUM_INTEROP_THREADS=str(count))


def run_trials(data, epochs, count):
    """Runs trials at once, each with its share of the cores; returns the seconds of the parts of the slowest."""
    threads = cli.count_cores() // count
    with ProcessPoolExecutor(count, processes.get_context(), initializer=use_threads, initargs=(threads,)) as pool:
        return max(pool.map(run_trial, [data] * count, [epochs] * count), key=lambda parts: parts["all"])


def search_serially(data, epochs, values_of_trials, folder):
    """Runs keras-tuner's own search with given hyperparameters."""
    cli.import_keras()
    import keras_tuner

    from tuning import GANHyperModel

    class KnownTrials(keras_tuner.Oracle):
        def populate_space(self, trial_id):
            return {"status": "RUNNING", "values": values_of_trials[len(self.trials)]}

    oracle = KnownTrials(keras_tuner.Objective("val_fid", "min"), max_trials=len(values_of_trials))
    tuner = keras_tuner.Tuner(oracle, GANHyperModel(space=TUNE_SPACE), directory=folder, project_name="trials")
    arguments, named = trial_arguments(data, epochs)
    tuner.search(*arguments, **named)


class MemoryWatch(threading.Thread):
    """Records the memory of a process and its descendants, in MB, and the number of trials started by then."""

    def __init__(self, pid, folder):
        super().__init__(daemon=True)
        self.pid = pid
        self.folder = folder
        self.samples = []

    def run(self):
        while pids := descendants(self.pid):
            begun = len(list(self.folder.glob("trials/trial_*/trial.json")))
            self.samples.append((begun, sum(map(megabytes_of, pids))))
            time.sleep(0.5)

    def peak(self, first, last):
        return max(megabytes for begun, megabytes in self.samples if first <= begun <= last)


def descendants(pid):
    """Returns the ids of a process and of its descendants that are alive."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, parent = stat.read_text().rsplit(")", 1)[1].split()[:2]
            if state != "Z":
                parents[int(stat.parent.name)] = int(parent)
    found = {pid} & set(parents)
    while new := {child for child, parent in parents.items() if parent in found} - found:
        found |= new
    return found


def megabytes_of(pid):
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:  # it has just ended
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def tune(source, trials, epochs):
    import numpy as np

    source, images = measuring.read(source)
    cores = cli.count_cores()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        data, space = folder / "images.npz", folder / "space.json"
        x_train, x_test = (
            np.resize(images, (size, *images.shape[1:])) for size in (measuring.IMAGES, measuring.TEST_IMAGES)
        )
        np.savez(data, x_train=x_train, x_test=x_test)
        space.write_text(json.dumps(TUNE_SPACE))
        alone, together = (run_trials(data, epochs, count) for count in (1, cores))
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", "import tuning.preload"], check=True, capture_output=True)
        imports = time.perf_counter() - start

        start = time.perf_counter()
        command = [sys.executable, Path(__file__).parent.parent / "tune.py", "--data", data, "--space", space]
        command += ["--trials", str(trials), "--epochs", str(epochs), "--output", folder / "ours"]
        command += ["--extractor", "digits"]
        ours = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        our_memory = MemoryWatch(ours.pid, folder / "ours")
        our_memory.start()
        if ours.wait():
            raise OSError("tune.py has failed.")
        our_seconds = time.perf_counter() - start

        records = read_records(folder / "ours")["trials"].values()
        values = [trial["hyperparameters"]["values"] for trial in records]
        start = time.perf_counter()
        arguments = (data, epochs, values, folder / "serial")
        serial = multiprocessing.get_context("spawn").Process(target=search_serially, args=arguments)
        serial.start()
        serial_memory = MemoryWatch(serial.pid, folder / "serial")
        serial_memory.start()
        serial.join()
        serial_seconds = time.perf_counter() - start

    print(
        f"{source} as {measuring.IMAGES:,} images, {trials} trials of {epochs} epochs, {cores} workers on {cores} cores"
    )
    print(f"\none trial alone, {cores} threads   {alone['all']:8.1f} s")
    for part in ("load, build, trace, compile", "training", "validation"):
        print(f"  {part:<29}{alone[part]:6.1f} s")
    print(f"{cores} trials at once, 1 thread each{together['all']:6.1f} s")
    print(f"start of Python and imports    {imports:8.1f} s")
    print(f"\n{'':<24}{'s':>8}{'trials/hour':>16}{'MB, first 4':>14}{'MB, last 4':>12}")
    for name, seconds, memory in (
        ("tune.py", our_seconds, our_memory),
        ("keras-tuner's search", serial_seconds, serial_memory),
    ):
        peaks = memory.peak(1, FEW_TRIALS), memory.peak(trials - FEW_TRIALS + 1, trials)
        print(f"{name:<24}{seconds:8.1f}{3600 * trials / seconds:16.1f}{peaks[0]:14.0f}{peaks[1]:12.0f}")
    growth = our_memory.peak(trials - FEW_TRIALS + 1, trials) / our_memory.peak(1, FEW_TRIALS)
    print(f"\nceiling               {cores * alone['all'] / together['all']:7.3f}   of all cores at once, at best")
    print(f"tune.py / keras-tuner {serial_seconds / our_seconds:7.3f}   trials/hour, goal: at least 1.4")
    print(f"last / first memory   {growth:7.3f}   of tune.py, goal: at most 1.1")


def main():
    arguments = parse_arguments()
    with measuring.running():
        tune(arguments.data, arguments.trials, arguments.epochs)


if __name__ == "__main__":
    main()
