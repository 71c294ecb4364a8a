"""Measures how fast folders of pictures are read, and in how much memory."""

import argparse
import contextlib
import itertools
import multiprocessing
import os
import re
import statistics
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import measuring

import gan
from gan import cli, options

SHAPE = (64, 64, 3)
BATCH_SIZE = 64
MORE = 10  # times as many pictures in the second folder
ROUNDS = 3
STEPS = 48
LEAST_SPEEDUP, MOST_INPUT, MOST_FIT, MOST_MEMORY = 1.7, 0.03, 1.03, 1.1  # the goals
START_UP_SECONDS = {20_000: 2, 200_000: 15}
DESCRIPTION = """Measures how fast folders of pictures are read, and in how much memory. Needs Linux.

Two folders of JPEG files of 64x64 pixels are drawn: one of --count pictures, and one of ten times as many. They, and
what gan.datasets keeps of them in its cache, take 3 GB at the default count, in a temporary folder.

first load       gan.datasets.load of the smaller folder with an empty cache, on one core and on all cores
second load      the same with its cache, in a new process; the imports of Python's packages are listed apart
input            a batch of 64 images in the second epoch, if nothing else runs
step of fast     a step of fit on the same images in memory, with batches of 64, without clusters
fit, folder      a step of fit on the folder, in the second epoch
private memory   pages that belong to the process alone, after an epoch over the folder; not the pages that it maps from
                 the cache, which the system takes back when it needs them

First loads and fits take turns, so that other load on the machine affects all of them. Figures are medians over three
rounds; ratios are medians of the ratios of each round.
"""


def build_parser():
    parser = options.ArgumentParser(
        description=DESCRIPTION,
        usage="python scripts/benchmarks/folders.py [options]",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--count",
        type=options.positive_int,
        default=20_000,
        metavar="N",
        help="pictures in the smaller folder (default: 20000)",
    )
    return parser


def parse_arguments(argv=None):
    return build_parser().parse_args(argv)


def draw_picture(index):
    """Returns a picture of smooth colors, another one for each index."""
    import numpy as np
    from PIL import Image

    colors = np.random.default_rng(index).integers(0, 256, (6, 6, 3), "uint8")
    return Image.fromarray(colors).resize(SHAPE[:2], Image.Resampling.BICUBIC)


def draw_folder(folder, count):
    folder.mkdir()
    for index in range(count):
        draw_picture(index).save(folder / f"{index}.jpg", quality=90)


@contextlib.contextmanager
def empty_cache():
    """Lets gan.datasets use a cache that is empty now and removed at the end."""
    before = os.environ.get("XDG_CACHE_HOME")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = folder
        try:
            yield
        finally:
            if before is None:
                del os.environ["XDG_CACHE_HOME"]
            else:
                os.environ["XDG_CACHE_HOME"] = before


def in_new_process(function, *arguments, cores=None):
    """Calls a function in a process of its own, on some cores.

    Returns:
        What the function returns, and the seconds from the start of the process to this result.
    """
    start = time.perf_counter()
    cores = cores or os.sched_getaffinity(0)
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), os.sched_setaffinity, (0, cores)) as pool:
        result = pool.submit(function, *arguments).result()
        return result, time.perf_counter() - start


def load(source):
    return gan.datasets.load(source, BATCH_SIZE, image_shape=SHAPE)


def time_load(folder):
    """Returns the seconds of `gan.datasets.load`, without imports."""
    cli.import_keras()
    start = time.perf_counter()
    load(folder)
    return time.perf_counter() - start


def time_input(folder):
    """Returns the seconds of a batch in the second epoch."""
    cli.import_keras()
    dataset = load(folder)
    _, seconds = (sum(measuring.laps(dataset, lambda batch: None)) for _ in range(2))
    return seconds / len(dataset)


def private_megabytes(folder):
    """Returns the private memory of this process after an epoch."""
    cli.import_keras()
    for _ in load(folder):
        pass
    return int(re.search(r"RssAnon:\s*(\d+) kB", Path("/proc/self/status").read_text())[1]) / 1024


class Training:
    """The preset `fast` without clusters, trained on a source."""

    def __init__(self, source):
        settings = gan.presets.resolve("fast", {"batch_size": BATCH_SIZE, "clusters": 0})
        self.cycle = settings["regularize_every"]
        self.model = gan.presets.build(settings, SHAPE, seed=0)
        self.dataset = load(source)

    def run(self, steps):
        """Returns the seconds of a step in the second epoch."""
        import keras

        ends = []
        timer = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: ends.append(time.perf_counter()))
        # The first step of an epoch includes what lies between the epochs.
        self.model.fit(self.dataset.repeat().take(steps + 1), epochs=2, callbacks=[timer], verbose=0)
        seconds = [end - start for start, end in itertools.pairwise(ends[steps + 1 :])]
        return measuring.seconds_of_step(seconds, self.cycle)


def time_fits(folder, array):
    """Returns rounds: the seconds of a step on the folder, and on the same images in memory."""
    cli.import_keras()
    trainings = Training(folder), Training(array)
    return [[training.run(STEPS) for training in trainings] for _ in range(ROUNDS)]


def time_first_loads(folder):
    """Returns rounds: the seconds of a load without a cache, on one core and on all."""
    cores = os.sched_getaffinity(0)
    rounds = []
    for _ in range(ROUNDS):
        rounds.append([])
        for some in ({min(cores)}, cores):
            with empty_cache():
                rounds[-1].append(in_new_process(time_load, folder, cores=some)[0])
    return rounds


def measure(count):
    import numpy as np

    with tempfile.TemporaryDirectory() as temporary, empty_cache():
        folders = {size: Path(temporary) / str(size) for size in (count, MORE * count)}
        for size, folder in folders.items():
            draw_folder(folder, size)
        array = Path(temporary) / "images.npz"
        np.savez(array, x_train=np.stack([np.asarray(draw_picture(index)) for index in range(count)]))
        first = time_first_loads(folders[count])
        second, megabytes = {}, {}
        for size, folder in folders.items():
            in_new_process(time_load, folder)  # fills the cache
            second[size] = in_new_process(time_load, folder)
            megabytes[size], _ = in_new_process(private_megabytes, folder)
        seconds_of_input, _ = in_new_process(time_input, folders[count])
        fits, _ = in_new_process(time_fits, folders[count], array)
    print_report(first, second, seconds_of_input, fits, megabytes)


def print_report(first, second, seconds_of_input, fits, megabytes):
    """Prints the figures, then the ratios.

    Args:
        first: As from `time_first_loads`.
        second: Dict from the number of pictures to the seconds of the load alone, and with start and imports.
        seconds_of_input: Float, as from `time_input`.
        fits: As from `time_fits`.
        megabytes: Dict from the number of pictures to the private memory.
    """
    few, many = second
    print(f"{few:,} and {many:,} JPEG files of 64x64, on {len(os.sched_getaffinity(0))} cores\n")
    one_core, all_cores = map(statistics.median, zip(*first, strict=True))
    print_figure("first load, one core", f"{one_core:10.2f} s")
    print_figure("first load, all cores", f"{all_cores:10.2f} s")
    for size, (alone, whole) in second.items():
        goal = f"; goal: under {START_UP_SECONDS[size]} s without them" if size in START_UP_SECONDS else ""
        print_figure(f"second load, {size:,}", f"{alone:10.2f} s, {whole:.2f} s with start and imports{goal}")
    from_folder, from_memory = map(statistics.median, zip(*fits, strict=True))
    print_figure("input", f"{1e3 * seconds_of_input:10.2f} ms/batch")
    print_figure("step of fast", f"{1e3 * from_memory:10.2f} ms")
    print_figure("fit, folder", f"{1e3 * from_folder:10.2f} ms")
    for size, peak in megabytes.items():
        print_figure(f"private memory, {size:,}", f"{peak:10.0f} MB")
    print()
    speedup = statistics.median(one / all for one, all in first)
    print_figure("one core / all cores", f"{speedup:10.3f}   goal: at least {LEAST_SPEEDUP}")
    print_figure("input / step of fast", f"{seconds_of_input / from_memory:10.3f}   goal: at most {MOST_INPUT}")
    slowdown = statistics.median(folder / memory for folder, memory in fits)
    print_figure("fit, folder / memory", f"{slowdown:10.3f}   goal: at most {MOST_FIT}")
    growth = megabytes[many] / megabytes[few]
    print_figure(f"private memory, {MORE} times", f"{growth:10.3f}   goal: at most {MOST_MEMORY}")


def print_figure(name, figure):
    print(f"{name:<26}{figure}")


def main():
    arguments = parse_arguments()
    with measuring.running():
        measure(arguments.count)


if __name__ == "__main__":
    main()
