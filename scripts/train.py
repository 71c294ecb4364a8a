"""Trains a GAN. Writes the model, image grids, a GIF, curves and a history to one folder."""

import argparse
import contextlib
import json
import signal
import sys
import tempfile
from pathlib import Path

from gan import cli, options, presets, runs, supervision
from gan.locks import locked_folder

# Options that may differ between the processes of a run.
NAMED_BY_PROCESS = ("output", "from", "data", "extractor", "process")


def build_parser():
    parser = options.ArgumentParser(
        description=__doc__, usage="python scripts/train.py [options]", argument_default=argparse.SUPPRESS
    )
    run = parser.add_argument_group("run")
    run.add_argument("--output", type=Path, metavar="FOLDER", help="folder of the run (default: runs/DATA-TIME)")
    run.add_argument(
        "--resume",
        action="store_true",
        help="continue the run in --output with its own arguments. Only --epochs and --data can be changed: --data "
        "gives the new path if the images have moved. A checksum in config.json verifies that they are the same",
    )
    run.add_argument(
        "--from",
        type=Path,
        metavar="RUN",
        help="fine-tune the model of another run, given by its folder or its .keras file: its weights are those that "
        "training starts with, and its settings the defaults. Both optimizers start anew",
    )
    run.add_argument("--seed", type=options.natural_int, help="seed of all random numbers (default: 0)")
    data = parser.add_argument_group("data")
    data.add_argument("--data", metavar="SOURCE", help=f"{options.DATA_HELP} (default: auto)")
    options.add_pictures(data, flip=True)
    monitoring = parser.add_argument_group("pictures and metrics")
    monitoring.add_argument(
        "--grid-every", type=options.positive_int, metavar="EPOCHS", help="epochs between image grids (default: 1)"
    )
    keep = "epochs between models that are kept in checkpoints/, for explore.py to look back at (default: none)"
    monitoring.add_argument("--keep-every", type=options.positive_int, metavar="EPOCHS", help=keep)
    monitoring.add_argument(
        "--validate-every",
        type=options.natural_int,
        metavar="EPOCHS",
        help="epochs between validations, which measure fid and the other metrics on held-out images. The last epoch "
        "is always validated. 0 disables validation and trains on all images (default: 5)",
    )
    monitoring.add_argument(
        "--extractor",
        metavar="NAME",
        help=f"{options.EXTRACTOR_HELP} (default: digits for MNIST, stacked_digits for stacked images; for other "
        "images one is trained on them first)",
    )
    monitoring.add_argument(
        "--tensorboard",
        action="store_true",
        help="also write losses, metrics, image grids and, with classes and validation, an embedding of generated "
        "images to the folder tensorboard, for: tensorboard --logdir RUN",
    )
    options.add_devices(
        parser.add_argument_group(
            "devices", "A batch is divided among all devices, and the results are those of one device, up to rounding."
        )
    )
    training = parser.add_argument_group(
        "networks and training", "A preset sets the defaults of this group. Each option overrides the preset."
    )
    training.add_argument(
        "--drop-remainder",
        action="store_true",
        help="leave out the last images of an epoch if they do not fill a batch",
    )
    training.add_argument("--preset", choices=presets.PRESETS, help="(default: reference)")
    training.add_argument(
        "--hyperparameters",
        type=Path,
        metavar="FILE.json",
        help="best.json of a sweep: sets the preset and the options that the sweep found",
    )
    options.add_settings(training)
    return parser


def parse_arguments(argv=None):
    """Parses a command line; returns a dict of the options that were given."""
    argv = sys.argv[1:] if argv is None else argv
    parser = build_parser()
    given = vars(parser.parse_args(argv))
    if file := given.get("hyperparameters"):
        # Parsed as if typed before the other options, which therefore override them.
        given = vars(parser.parse_args([*options.read_hyperparameters(file), *argv]))
        del given["hyperparameters"]
    return given


def run(given, processes):
    """Trains in this process, together with the others if there are any."""
    output, settings, recorded = runs.settle(given) if processes.is_first else (None, None, None)

    def describe_stop():
        return f"stopped; {runs.describe_rest(output, given, processes)}"

    with cli.interruptible(describe_stop), contextlib.ExitStack() as stack:
        if processes.is_first:
            folder = output
            with cli.errors_exit(ValueError, status=2):
                stack.enter_context(locked_folder(output))
            if recorded is None:
                runs.check_unused(output)  # another command may have used it before it was locked
        else:
            # For what the first process sends.
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        cli.import_keras()
        from gan import engines, training

        with cli.failures_exit():
            with cli.errors_exit(ValueError, TypeError, status=2):
                settings, recorded = agree(processes, given, settings, recorded)
                stack.enter_context(engines.use_devices(given.get("devices", 1)))
                processes.check_devices()
                processes.send_file(folder / "model.keras")
                prepared = training.prepare(folder, settings, recorded, processes)
            training.train(folder, settings, *prepared)
            processes.leave()
        # Everything is written, so Ctrl-C must not interrupt the end of the interpreter.
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def agree(processes, given, settings, recorded):
    """Returns the settings of the first process, and what its config.json records of its data."""
    of_all = {name: value for name, value in given.items() if name not in NAMED_BY_PROCESS}
    processes.check_equal("options", json.dumps(of_all, sort_keys=True), "was started with other options than")
    versions = json.dumps(runs.versions(), sort_keys=True)
    processes.check_equal("versions", versions, "runs other versions of Python or its packages than")
    settings, recorded = json.loads(processes.tell("settings", json.dumps([settings, recorded])))
    resolvers = {"data": options.resolve_data, "extractor": options.resolve_extractor, "from": runs.resolve_start}
    for name, resolve in resolvers.items():
        if name in given:
            settings[name] = resolve(given[name])
    return settings, recorded


def main():
    given = parse_arguments()
    processes = options.resolve_processes(given)
    if not processes.addresses:
        run(given, processes)
    elif supervision.is_supervised():
        with supervision.supervised() as report_meeting:
            with cli.interruptible(), cli.errors_exit(ValueError, status=2):
                cli.import_keras()
                processes.join()
            report_meeting()
            run(given, processes)
    else:
        if processes.is_first:
            runs.settle(given)  # refuses what is wrong before the others are waited for
        supervision.supervise(processes, lambda: runs.describe_rest(given.get("output"), given, processes))


if __name__ == "__main__":
    main()
