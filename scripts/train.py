"""Trains a GAN and leaves its pictures, a GIF and the model in a folder."""

import argparse
import json
import math
import platform
import shlex
import signal
import sys
import time
from importlib.metadata import version
from pathlib import Path

from gan import cli, presets

DEFAULTS = {
    "preset": "reference",
    "data": "auto",
    "image_shape": None,
    "seed": 0,
    "grid_every": 1,
    "validate_every": 5,
    "extractor": None,
}
NAMED_SOURCES = ("auto", "mnist", "mnist5k", "fashion_mnist", "stacked_mnist", "stacked_mnist5k")
LOSSES = ("binary_crossentropy", "hinge", "least_squares", "relativistic", "wasserstein")
AUGMENTATIONS = ("translation", "cutout", "brightness")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, argument_default=argparse.SUPPRESS)

    def add(name, help, **kwargs):
        parser.add_argument(name, help=f"{help} (default: {describe_default(name)})", **kwargs)

    parser.add_argument("--output", type=Path, help="folder for the run (default: runs/<data>-<time>)")
    parser.add_argument("--resume", action="store_true", help="go on with the run in --output, by its own arguments")
    add("--data", f"{', '.join(NAMED_SOURCES)}, an .npz file, or a folder of images or IDX files", metavar="SOURCE")
    parser.add_argument(
        "--image-shape",
        type=cli.positive_int,
        nargs=3,
        metavar=("HEIGHT", "WIDTH", "CHANNELS"),
        help="what a folder of images is resized to, 1 channel for gray or 3 for RGB (default: 28 28 1)",
    )
    parser.add_argument(
        "--hyperparameters",
        type=Path,
        metavar="FILE.json",
        help="the best.json of a sweep: its preset and what it found (an option given beside it wins)",
    )
    add("--preset", "what is trained, and how: a choice of all options below it", choices=presets.PRESETS)
    add("--epochs", "passes over the images", type=cli.positive_int)
    add("--batch-size", "images in a step", type=cli.positive_int)
    add("--conditional", "images of a class that one asks for; needs labels", action=argparse.BooleanOptionalAction)
    add("--networks", "multilayer perceptrons or convolutional networks", choices=("mlp", "conv"))
    add("--latent-dim", "length of a latent vector", type=cli.positive_int, metavar="LENGTH")
    for player in ("generator", "discriminator"):
        widths = {"type": cli.positive_int, "metavar": "UNITS"}
        add(f"--{player}-widths", "units of the hidden layers of an mlp", nargs="+", **widths)
    add("--dropout", "share of the units of an mlp's discriminator dropped", type=cli.share, metavar="SHARE")
    for player in ("generator", "discriminator"):
        channels = {"type": cli.positive_int, "metavar": "CHANNELS"}
        add(f"--{player}-width", "channels of a conv network where the image is largest", **channels)
    add("--spectral-norm", "keep the layers of a conv discriminator at norm 1", action=argparse.BooleanOptionalAction)
    add("--loss", "what the two minimise", choices=LOSSES)
    add("--label-smoothing", "real images get the label 1 less this share", type=cli.share, metavar="SHARE")
    for name, what in (("r1", "R1"), ("r2", "R2"), ("gradient-penalty", "WGAN-GP's penalty")):
        add(f"--{name}", f"weight of {what} on the discriminator, 0 for none", type=cli.natural_float, metavar="WEIGHT")
    add("--regularize-every", "steps from one such penalty to the next", type=cli.positive_int, metavar="STEPS")
    add(
        "--discriminator-steps",
        "updates of the discriminator before each of the generator's, 0 for one of both at once",
        type=cli.natural_int,
        metavar="UPDATES",
    )
    add("--augmentation", "what is done to images before they are told apart", nargs="*", choices=AUGMENTATIONS)
    add("--averaging", "decay of the generator's average, 0 for none", type=cli.share, metavar="DECAY")
    add("--generator-lr", "learning rate of the generator's Adam", type=cli.positive_float, metavar="RATE")
    add("--discriminator-lr", "learning rate of the discriminator's Adam", type=cli.positive_float, metavar="RATE")
    add("--beta-1", "decay of the momentum of both Adams", type=cli.share, metavar="DECAY")
    add("--beta-2", "decay of the scale of both Adams", type=cli.share, metavar="DECAY")
    add("--seed", "seed of everything random", type=cli.natural_int)
    add("--grid-every", "epochs from one picture to the next", type=cli.positive_int, metavar="EPOCHS")
    add(
        "--validate-every",
        "epochs from one measurement of fid and the like on held-out images to the next (the last epoch has one "
        "too), 0 for never",
        type=cli.natural_int,
        metavar="EPOCHS",
    )
    parser.add_argument(
        "--extractor",
        help="whose features fid and the like compare: digits, stacked_digits, inception_v3, or a .keras file of "
        "train_extractor.py (default: digits for gray images of 28x28, stacked_digits for stacked_mnist; without one "
        "for others, nothing is validated)",
        metavar="NAME",
    )
    given = vars(parser.parse_args())
    if file := given.get("hyperparameters"):
        # Checked as if they had been typed, and what was typed comes later.
        given = vars(parser.parse_args([*read_hyperparameters(file), *sys.argv[1:]]))
        del given["hyperparameters"]
    return given


def describe_default(option):
    """The default of an option, as its help tells it; where presets differ, that of each."""
    name = option.lstrip("-").replace("-", "_")
    if name in DEFAULTS:
        return DEFAULTS[name]
    said = {
        preset: " ".join(map(str, settings[name])) if isinstance(settings[name], list) else str(settings[name])
        for preset, settings in presets.PRESETS.items()
        if settings[name] is not None
    }
    if len(set(said.values())) == 1:
        return next(iter(said.values())) or "none"
    return ", ".join(f"{preset} {text}" for preset, text in said.items())


def read_hyperparameters(file):
    """The options that a sweep's best.json stands for."""
    try:
        values = dict(json.loads(file.read_text()))
    except (OSError, ValueError, TypeError) as error:
        cli.fail(f"--hyperparameters {file} cannot be read as a table in JSON ({error}).", 2)
    if unknown := set(values) - {"preset", *presets.PRESETS["reference"]}:
        cli.fail(f"--hyperparameters {file} has unknown {', '.join(sorted(unknown))}.", 2)
    options = []
    for name, value in values.items():
        option = name.replace("_", "-")
        if isinstance(value, bool):
            options.append(f"--{option}" if value else f"--no-{option}")
        else:
            options += [f"--{option}", *map(str, value if isinstance(value, list) else [value])]
    return options


def settle(given):
    """The run's folder and its arguments: the defaults and those given or, with --resume, the run's own."""
    resume = given.pop("resume", False)
    output = given.pop("output", None)
    if not resume:
        changes = {name: value for name, value in given.items() if name not in DEFAULTS}
        with cli.errors_exit(ValueError, status=2):
            resolved = presets.resolve(given.get("preset", DEFAULTS["preset"]), changes)
        settings = {**DEFAULTS, **resolved, **given}
        data = settings["data"]
        if data not in NAMED_SOURCES:
            if not Path(data).exists():
                cli.fail(f"--data {data}: there is no such file or folder, nor a source of that name.", 2)
            settings["data"] = str(Path(data).resolve())
        extractor = settings["extractor"]
        if extractor not in (None, "digits", "stacked_digits", "inception_v3"):
            if not Path(extractor).is_file():
                cli.fail(f"--extractor {extractor}: there is no such file, nor an extractor of that name.", 2)
            settings["extractor"] = str(Path(extractor).resolve())
        output = output or Path("runs") / f"{Path(data).stem}-{time.strftime('%Y%m%d-%H%M%S')}"
        if output.exists() and not output.is_dir():
            cli.fail(f"--output {output} is a file; name a folder.", 2)
        if (output / "config.json").exists():
            cli.fail(f"--output {output} holds a run already: add --resume to go on with it, or name another.", 2)
        if output.exists() and any(not path.name.startswith(".partial.") for path in output.iterdir()):
            cli.fail(f"--output {output} is not empty, and nothing in it will be overwritten: name another.", 2)
        return output, settings
    if output is None:
        cli.fail("--resume needs --output, the folder of the run to go on with.", 2)
    if changed := sorted(set(given) - {"epochs"}):
        names = ", ".join(f"--{name.replace('_', '-')}" for name in changed)
        cli.fail(f"--resume goes on with the run's own arguments; only --epochs may differ, not {names}.", 2)
    if not (output / "config.json").is_file():
        cli.fail(f"--output {output} holds no run to resume: it has no config.json.", 2)
    try:
        arguments = dict(json.loads((output / "config.json").read_text())["arguments"])
    except (ValueError, KeyError, TypeError):
        cli.fail(f"{output / 'config.json'} is damaged: it does not tell the run's arguments.", 2)
    # A run that is older than a setting was the reference job as far as that goes.
    return output, {**DEFAULTS, **presets.resolve(), **arguments, **given}


def prepare(output, settings):
    """Everything that can be wrong before the first step: data, model, folder."""
    cli.import_keras()
    import keras

    import gan

    keras.utils.set_random_seed(settings["seed"])
    checkpoint = output / "model.keras"
    model, epoch = gan.Checkpoint.load(checkpoint) if checkpoint.exists() else (None, 0)
    if epoch > settings["epochs"]:
        raise ValueError(f"{output} has {epoch} epochs behind it already, more than --epochs {settings['epochs']}.")
    settings["data"] = gan.datasets.resolve(settings["data"])

    def load(split):
        return gan.datasets.load(
            settings["data"],
            settings["batch_size"],
            settings["image_shape"],
            settings["seed"],
            split,
            labels=settings["conditional"],
        )

    validation = load("test") if settings["validate_every"] else None
    if validation and not settings["extractor"]:
        settings["extractor"] = gan.metrics.usual_extractor(settings["data"], shape_of(validation))
    if not settings["extractor"]:
        validation = None
    dataset = load("train" if validation else None)
    image_shape = shape_of(dataset)
    if model is None:
        num_classes = metrics = None
        if settings["conditional"]:
            num_classes = gan.datasets.count_classes(settings["data"])
        if validation:
            extractor = gan.metrics.load_extractor(settings["extractor"])
            metrics = gan.metrics.all_metrics(extractor, image_shape, num_classes)
        model = presets.build(settings, image_shape, num_classes, settings["seed"], metrics)
    if image_shape != model.image_shape:
        raise ValueError(
            f"{settings['data']} holds images of {image_shape}, but {output} was trained on {model.image_shape}."
        )
    versions = {name: version(name) for name in ("gan", "keras", "tensorflow", "numpy")}
    config = {"arguments": settings, "versions": {"python": platform.python_version(), **versions}}
    config_file = output / "config.json"
    if config_file.exists() and json.loads(config_file.read_text()).get("versions") != config["versions"]:
        print(f"{output} was started with other versions than these, {versions}: bits may differ.", file=sys.stderr)
    with gan.files.written_whole(config_file) as partial:
        partial.write_text(json.dumps(config, indent=2) + "\n")
    return model, dataset, validation, epoch


def shape_of(dataset):
    spec = dataset.element_spec
    return tuple((spec[0] if isinstance(spec, tuple) else spec).shape[1:])


def train(output, settings, model, dataset, validation, epoch):
    import gan

    height, width, channels = model.image_shape
    print(
        f"{settings['data']}: {len(dataset)} batches of {settings['batch_size']} images of "
        f"{height}x{width}x{channels}; a generator of {model.generator.count_params():,} weights and a discriminator "
        f"of {model.discriminator.count_params():,}, into {output}" + (f", from epoch {epoch + 1} on" if epoch else ""),
        flush=True,
    )
    if settings["validate_every"] and not validation:
        print("nothing is validated: for such images fid needs an --extractor.", flush=True)
    every = settings["validate_every"] or 1
    model.fit(
        dataset,
        epochs=settings["epochs"],
        initial_epoch=epoch,
        validation_data=validation,
        validation_freq=sorted({*range(every, settings["epochs"], every), settings["epochs"]}),
        verbose=0,
        callbacks=[
            gan.CSVHistory(output / "history.csv"),
            gan.ImageGrid(output / "images", every=settings["grid_every"]),
            # Only what is written before it counts as done, so it comes after the other files of an epoch.
            gan.Checkpoint(output / "model.keras", monitor="val_fid" if validation else None),
            gan.Progress(),
            gan.Animation(output / "training.gif", output / "images"),
        ],
    )
    history = gan.CSVHistory.read(output / "history.csv")
    extractor = model.quality_metrics[0].extractor_name if validation else None
    gan.images.save_curves(output / "curves.png", history, extractor)
    if "val_fid" in history:
        measured = zip(history["val_fid"], history["epoch"], strict=True)
        fid, epoch = min((fid, epoch) for fid, epoch in measured if math.isfinite(fid))
        print(f"best epoch: {epoch:.0f}, with a fid of {fid:.3f} by features of {extractor}; its model is best.keras.")
    print(f"{output} holds {', '.join(sorted(path.name for path in output.iterdir()))}.")


def main():
    output, settings = settle(parse_arguments())
    try:
        with cli.errors_exit(ValueError, TypeError, OSError, status=2):
            model, dataset, validation, epoch = prepare(output, settings)
        import tensorflow as tf

        with cli.errors_exit(FloatingPointError, OSError, tf.errors.OpError, status=1):
            train(output, settings, model, dataset, validation, epoch)
        # All is written: a Ctrl-C has nothing to stop any more but the end of the interpreter.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    except KeyboardInterrupt:
        how = f"go on with: python {sys.argv[0]} --output {shlex.quote(str(output))} --resume"
        kept = f"all finished epochs are kept; {how}" if (output / "config.json").exists() else "nothing was written."
        print(f"\nstopped; {kept}", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
