"""Command-line options that several commands share. Imports no backend."""

import argparse
import json
import math
import re
import sys
from pathlib import Path

from gan import presets
from gan.cli import fail
from gan.processes import Processes, split_address

NAMED_SOURCES = ("auto", "mnist", "mnist5k", "fashion_mnist", "stacked_mnist", "stacked_mnist5k")
NAMED_EXTRACTORS = ("digits", "stacked_digits", "inception_v3")
STACKED_PREFIX = "stacked:"

DATA_HELP = (
    f"images: {', '.join(NAMED_SOURCES)}, {STACKED_PREFIX}PATH, an .npz file, a folder of pictures, or a folder of "
    "IDX files. auto is MNIST, or the 5,000 digits of mnist5k if MNIST cannot be downloaded"
)
EXTRACTOR_HELP = (
    f"network whose features fid and the other metrics compare: {', '.join(NAMED_EXTRACTORS)}, or a .keras file "
    "written by train_extractor.py"
)
LOSSES = ("binary_crossentropy", "hinge", "least_squares", "relativistic", "wasserstein")
AUGMENTATIONS = ("translation", "cutout", "scaling", "flip", "rotation", "brightness", "contrast", "saturation")


class ArgumentParser(argparse.ArgumentParser):
    """An argument parser that answers a wrong argument in two lines, without the list of all options."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        # Names of files and classes may have letters that the terminal does not know.
        sys.stdout.reconfigure(errors="backslashreplace")

    def error(self, message):
        self.exit(2, f"{self.prog}: error: {message}\nFor all options, run: python {sys.argv[0]} --help\n")


def add_pictures(group, shape=True, flip=False):
    """Adds the options for folders of pictures.

    Args:
        group: The parser or its argument group.
        shape: Whether the command chooses the size of the images.
        flip: Whether the command trains a GAN.
    """
    if shape:
        group.add_argument(
            "--image-shape",
            type=positive_int,
            nargs=3,
            metavar=("HEIGHT", "WIDTH", "CHANNELS"),
            help="size to which each picture in a folder is cropped and resized; 1 channel is gray, 3 are RGB "
            "(default: chosen from the pictures, at most 64 64 3)",
        )
    group.add_argument(
        "--background",
        metavar="COLOR",
        help="color behind transparent pictures in a folder: a name or #rrggbb (default: white)",
    )
    group.add_argument(
        "--skip-damaged",
        action="store_true",
        help="leave out damaged pictures in a folder instead of refusing the folder",
    )
    if flip:
        group.add_argument(
            "--flip",
            action="store_true",
            help="mirror half of the training images from left to right, chosen anew in each epoch",
        )


def add_devices(group):
    """Adds --devices, --processes and --process."""
    group.add_argument(
        "--devices",
        type=devices,
        metavar="COUNT",
        help="GPUs to train on, or all. Without GPUs: parts of the CPU, to try it out. With --processes: in each "
        "process (default: 1)",
    )
    group.add_argument(
        "--processes",
        type=addresses,
        metavar="HOST:PORT,...",
        help="train with several processes, on one machine or many (KERAS_BACKEND=jax). Start this command once for "
        "each address, in the same way except for --process. Only the first process needs --output",
    )
    group.add_argument("--process", type=natural_int, metavar="I", help="which of --processes this one is, from 0")


def resolve_processes(given):
    """Returns the `Processes` of --processes and --process; without these options, only this one."""
    addresses, index = given.get("processes"), given.get("process")
    if (addresses is None) != (index is None):
        fail("--processes and --process belong together.", 2)
    if addresses is None:
        return Processes()
    if index >= len(addresses):
        fail(f"--process {index}: --processes names {len(addresses)}, numbered from 0 to {len(addresses) - 1}.", 2)
    processes = Processes(addresses, index)
    if problem := processes.find_address_problem():
        fail(problem, 2)
    if processes.is_first and "output" not in given:
        fail("--processes needs --output in the first process, the folder of the run.", 2)
    return processes


def add_settings(group):
    """Adds an option for each setting of a preset; an option that is not given is missing from the parsed arguments."""

    def add(name, help, **kwargs):
        help = f"{help} (default: {describe_default(name.lstrip('-').replace('-', '_'))})"
        group.add_argument(name, default=argparse.SUPPRESS, help=help, **kwargs)

    def add_for_players(name, help, **kwargs):
        for player in ("generator", "discriminator"):
            add(f"--{player}-{name}", help.format(player), **kwargs)

    def number(type, metavar):
        return {"type": type, "metavar": metavar}

    def one_or_two(type, metavar):
        return {"type": type, "metavar": metavar, "nargs": "+", "action": _OneOrTwo}

    add("--epochs", "passes over the training images", type=positive_int)
    add("--batch-size", "images per step", **number(positive_int, "IMAGES"))
    add(
        "--conditional",
        "train on labels too, to generate images of a requested class",
        action=argparse.BooleanOptionalAction,
    )
    networks = (
        "mlp: fully connected networks; conv: convolutional networks; residual: residual networks, for square images"
    )
    add("--networks", networks, choices=("mlp", "conv", "residual"))
    add("--latent-dim", "length of a latent vector", **number(positive_int, "LENGTH"))
    add_for_players("widths", "mlp: units of each hidden layer of the {}", nargs="+", **number(positive_int, "UNITS"))
    add("--dropout", "mlp: dropout rate of the discriminator", **number(share, "RATE"))
    width = "conv, residual: channels of the {} at full image size"
    add_for_players("width", width, **number(positive_int, "CHANNELS"))
    add("--spectral-norm", "conv: spectrally normalize the discriminator", action=argparse.BooleanOptionalAction)
    add("--blocks", "residual: blocks at each resolution", **number(positive_int, "BLOCKS"))
    expansion = "residual: channels inside of a block, as a multiple of those between blocks"
    add("--expansion", expansion, **number(positive_int, "FACTOR"))
    add("--group-size", "residual: channels of a group of a convolution", **number(positive_int, "CHANNELS"))
    clusters = "clusters of similar images that stand in for classes, to train better without labels; 0: none"
    add("--clusters", clusters, **number(natural_int, "COUNT"))
    add("--loss", "adversarial loss", choices=LOSSES)
    moving = "from the first to the second over the training"
    smoothing = "label real images as 1 - AMOUNT instead of 1; binary_crossentropy only"
    add("--label-smoothing", smoothing, **number(share, "AMOUNT"))
    for name, penalty in (("r1", "R1 penalty"), ("r2", "R2 penalty"), ("gradient-penalty", "WGAN-GP penalty")):
        help = f"weight of the {penalty} on the discriminator; 0 disables it; two weights: {moving}"
        add(f"--{name}", help, **one_or_two(natural_float, "WEIGHT"))
    add("--regularize-every", "steps between penalties", **number(positive_int, "STEPS"))
    steps = "discriminator updates before each generator update; 0 updates both networks from one forward pass"
    add("--discriminator-steps", steps, **number(natural_int, "UPDATES"))
    augmentation = "random changes to real and generated images before the discriminator sees them"
    add("--augmentation", augmentation, nargs="*", choices=AUGMENTATIONS)
    target = "overfitting of the discriminator that augmentation aims at (ADA); 0: always augment"
    add("--augmentation-target", target, **number(share, "TARGET"))
    averaging = f"decay of the moving average of the generator's weights; 0 disables it; two decays: {moving}"
    add("--averaging", averaging, **one_or_two(share, "DECAY"))
    rate = "learning rate of the {}'s Adam optimizer; two rates: " + moving
    add_for_players("lr", rate, **one_or_two(positive_float, "RATE"))
    add("--beta-1", "beta_1 of both Adam optimizers", **number(share, "DECAY"))
    add("--beta-2", f"beta_2 of both Adam optimizers; two decays: {moving}", **one_or_two(share, "DECAY"))


class _OneOrTwo(argparse.Action):
    """Stores a number, or a list of two."""

    def __call__(self, parser, namespace, values, option_string=None):
        if len(values) > 2:
            parser.error(f"argument {option_string}: must be one number or two, not {len(values)}")
        setattr(namespace, self.dest, values if len(values) == 2 else values[0])


def read_hyperparameters(file):
    """Reads the best.json of a sweep as a list of options."""
    try:
        values = dict(json.loads(file.read_text()))
    except (OSError, ValueError, TypeError) as error:
        fail(f"--hyperparameters {file} is not a readable JSON object ({error}).", 2)
    if unknown := set(values) - {"preset", *presets.PRESETS["reference"]}:
        fail(f"--hyperparameters {file} has unknown settings: {', '.join(sorted(unknown))}.", 2)
    arguments = []
    for name, value in values.items():
        option = name.replace("_", "-")
        if isinstance(value, bool):
            arguments.append(f"--{option}" if value else f"--no-{option}")
        else:
            arguments += [f"--{option}", *map(str, value if isinstance(value, list) else [value])]
    return arguments


def describe_default(name):
    """Formats the default of a setting for its help: one value, or the value of each preset that has the setting."""
    presets_of = {}
    for preset, settings in presets.PRESETS.items():
        if settings[name] is not None:
            presets_of.setdefault(_format_value(settings[name]), []).append(preset)
    if not presets_of:  # networks that no preset has
        return next(_format_value(sizes[name]) for sizes in presets.SIZES.values() if name in sizes)
    if len(presets_of) == 1:
        return next(iter(presets_of))
    return "; ".join(f"{value} in {', '.join(names)}" for value, names in presets_of.items())


def _format_value(value):
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return " ".join(map(str, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def resolve_data(source, hint=""):
    """Returns the value of --data with its path made absolute; refuses a path that does not exist.

    Args:
        source: Value of --data.
        hint: What to do if the path does not exist. Default: the list of named sources.
    """
    prefix = STACKED_PREFIX if source.startswith(STACKED_PREFIX) else ""
    path = source.removeprefix(prefix)
    if path in NAMED_SOURCES:
        return source
    if not path or not Path(path).exists():
        hint = hint or f"The named sources are {', '.join(NAMED_SOURCES)}."
        fail(f"--data {source}: no such file, folder or named source. {hint}", 2)
    return f"{prefix}{Path(path).resolve()}"


def resolve_extractor(extractor):
    """Returns the value of --extractor with its path made absolute; refuses a file that does not exist."""
    if extractor is None or extractor in NAMED_EXTRACTORS:
        return extractor
    if not Path(extractor).is_file():
        names = ", ".join(NAMED_EXTRACTORS)
        fail(f"--extractor {extractor}: no such file or named extractor. The named extractors are {names}.", 2)
    return str(Path(extractor).resolve())


def devices(text):
    """Parses a number of devices or `"all"`, for `argparse`."""
    return text if text == "all" else positive_int(text)


def addresses(text):
    """Parses `"host:port,host:port"`, for `argparse`. Returns a tuple."""
    parts = tuple(text.split(","))
    if not all(re.fullmatch(r".+:\d{1,5}", part) and 0 < split_address(part)[1] < 65536 for part in parts):
        raise argparse.ArgumentTypeError(f"must be addresses like 10.0.0.1:1234,10.0.0.2:1234, not {text!r}")
    return parts


def positive_int(text):
    """Parses an integer of at least 1, for `argparse`."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, not {text!r}")
    return int(text)


def natural_int(text):
    """Parses an integer of at least 0, for `argparse`."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 0, not {text!r}")
    return int(text)


def positive_float(text):
    """Parses a number above 0, for `argparse`."""
    return _float(text, lambda value: 0 < value < math.inf, "a number above 0")


def natural_float(text):
    """Parses a number of at least 0, for `argparse`."""
    return _float(text, lambda value: 0 <= value < math.inf, "a number of at least 0")


def share(text):
    """Parses a number from 0 to below 1, for `argparse`."""
    return _float(text, lambda value: 0 <= value < 1, "a number from 0 to below 1")


def _float(text, is_valid, wanted):
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not is_valid(value):
        raise argparse.ArgumentTypeError(f"must be {wanted}, not {text!r}")
    return value
