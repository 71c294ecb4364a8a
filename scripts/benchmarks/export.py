"""Measures exported generators: their size, and how long an image takes, against `generate`."""

import argparse
import importlib.util
import statistics
import tempfile
import time
from pathlib import Path

import measuring
from runtimes import LOADERS, MODULES

import gan
from gan import cli, options, runs
from gan.exports.formats import FORMATS

BATCHES = (1, 64)
ROUNDS = 5
REPETITIONS = 10
DESCRIPTION = """Measures exported generators: their size, and how long an image takes, against generate.

A run is exported in each format whose packages are installed, and run by its own runtime, on a single image and on 64
images. All take turns, after a first round that compiles. Times are medians of 50 calls.
"""


def build_parser():
    parser = options.ArgumentParser(
        description=DESCRIPTION,
        usage="python scripts/benchmarks/export.py RUN",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", type=Path, metavar="RUN", help="a run's folder, or a .keras file")
    return parser


def is_installed(format):
    return all(map(importlib.util.find_spec, filter(None, (FORMATS[format].package, MODULES[format]))))


def export(model, folder):
    """Exports a model. Returns a function that generates images and the bytes on disk, for each format."""
    exported = {}
    for format in filter(is_installed, LOADERS):
        path = folder / f"sampler-{format}{FORMATS[format].suffix}"
        model.export(path, format)
        size = sum(file.stat().st_size for file in (path, *path.rglob("*")) if file.is_file())
        exported[format] = LOADERS[format](path), size
    return exported


def measure(programs, inputs):
    """Runs all programs in turn. Returns the median milliseconds of a call of each."""
    milliseconds = {name: [] for name in programs}
    for round_ in range(ROUNDS + 1):
        for name, program in programs.items():
            for _ in range(REPETITIONS):
                started = time.perf_counter()
                program(inputs)
                if round_:
                    milliseconds[name].append(1000 * (time.perf_counter() - started))
    return {name: statistics.median(values) for name, values in milliseconds.items()}


def main():
    arguments = build_parser().parse_args()
    with measuring.running():
        import numpy as np

        with cli.errors_exit(ValueError, status=2):
            model = gan.load_model(runs.find_model(arguments.model))
        with tempfile.TemporaryDirectory() as folder:
            exported = export(model, Path(folder))
        programs = {"generate": lambda inputs: model.generate(**inputs)}
        programs.update({format: program for format, (program, _) in exported.items()})
        times = []
        for count in BATCHES:
            inputs = {"latents": np.asarray(model.draw_latents(count, seed=0))}
            if model.num_classes:
                inputs["labels"] = np.arange(count, dtype="int32") % model.num_classes
            times.append(measure(programs, inputs))
        print("format            MB" + "".join(f"{f'ms for {count}':>12}" for count in BATCHES))
        for name in programs:
            size = f"{exported[name][1] / 1e6:8.2f}" if name in exported else " " * 8
            print(f"{name:12}{size}" + "".join(f"{medians[name]:12.2f}" for medians in times))


if __name__ == "__main__":
    main()
