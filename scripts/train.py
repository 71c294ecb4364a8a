"""Trains a GAN. Writes the model, image grids, a GIF, curves and a history to one folder."""

import argparse
import contextlib
import functools
import json
import math
import signal
import sys
import tempfile
from pathlib import Path

from gan import cli, first_lines, options, presets, runs, supervision
from gan.locks import LOCK_NAME, locked_folder
from gan.text import format_count, format_shape

# Options that may differ between the processes of a run.
NAMED_BY_PROCESS = ("output", "data", "extractor", "process")


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


def prepare(output, settings, recorded, processes):
    """Loads data and model and writes config.json, after everything that can be wrong has been checked."""
    import keras

    import gan
    from gan import checks

    keras.utils.set_random_seed(settings["seed"])
    checkpoint = output / "model.keras"
    model, epoch = gan.Checkpoint.load(checkpoint) if checkpoint.exists() else (None, 0)
    if epoch > settings["epochs"]:
        raise ValueError(f"{output} has finished {epoch} epochs already, more than --epochs {settings['epochs']}.")
    images, data = open_images(output, settings, recorded, processes)
    load = functools.partial(load_split, images, settings)
    is_validated = bool(settings["validate_every"] and (model is None or model.quality_metrics))
    if recorded is None and (line := first_lines.recommend(images, settings, is_validated)):
        print(line, flush=True)  # before a batch is refused that is too large for these pictures
    validation = load("test") if is_validated else None
    dataset = load("train" if validation else None)
    num_classes = images.num_classes if settings["conditional"] else None

    def build(metrics=None):
        steps = settings["epochs"] * len(dataset)
        return presets.build(settings, images.image_shape, num_classes, settings["seed"], metrics, steps)

    # Without metrics, to find what is wrong before minutes are spent on an extractor.
    draft = model or build()
    if images.image_shape != draft.image_shape:
        shapes = format_shape(images.image_shape), format_shape(draft.image_shape)
        raise ValueError(f"{images.name} holds images of {shapes[0]}, but {output} was trained on {shapes[1]}.")
    checks.check_batches(draft, dataset)
    print(first_lines.describe_data(images, settings, is_validated), flush=True)
    if recorded and (line := first_lines.describe_ended(settings, recorded["epochs"])):
        print(line, flush=True)
    if model is None:
        keras.utils.set_random_seed(settings["seed"])
        metrics = choose_metrics(images, num_classes, output, settings, processes) if validation else None
        if validation and not metrics:
            validation, dataset = None, load(None)
        model = build(metrics)
    if processes.is_first:
        runs.write_config(output, settings, data, is_resumed=recorded is not None)
    return model, images, dataset, validation, epoch, data


def open_images(output, settings, recorded, processes):
    """Opens the images, and makes sure that they are those of the run. Returns them and the run's facts about them."""
    import gan

    requested = settings["data"]
    images = gan.datasets.open_source(
        requested, settings["image_shape"], settings["background"], settings["skip_damaged"]
    )
    settings["data"] = images.name
    if images.pictures:
        settings["image_shape"] = list(images.image_shape)
    data = runs.check_data(output, images, requested, recorded if processes.is_first else None)
    processes.check_equal("images", data["fingerprint"], "reads other images than")
    return images, data


def load_split(images, settings, split):
    import gan

    keep_all = split == "test" or not settings["drop_remainder"]
    kept = {"seed": settings["seed"], "labels": settings["conditional"], "flip": settings["flip"]}
    return gan.datasets.load(images, settings["batch_size"], split=split, drop_remainder=not keep_all, **kept)


def choose_metrics(images, num_classes, output, settings, processes):
    """Returns the metrics of a run. If no extractor is known, trains one on the images; None if it does not pass."""
    import keras

    import gan
    from gan import extraction

    chosen = settings["extractor"] or gan.metrics.usual_extractor(images.name, images.image_shape)
    settings["extractor"] = chosen or runs.EXTRACTOR_NAME
    if settings["extractor"] == runs.EXTRACTOR_NAME:
        file = output / runs.EXTRACTOR_NAME
        if processes.is_first and not file.exists():
            try:
                extraction.write_extractor(images, file, Path(images.name).stem, settings["seed"])
            except ValueError as error:
                print(f"Nothing is validated, and all images are trained on: {error}", flush=True)
        processes.tell("extractor", "chosen")  # the others wait here
        processes.send_file(file)
        keras.utils.set_random_seed(settings["seed"])
        if not file.exists():
            settings["extractor"] = None
            return None
    extractor = gan.metrics.load_extractor(runs.find_extractor(settings["extractor"], output))
    return gan.metrics.all_metrics(extractor, images.image_shape, num_classes)


def train(output, settings, model, images, dataset, validation, epoch, data):
    import gan
    from gan import engines

    devices = f" on {model.device_count} devices" if model.device_count > 1 else ""
    facts = [
        f"generator: {model.generator.count_params():,} parameters",
        f"discriminator: {model.discriminator.count_params():,} parameters",
        f"{format_count(len(dataset), 'batch', 'batches')} of {settings['batch_size']} per epoch{devices}",
        f"output: {output}" if engines.is_first_process() else "process 0 writes the output",
        *([f"continuing after epoch {epoch}"] if epoch else []),
    ]
    print("; ".join(facts), flush=True)
    every = settings["validate_every"] or 1
    history_file = output / "history.csv"
    names = images.class_names if model.num_classes else None
    monitor = "val_fid" if validation else None
    model.fit(
        dataset,
        epochs=settings["epochs"],
        initial_epoch=epoch,
        validation_data=validation,
        validation_freq=sorted({*range(every, settings["epochs"], every), settings["epochs"]}),
        verbose=0,
        callbacks=[
            gan.CSVHistory(history_file),
            gan.ImageGrid(output / "images", every=settings["grid_every"], class_names=names),
            gan.Curves(output / "curves.png", history_file),
            gan.Animation(output / "training.gif", output / "images"),
            # An epoch counts as finished once it is in the checkpoint, so its other files are written before.
            gan.Checkpoint(output / "model.keras", monitor, keep_every=settings["keep_every"]),
            gan.Progress(),
        ],
    )
    if not engines.is_first_process():
        return
    history = gan.CSVHistory.read(history_file)
    measured = zip(history.get("val_fid", ()), history["epoch"], strict=False)
    if fids := [(fid, epoch) for fid, epoch in measured if math.isfinite(fid)]:
        fid, epoch = min(fids)
        extractor = model.quality_metrics[0].extractor_name
        print(f"best epoch: {epoch:.0f}, with a fid of {fid:.3f} (extractor {extractor}), saved as best.keras")
    print(f"{output} holds {', '.join(sorted(path.name for path in output.iterdir() if path.name != LOCK_NAME))}.")
    if note := cli.describe_fallback(data["requested"], settings["data"]):
        print(note)


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
        from gan import engines

        with cli.failures_exit():
            with cli.errors_exit(ValueError, TypeError, status=2):
                settings, recorded = agree(processes, given, settings, recorded)
                stack.enter_context(engines.use_devices(given.get("devices", 1)))
                processes.check_devices()
                processes.send_file(folder / "model.keras")
                prepared = prepare(folder, settings, recorded, processes)
            train(folder, settings, *prepared)
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
    for name, resolve in (("data", options.resolve_data), ("extractor", options.resolve_extractor)):
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
