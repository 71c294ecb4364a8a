"""Searches for the widths, learning rates and the like that give a GAN the lowest fid, several trials at once."""

import argparse
import csv
import json
import shlex
import signal
import sys
from pathlib import Path

from gan import cli, presets
from tuning import processes
from tuning.layout import leaderboard_file

ROWS_SHOWN = 10


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--output", type=Path, required=True, help="folder of the sweep; one that was stopped goes on")
    add(
        "--data",
        default="auto",
        metavar="SOURCE",
        help="auto, mnist, mnist5k, fashion_mnist, stacked_mnist, stacked_mnist5k, an .npz file, or a folder, as in "
        "train.py (default: %(default)s)",
    )
    add(
        "--image-shape",
        type=cli.positive_int,
        nargs=3,
        metavar=("HEIGHT", "WIDTH", "CHANNELS"),
        help="what a folder of images is resized to (default: 28 28 1)",
    )
    add(
        "--extractor",
        metavar="NAME",
        help="whose features fid compares: digits, stacked_digits, inception_v3, or a .keras file of "
        "train_extractor.py (default: digits for gray images of 28x28, stacked_digits for stacked_mnist)",
    )
    add(
        "--preset",
        choices=presets.PRESETS,
        default="reference",
        help="the first trial, whose settings the others share as far as they are not searched (default: %(default)s)",
    )
    add("--tuner", choices=("random", "bayesian", "hyperband"), default="random", help="(default: %(default)s)")
    add("--trials", type=cli.positive_int, help="how many trials random and bayesian run (default: 20)")
    add("--iterations", type=cli.positive_int, help="how often hyperband runs all of its brackets (default: 1)")
    add("--epochs", type=cli.positive_int, default=25, help="epochs of a trial at its longest (default: %(default)s)")
    add(
        "--validate-every",
        type=cli.positive_int,
        default=5,
        metavar="EPOCHS",
        help="epochs from one measurement of fid to the next; the last one has one too (default: %(default)s)",
    )
    add("--workers", type=cli.positive_int, help="trials at once on this machine (default: a core each)")
    add("--seed", type=cli.natural_int, default=0, help="seed of everything random (default: %(default)s)")
    add(
        "--space",
        type=Path,
        metavar="FILE.json",
        help='what is to be searched other than by default: {"batch_size": 128, '
        '"dropout": {"min": 0.0, "max": 0.5, "default": 0.3}}',
    )
    add("--role", choices=("chief", "worker"), help="for sweeps on several machines that share the folder --output")
    add("--listen", type=address, metavar="HOST:PORT", help="where a chief waits for the workers of other machines")
    add("--chief", type=address, metavar="HOST:PORT", help="where a worker finds its chief")
    return parser.parse_args()


def address(text):
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise argparse.ArgumentTypeError(f"must be a host and a port, such as 10.0.0.1:5000, not {text!r}")
    return host, int(port)


def check(arguments):
    """Refuses what does not go together."""
    if (arguments.role == "chief") != (arguments.listen is not None):
        cli.fail("--role chief and --listen HOST:PORT go together.", 2)
    if (arguments.role == "worker") != (arguments.chief is not None):
        cli.fail("--role worker and --chief HOST:PORT go together.", 2)
    if arguments.tuner == "hyperband" and arguments.trials:
        cli.fail(
            "--trials has no meaning for hyperband: --epochs decides how many it runs; --iterations repeats them.", 2
        )
    if arguments.tuner != "hyperband" and arguments.iterations:
        cli.fail(f"--iterations has a meaning for hyperband only; {arguments.tuner} takes --trials.", 2)
    cores = processes.count_cores()
    if arguments.workers and arguments.workers > cores:
        print(
            f"--workers {arguments.workers} are more than the {cores} cores here, and will wait for one another.",
            file=sys.stderr,
        )


def settle(arguments):
    """The settings of the sweep."""
    space = {}
    if arguments.space:
        try:
            space = json.loads(arguments.space.read_text())
        except (OSError, ValueError) as error:
            cli.fail(f"--space {arguments.space} cannot be read as JSON ({error}).", 2)
    is_path = Path(arguments.data).exists()
    extractor = arguments.extractor
    return {
        "data": str(Path(arguments.data).resolve()) if is_path else arguments.data,
        "image_shape": arguments.image_shape,
        "preset": arguments.preset,
        "extractor": str(Path(extractor).resolve()) if extractor and Path(extractor).is_file() else extractor,
        "tuner": arguments.tuner,
        "epochs": arguments.epochs,
        "trials": None if arguments.tuner == "hyperband" else arguments.trials or 20,
        "iterations": arguments.iterations or 1 if arguments.tuner == "hyperband" else None,
        "validate_every": arguments.validate_every,
        "seed": arguments.seed,
        "space": space,
    }


def show_leaderboard(output):
    """Prints the first rows of the leaderboard, and the preset's wherever it is."""
    from rich.console import Console
    from rich.table import Table

    file = leaderboard_file(output)
    rows = list(csv.DictReader(file.read_text().splitlines()))
    shown = [row for index, row in enumerate(rows) if index < ROWS_SHOWN or row["job"]]
    columns = [name for name in rows[0] if name not in ("status", "ended_minute", "failure")]
    table = Table(*columns, box=None)
    for row in shown:
        table.add_row(*(row[name] for name in columns))
    # As wide as it needs to be, also where it is read from a file.
    Console(width=200).print(table)
    print(f"{output} holds {', '.join(sorted(path.name for path in output.iterdir()))}.")


def main():
    arguments = parse_arguments()
    check(arguments)
    from tuning import sweep

    workers = arguments.workers or processes.count_cores()
    try:
        with cli.errors_exit(ValueError, status=2), cli.errors_exit(RuntimeError, OSError, status=1):
            if arguments.role == "worker":
                sweep.run_workers(arguments.output, workers, arguments.chief)
            else:
                workers = arguments.workers or 0 if arguments.role == "chief" else workers
                sweep.run_sweep(arguments.output, settle(arguments), workers, arguments.listen)
                show_leaderboard(arguments.output)
        # All is written: a Ctrl-C has nothing to stop any more but the end of the interpreter.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    except KeyboardInterrupt:
        command = shlex.join([sys.executable, *sys.argv])
        print(f"\nstopped; finished trials are kept, and this goes on with the others: {command}", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
