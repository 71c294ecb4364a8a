"""Searches for the settings that give a GAN the lowest fid. Runs several trials at once."""

import argparse
import csv
import json
import shlex
import signal
import sys
from pathlib import Path

from gan import cli, options, presets
from tuning.layout import leaderboard_file, read_settings

ROWS_SHOWN = 10


def build_parser():
    parser = options.ArgumentParser(description=__doc__, usage="python scripts/tune.py --output FOLDER [options]")
    parser.add_argument(
        "--output",
        type=Path,
        required=True,
        metavar="FOLDER",
        help="folder of the sweep. To continue a stopped sweep, repeat its command",
    )
    parser.add_argument("--seed", type=options.natural_int, default=0, help="seed of all random numbers (default: 0)")
    data = parser.add_argument_group("data")
    data.add_argument("--data", default="auto", metavar="SOURCE", help=f"{options.DATA_HELP} (default: auto)")
    options.add_pictures(data, flip=True)
    data.add_argument(
        "--extractor",
        metavar="NAME",
        help=f"{options.EXTRACTOR_HELP} (default: digits for MNIST, stacked_digits for stacked images; for other "
        "images one is trained on them first)",
    )
    search = parser.add_argument_group("search")
    search.add_argument(
        "--preset",
        choices=presets.PRESETS,
        default="reference",
        help="settings of the first trial. The other trials keep those that are not searched (default: reference)",
    )
    search.add_argument(
        "--space",
        type=Path,
        metavar="FILE.json",
        help='changes to the default search space, such as {"batch_size": 128, "dropout": {"min": 0.0, "max": 0.5, '
        '"default": 0.3}}: a value fixes a setting, a range searches it',
    )
    search.add_argument(
        "--tuner", choices=("random", "bayesian", "hyperband"), default="random", help="search method (default: random)"
    )
    search.add_argument(
        "--trials", type=options.positive_int, help="number of trials of random and bayesian (default: 20)"
    )
    search.add_argument(
        "--iterations", type=options.positive_int, help="repetitions of all brackets of hyperband (default: 1)"
    )
    search.add_argument(
        "--epochs", type=options.positive_int, default=25, help="maximum number of epochs of a trial (default: 25)"
    )
    search.add_argument(
        "--validate-every",
        type=options.positive_int,
        default=5,
        metavar="EPOCHS",
        help="epochs between measurements of fid; the last epoch is always measured (default: 5)",
    )
    machines = parser.add_argument_group("workers and machines")
    machines.add_argument(
        "--workers", type=options.positive_int, help="trials at once on this machine (default: one per core)"
    )
    machines.add_argument(
        "--role",
        choices=("chief", "worker"),
        help="role of this machine in a sweep of several machines, which share the folder --output",
    )
    machines.add_argument(
        "--listen", type=address, metavar="HOST:PORT", help="address at which a chief waits for workers"
    )
    machines.add_argument("--chief", type=address, metavar="HOST:PORT", help="address of a worker's chief")
    return parser


def parse_arguments(argv=None):
    return build_parser().parse_args(argv)


def address(text):
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise argparse.ArgumentTypeError(f"must be a host and a port, such as 10.0.0.1:5000, not {text!r}")
    return host, int(port)


def check(arguments):
    """Refuses options that do not go together."""
    if (arguments.role == "chief") != (arguments.listen is not None):
        cli.fail("--role chief and --listen HOST:PORT need each other.", 2)
    if (arguments.role == "worker") != (arguments.chief is not None):
        cli.fail("--role worker and --chief HOST:PORT need each other.", 2)
    if arguments.tuner == "hyperband" and arguments.trials:
        cli.fail(
            "--trials does not apply to hyperband: --epochs determines its trials, and --iterations repeats them.", 2
        )
    if arguments.tuner != "hyperband" and arguments.iterations:
        cli.fail(f"--iterations applies to hyperband only; {arguments.tuner} takes --trials.", 2)
    cores = cli.count_cores()
    if arguments.workers and arguments.workers > cores:
        cli.warn(
            f"--workers {arguments.workers} is more than the {cores} cores of this machine, which slows the trials."
        )


def settle(arguments):
    """Returns the settings of the sweep."""
    space = {}
    if arguments.space:
        try:
            space = json.loads(arguments.space.read_text())
        except (OSError, ValueError) as error:
            cli.fail(f"--space {arguments.space} is not readable JSON ({error}).", 2)
    return {
        "data": options.resolve_data(arguments.data),
        "image_shape": arguments.image_shape,
        "background": arguments.background or "white",
        "skip_damaged": arguments.skip_damaged,
        "flip": arguments.flip,
        "preset": arguments.preset,
        "extractor": options.resolve_extractor(arguments.extractor),
        "tuner": arguments.tuner,
        "epochs": arguments.epochs,
        "trials": None if arguments.tuner == "hyperband" else arguments.trials or 20,
        "iterations": arguments.iterations or 1 if arguments.tuner == "hyperband" else None,
        "validate_every": arguments.validate_every,
        "seed": arguments.seed,
        "space": space,
    }


def show_leaderboard(output):
    """Prints the best rows of the leaderboard, and the row of the preset wherever it is."""
    from rich.console import Console
    from rich.table import Table

    file = leaderboard_file(output)
    rows = list(csv.DictReader(file.read_text().splitlines()))
    shown = [row for index, row in enumerate(rows) if index < ROWS_SHOWN or row["preset"]]
    columns = [name for name in rows[0] if name not in ("status", "ended_minute", "failure")]
    table = Table(*columns, box=None)
    for row in shown:
        table.add_row(*(row[name] for name in columns))
    # Wide enough for the table even if the output is a file.
    Console(width=200).print(table)


def run(arguments, workers):
    from tuning import sweep

    output = arguments.output
    if arguments.role == "worker":
        sweep.run_workers(output, workers, arguments.chief)
        return
    sweep.run_sweep(output, settle(arguments), workers, arguments.listen)
    show_leaderboard(output)
    print(f"{output} holds {', '.join(sorted(path.name for path in output.iterdir()))}.")
    if note := cli.describe_fallback(arguments.data, read_settings(output)["data"]):
        print(note)


def main():
    arguments = parse_arguments()
    check(arguments)
    # A chief runs trials of its own only if it is told to.
    workers = arguments.workers or (0 if arguments.role == "chief" else cli.count_cores())
    command = shlex.join([sys.executable, *sys.argv])
    with cli.interruptible(lambda: f"stopped; finished trials are kept. To continue: {command}"):
        with cli.errors_exit(ValueError, status=2), cli.errors_exit(RuntimeError, OSError, status=1):
            run(arguments, workers)
        # Everything is written, so Ctrl-C must not interrupt the end of the interpreter.
        signal.signal(signal.SIGINT, signal.SIG_IGN)


if __name__ == "__main__":
    main()
