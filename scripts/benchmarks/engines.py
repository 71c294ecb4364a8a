"""Compares the training speed of the Keras backends that are installed."""

import importlib.util
import os
import statistics
import subprocess
import sys

import measuring

import gan

BACKENDS = ("tensorflow", "jax", "torch")
ROUNDS = 9
STEPS = 40
DESCRIPTION = """Compares the training speed of the Keras backends that are installed.

Each backend trains a preset in a process of its own. The processes take turns, a round of 40 steps of fit each, so that
other load on the machine affects all of them; the first two rounds, which compile, do not count. Reported are medians,
and the median of the rounds' ratios to TensorFlow.
"""


def build_parser():
    parser = measuring.make_parser("engines", DESCRIPTION)
    parser.add_argument(
        "--preset", choices=gan.presets.PRESETS, default="reference", help="what to train (default: %(default)s)"
    )
    parser.add_argument("--backend", choices=BACKENDS, help="be the process of one backend (used internally)")
    return parser


def parse_arguments(argv=None):
    return build_parser().parse_args(argv)


def train_in_rounds(arguments):
    """The process of one backend: trains for a round for each line on stdin and prints its seconds."""
    settings = gan.presets.resolve(arguments.preset)
    batch_size = settings["batch_size"]
    _, images = measuring.read(arguments.data)
    images = gan.images.to_float(images[: STEPS * batch_size])
    model = gan.presets.build(settings, images.shape[1:], seed=0)

    for _ in sys.stdin:
        laps = measuring.laps([None], lambda _: model.fit(images, batch_size=batch_size, verbose=0))
        print(laps[0], flush=True)


def compare(arguments):
    installed = [name for name in BACKENDS if importlib.util.find_spec(name)]
    command = [sys.executable, *sys.argv, "--backend"]
    processes = {
        name: subprocess.Popen(
            [*command, name],
            env={**os.environ, "KERAS_BACKEND": name},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in installed
    }
    seconds = {name: [] for name in installed}
    for _ in range(ROUNDS):
        for name, process in processes.items():
            process.stdin.write("\n")
            process.stdin.flush()
            seconds[name].append(float(process.stdout.readline()))
    for process in processes.values():
        process.communicate()
    print(f"{arguments.preset}: {STEPS} steps of fit\n{'':<12}{'ms/step':>9}{'/ tensorflow':>14}")
    for name in installed:
        counted = seconds[name][2:]
        ratios = [one / other for one, other in zip(counted, seconds["tensorflow"][2:], strict=True)]
        print(f"{name:<12}{1000 * statistics.median(counted) / STEPS:9.1f}{statistics.median(ratios):14.2f}")


def main():
    arguments = parse_arguments()
    with measuring.running():
        if arguments.backend:
            train_in_rounds(arguments)
        else:
            compare(arguments)


if __name__ == "__main__":
    main()
