"""Measures the speed and the memory of training, on every engine that is installed."""

import contextlib
import os
import statistics
import tempfile
from pathlib import Path

import contestants
import measuring
from contestants import FIT, FLOOR, LOOP, STEP, Engine, Job

import gan
from gan import options

ROUNDS = 12
ENGINES = {
    "TensorFlow": Engine("tensorflow"),
    "TensorFlow XLA": Engine("tensorflow", jit_compile=True),
    "JAX": Engine("jax"),
    "PyTorch": Engine("torch"),
}
# The first takes at most so many times as long as the second.
GOALS = {
    "reference": [
        ((FIT, "JAX"), (LOOP, "TensorFlow"), 0.85),
        ((FIT, "JAX"), (LOOP, "JAX"), 1.05),
        ((FIT, "TensorFlow"), (LOOP, "TensorFlow"), 1.00),
        ((FIT, "TensorFlow XLA"), (LOOP, "TensorFlow XLA"), 1.05),
    ],
    "fast": [((FIT, "TensorFlow"), (LOOP, "PyTorch"), 1.05)],
}
GOAL_OF_FIT = 1.03  # over the bare step, on each engine
DESCRIPTION = """Measures the speed and the memory of training, on every engine that is installed.

A preset is trained on 60,000 images, without clusters, in several ways:

  hand-written loop  the same job in plain TensorFlow, JAX or PyTorch, as users write it (scripts/benchmarks/peers);
                     for the preset fast not in JAX
  our fit            model.fit on gan.datasets.load, with the callbacks of scripts/train.py
  our step           what model.fit compiles and calls for each batch, on one batch in memory
  floor              the matrix products of a step alone; for the preset reference only

Each engine has a process of its own: TensorFlow, TensorFlow under XLA, JAX and PyTorch. One process works at a time.
All ways on all engines take turns of a few steps, 12 times, so that other load on the machine affects all of them; a
turn that compiles comes first and does not count. Every step is waited for. Use an idle machine: PyTorch slows down
tenfold if other processes compete for its cores.

Times are medians. A preset with a lazy regularizer is timed in cycles of steps, each with one penalty. The time of an
epoch is calculated: its steps at their median, and the time between the last step of an epoch and the first step of the
next (callbacks that write files, a new order, a shuffle buffer to fill). Ratios are medians of the ratios of each
round. The input pipeline is gan.datasets.load without a model. Peak memory is measured in separate processes.

How the products of the floor are counted: A Dense layer with W weights needs one product of 2 x 256 x W FLOP for its
outputs, one for the gradient of its weights, and one for the gradient of its inputs if a layer below it is trained. For
images of 28x28:

  generator      1,483,776 weights: outputs; weights; inputs, except for the 25,600 weights of the first layer
  discriminator    532,736 weights: outputs and weights, once for real and once for generated images; inputs, both
                   times except for the 401,408 weights of the first layer, and once for the loss of the generator

This sums up to 7,352,064 weights and 3.76 GFLOP per step.
"""


def build_parser():
    parser = measuring.make_parser("train", DESCRIPTION)
    parser.add_argument("--preset", choices=GOALS, default="reference", help="what to train (default: reference)")
    parser.add_argument(
        "--steps", type=options.positive_int, default=240, metavar="N", help="steps to time in each way (default: 240)"
    )
    return parser


def parse_arguments(argv=None):
    return build_parser().parse_args(argv)


def cycle_of(settings):
    """The number of steps after which a step costs the same again."""
    return settings["regularize_every"] if settings["r1"] else 1


def measure_memory(engines, job):
    """Returns the peak memory, in MB, of the loop and of `fit` on each engine: a dict from (way, engine)."""
    classes = {LOOP: contestants.HandWritten, FIT: contestants.OurFit}
    megabytes = {}
    for name, engine in engines.items():
        measured = [way for way in contestants.ways(engine, job.preset) if way in classes]
        peaks = measuring.measure_memory([(classes[way], (engine, job)) for way in measured], engine.backend)
        megabytes.update({(way, name): peak for way, peak in zip(measured, peaks, strict=True)})
    return megabytes


def take_turns(engines, job, steps):
    """Lets all ways on all engines take turns.

    Returns:
        A list of rounds. A round is a dict from (way, engine) to the seconds of a step and the seconds between two
        epochs.
    """
    cycle = cycle_of(job.settings)
    count = cycle * max(2, steps // ROUNDS // cycle)
    with contextlib.ExitStack() as stack:
        pools = {name: stack.enter_context(contestants.start_process(engine)) for name, engine in engines.items()}
        for name, engine in engines.items():
            pools[name].submit(contestants.prepare, engine, job).result()

        def take_turn(way, name, steps):
            seconds, between = pools[name].submit(contestants.take_turn, way, steps).result()
            return measuring.seconds_of_step(seconds, cycle), between

        turns = [(way, name) for name, engine in engines.items() for way in contestants.ways(engine, job.preset)]
        for turn in turns:
            take_turn(*turn, 2 * cycle)  # compiles
        return [{turn: take_turn(*turn, count) for turn in turns} for _ in range(ROUNDS)]


def train(source, preset, steps):
    import numpy as np

    source, images = measuring.read(source)
    engines = {name: engine for name, engine in ENGINES.items() if engine.is_installed}
    for name in ENGINES:
        if name not in engines:
            print(f"{name} is left out: its package is not installed.")
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        job = Job(preset, folder / "images.npz", folder)
        np.savez(job.data, x_train=np.resize(images, (measuring.IMAGES, *images.shape[1:])))
        megabytes = measure_memory(engines, job)
        rounds = take_turns(engines, job, steps)
        dataset = gan.datasets.load(job.data, job.settings["batch_size"])
        pipeline = statistics.median(sum(measuring.laps(dataset, lambda batch: None)) for _ in range(3))
    images = f"{source} as {measuring.IMAGES:,} images"
    print(f"{images}, preset {preset}, {len(dataset)} steps per epoch, on {os.cpu_count()} cores")
    print_report(preset, engines, rounds, megabytes, len(dataset), pipeline)


def print_report(preset, engines, rounds, megabytes, batches, pipeline):
    """Prints tables of times and memory, then the ratios.

    Args:
        preset: Name of the preset.
        engines: Dict of the measured engines.
        rounds: As from `take_turns`.
        megabytes: As from `measure_memory`.
        batches: Int, number of steps of an epoch.
        pipeline: Float, seconds in which an epoch's images are read.
    """
    step, between = (
        {turn: statistics.median(one[turn][place] for one in rounds) for turn in rounds[0]} for place in (0, 1)
    )
    epoch = {turn: batches * step[turn] + between[turn] for turn in megabytes}
    print_table("ms/step", engines, {turn: 1e3 * seconds for turn, seconds in step.items()}, ".2f")
    print_table("s/epoch", engines, epoch, ".2f")
    print_table("s between epochs", engines, {turn: between[turn] for turn in megabytes}, ".3f")
    print_table("peak MB", engines, megabytes, ".0f")
    print(f"\ninput pipeline      {1e3 * pipeline / batches:.2f} ms/step, {pipeline:.2f} s/epoch")
    print_ratios(preset, rounds)
    share = pipeline / min(seconds for (way, _), seconds in epoch.items() if way == FIT)
    print(f"{'input pipeline / epoch of our fit, on the fastest engine':<58}{share:10.3f}   below 0.03")


def print_table(title, engines, figures, digits):
    """Prints a row for each way and a column for each engine."""
    print(f"\n{title:<18}" + "".join(f"{name:>16}" for name in engines))
    for way in dict.fromkeys(way for way, _ in figures):
        cells = (format(figures[way, name], digits) if (way, name) in figures else "-" for name in engines)
        print(f"{way:<18}" + "".join(f"{cell:>16}" for cell in cells))


def print_ratios(preset, rounds):
    """Prints the ratios that have goals, then those that have none."""
    turns = rounds[0]
    names = dict.fromkeys(name for _, name in turns)
    goals = [*GOALS[preset], *(((FIT, name), (STEP, name), GOAL_OF_FIT) for name in names)]
    no_goals = [((STEP, name), (FLOOR, name), None) for name in names]
    print(f"\n{'ratio':<58}{'measured':>10}   goal")
    for one, other, goal in goals + no_goals:
        if one not in turns or other not in turns:
            continue
        ratio = statistics.median(figures[one][0] / figures[other][0] for figures in rounds)
        print(f"{describe(*one, *other):<58}{ratio:10.3f}" + (f"   at most {goal:.2f}" if goal else ""))


def describe(way, name, other_way, other_name):
    """Formats a ratio."""
    if name == other_name:
        return f"{way} / {other_way}, {name}"
    return f"{way}, {name} / {other_way}, {other_name}"


def main():
    arguments = parse_arguments()
    with measuring.running():
        train(arguments.data, arguments.preset, arguments.steps)


if __name__ == "__main__":
    main()
