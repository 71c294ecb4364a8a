"""What the benchmarks share: their options, their data, and measurements of time and memory."""

import argparse
import contextlib
import multiprocessing
import os
import statistics
import sys
import time
from concurrent.futures import ProcessPoolExecutor

import gan
from gan import cli, options, runs

IMAGES = 60_000
TEST_IMAGES = 10_000
BATCH_SIZE = 256


def make_parser(name, description):
    """Builds the parser of a benchmark, with the option --data."""
    parser = options.ArgumentParser(
        description=description,
        usage=f"python scripts/benchmarks/{name}.py [options]",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--data",
        default="auto",
        metavar="SOURCE",
        help="training images, as in train.py, but no folder of images; smaller sets are repeated (default: auto)",
    )
    return parser


@contextlib.contextmanager
def running():
    """Imports Keras and runs a benchmark, which ends with a message if it is stopped or fails."""
    with cli.interruptible():
        cli.import_keras()
        with cli.failures_exit():
            yield


def read(source):
    """Returns the name of the source and its training images, all in memory."""
    with cli.errors_exit(ValueError, status=2):
        source = gan.datasets.resolve(options.resolve_data(source))
        return source, gan.datasets.read(source)[0]


def fit_preset(source, settings, seed, epochs, watch, metrics=None, callbacks=(), **kwargs):
    """Trains a preset, timed by a `Stopwatch` and, if there are metrics, validated on the test images.

    Returns the `keras.callbacks.History`.
    """
    import keras

    images = gan.datasets.open_source(source)
    train, test = (
        gan.datasets.load(images, settings["batch_size"], seed=seed, split=split, labels=settings["conditional"])
        for split in ("train", "test")
    )
    num_classes = images.num_classes if settings["conditional"] else None
    keras.utils.set_random_seed(seed)
    steps = settings["epochs"] * len(train)
    model = gan.presets.build(settings, images.image_shape, num_classes, seed, metrics, steps)
    validation = test if metrics else None
    callbacks = [watch.start(), *callbacks]
    return model.fit(train, epochs=epochs, validation_data=validation, callbacks=callbacks, verbose=0, **kwargs)


def open_run(run, data):
    """Loads the model of a run, and opens images of the same shape to compare with.

    Args:
        run: A run's folder, or a .keras file.
        data: The images, as in `train.py --data`.

    Returns:
        The model and a `gan.datasets.ImageSet`.
    """
    with cli.errors_exit(ValueError, status=2):
        model = gan.load_model(runs.find_model(run))
        return model, gan.datasets.open_source(options.resolve_data(data), model.image_shape)


class Stopwatch:
    """Times the epochs of a training, without its validations. The first includes what comes before it.

    Attributes:
        seconds: List of the seconds of each epoch.
    """

    def __init__(self):
        self.seconds = []

    def start(self):
        """Starts the watch. Returns the callback that `fit` takes."""
        import keras

        self._start = time.perf_counter()
        return keras.callbacks.LambdaCallback(
            on_test_begin=lambda logs: self._stop(), on_epoch_end=lambda epoch, logs: self._go_on()
        )

    def _stop(self):
        self.seconds.append(time.perf_counter() - self._start)
        self._start = None

    def _go_on(self):
        if self._start is not None:
            self._stop()
        self._start = time.perf_counter()


def laps(items, work):
    """Returns the seconds from the end of the work on one item to the end of the work on the next."""
    seconds = []
    start = time.perf_counter()
    for item in items:
        work(item)
        seconds.append(time.perf_counter() - start)
        start += seconds[-1]
    return seconds


def seconds_of_step(seconds, cycle):
    """Returns the median seconds of a step, where only cycles of so many steps are alike."""
    cycles = [sum(seconds[start : start + cycle]) for start in range(0, len(seconds) - cycle + 1, cycle)]
    return statistics.median(cycles) / cycle


def peak_megabytes(job, arguments):
    """Returns the peak memory of this process after two short epochs."""
    import resource

    cli.import_keras()
    job(*arguments).run(steps=20)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def use_backend(name):
    """Chooses the backend of Keras, in a process that has not imported it yet."""
    os.environ["KERAS_BACKEND"] = name


def measure_memory(jobs, backend=None):
    """Returns the peak memory, in MB, of each job: a class and its arguments."""
    backend = backend or os.environ.get("KERAS_BACKEND", "tensorflow")
    # A process started by exec inherits the peak of its parent; a process forked by a fork server does not.
    context = multiprocessing.get_context("forkserver")
    with ProcessPoolExecutor(2, context, use_backend, (backend,), max_tasks_per_child=1) as pool:
        return list(pool.map(peak_megabytes, *zip(*jobs, strict=True)))
