"""Generates images with a trained GAN: a picture, a folder of pictures, an array, or a walk through latent space."""

import importlib.util
import math
import shlex
from pathlib import Path

from gan import cli, options, runs
from gan.text import format_count, format_names

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
ANIMATION_SUFFIXES = (".gif", ".mp4")
STRENGTHS = (-3, -1.5, 0, 1.5, 3)
# Options that an option cannot be combined with.
EXCLUDED = {
    "labels": ("count",),
    "latents": ("count",),
    "truncation": ("interpolate", "directions", "project"),
    "directions": ("count", "interpolate"),
    "project": ("count", "labels", "latents", "interpolate"),
}


def build_parser():
    parser = options.ArgumentParser(description=__doc__, usage="python scripts/generate.py RUN [options]")
    parser.add_argument(
        "model",
        type=Path,
        metavar="RUN",
        help="a run's folder, whose best.keras is used, or else its model.keras; or a .keras file",
    )
    parser.add_argument(
        "--count",
        type=options.positive_int,
        help="number of images (default: 16; for a conditional model 4 per class, one class per column)",
    )
    parser.add_argument(
        "--labels",
        nargs="+",
        metavar="CLASS",
        help="class of each image of a conditional model: its name, if the run's data have class names, or its number, "
        "from 0. If a number is also the name of a class, it means that class. Replaces --count",
    )
    parser.add_argument("--seed", type=options.natural_int, default=0, help="seed of the latents (default: 0)")
    parser.add_argument(
        "--latents",
        type=Path,
        metavar="FILE.npy",
        help="latents of the images, a float array with one row for each, or with --interpolate of the points of the "
        "walk. Replaces --count and --seed",
    )
    parser.add_argument(
        "--truncation",
        type=options.positive_float,
        metavar="FACTOR",
        help="shortens the latents, so that images become more typical and more alike (default: 1, no truncation)",
    )
    shows = parser.add_mutually_exclusive_group()
    shows.add_argument(
        "--directions",
        type=options.positive_int,
        metavar="COUNT",
        help="show how one image changes along the directions in latent space that change it most: a row for each, at "
        "five strengths",
    )
    shows.add_argument(
        "--project",
        type=Path,
        nargs="+",
        metavar="PICTURE",
        help="show each picture beside the generated image that is most similar to it, and write its latents to a "
        ".npy file beside --output",
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="PATH",
        help="a .png, .jpg or .webp file for a grid of all images; a .npy file for a uint8 array of them; or a folder "
        "for one PNG file per image (default: samples.png, unless --interpolate is given)",
    )
    parser.add_argument(
        "--interpolate",
        type=Path,
        metavar="FILE",
        help="a .gif or .mp4 file for an animation in which each image walks through latent space and returns to its "
        "start. With --latents, one image walks between them, and --labels are its classes there. .mp4 needs the "
        "extra 'video'",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace existing files")
    return parser


def parse_arguments(argv=None):
    arguments = build_parser().parse_args(argv)
    if not arguments.output and not arguments.interpolate:
        arguments.output = Path("samples.png")
    return arguments


def check(arguments):
    """Refuses arguments that cannot work, before Keras is imported."""
    with cli.errors_exit(ValueError, status=2):
        arguments.model = runs.find_model(arguments.model)
        config = runs.read_config(runs.find_folder(arguments.model))
        arguments.class_names = config["data"].get("class_names") if config else None
        arguments.background = config["arguments"].get("background") if config else None
        if arguments.labels:
            arguments.labels = [find_class(label, arguments.class_names) for label in arguments.labels]
    if arguments.output and arguments.output.suffix.lower() not in ("", ".npy", *PICTURE_SUFFIXES):
        cli.fail(f"--output {arguments.output} must end in .png, .jpg, .webp or .npy, or name a folder.", 2)
    if arguments.interpolate and arguments.interpolate.suffix.lower() not in ANIMATION_SUFFIXES:
        cli.fail(f"--interpolate {arguments.interpolate} must end in .gif or .mp4.", 2)
    if arguments.interpolate and arguments.interpolate.suffix.lower() == ".mp4" and not find_ffmpeg():
        cli.fail("--interpolate: an .mp4 file needs the extra 'video'. Run: pip install -e '.[video]'", 2)
    if arguments.truncation and arguments.truncation > 1:
        cli.fail(f"--truncation must be at most 1, not {arguments.truncation:g}.", 2)
    paths = [arguments.output, arguments.interpolate]
    for name, excluded in EXCLUDED.items():
        if getattr(arguments, name) and (given := [other for other in excluded if getattr(arguments, other)]):
            cli.fail(f"--{name} cannot be combined with --{given[0]}.", 2)
    shown = "directions" if arguments.directions else "project"
    if getattr(arguments, shown) and arguments.output.suffix.lower() not in PICTURE_SUFFIXES:
        cli.fail(f"--{shown} draws a picture: --output must end in .png, .jpg or .webp.", 2)
    if arguments.directions and len(arguments.labels or "1") > 1:
        cli.fail("--directions shows one image: --labels takes one class.", 2)
    inputs = [("latents", arguments.latents), *(("project", path) for path in arguments.project or ())]
    for name, path in inputs:
        if path and not path.is_file():
            cli.fail(f"--{name} {path}: there is no such file.", 2)
    if arguments.project:
        paths.append(arguments.output.with_suffix(".npy"))
    read = {path.resolve() for _, path in inputs if path}
    for path in paths:
        if path and path.resolve() in read:
            cli.fail(f"{path} is read and cannot be written too: choose another --output.", 2)
        if path:
            cli.check_output(path, arguments.overwrite)


def find_class(label, class_names):
    """Returns the number of the class that --labels gives by its name or its number."""
    names = class_names or []
    if label in names:
        return names.index(label)
    if label.isdecimal():
        return int(label)
    if not names:
        raise ValueError(f"--labels {label} is no number from 0, and this model has no class names.")
    raise ValueError(f"--labels {label}: there is no such class. The classes are {format_names(names)}.")


def find_ffmpeg():
    return importlib.util.find_spec("imageio_ffmpeg")


def lay_out(arguments, num_classes, latents=None):
    """Returns the number of images, the number of columns, and the class of each image (None if there are none)."""
    if arguments.labels:
        return len(arguments.labels), math.ceil(math.sqrt(len(arguments.labels))), arguments.labels
    count = arguments.count or 4 * (num_classes or 4) if latents is None else len(latents)
    if num_classes is None:
        return count, math.ceil(math.sqrt(count)), None
    return count, min(count, num_classes), [index % num_classes for index in range(count)]


def read_latents(arguments, model):
    from gan import sheets

    latents = sheets.read_latents(arguments.latents, model)
    if model.num_classes and not arguments.labels:
        raise ValueError(
            "--latents needs --labels, the class of each image, with a model that was trained with labels."
        )
    if arguments.labels and len(arguments.labels) != len(latents):
        raise ValueError(f"--latents has {len(latents)} rows, but --labels {len(arguments.labels)}.")
    if arguments.interpolate and len(latents) < 2:
        raise ValueError("--interpolate needs two rows or more in --latents, between which it walks.")
    return latents


def sample(arguments, model):
    """Returns the images, the number of columns and the titles."""
    from gan import sheets

    latents = read_latents(arguments, model) if arguments.latents else None
    count, columns, labels = lay_out(arguments, model.num_classes, latents)
    count = count if labels is None and latents is None else None
    images = model.generate(count, latents, arguments.seed, labels, arguments.truncation or 1.0)
    return images, columns, sheets.find_titles(arguments.class_names, labels, columns)


def show_directions(arguments, model):
    """Returns the images of one latent vector at five strengths of each direction, and columns and titles."""
    import gan
    from gan import sheets

    latents = (
        sheets.read_latents(arguments.latents, model) if arguments.latents else model.draw_latents(1, arguments.seed)
    )
    if len(latents) > 1:
        raise ValueError(f"--directions shows one image, but --latents has {len(latents)} rows.")
    if model.latent_dim and arguments.directions > model.latent_dim:
        raise ValueError(f"--directions must be at most {model.latent_dim}, the length of a latent vector.")
    label = arguments.labels[0] if arguments.labels else 0
    images = gan.latents.show_directions(model, arguments.directions, latents, STRENGTHS, label)
    return images, len(STRENGTHS), [f"{strength:g}" for strength in STRENGTHS]


def project(arguments, model):
    """Returns pictures, each with the image that is most similar, and columns and titles. Saves the latents."""
    import numpy as np

    import gan
    from gan import sheets

    read = gan.datasets.read_pictures(arguments.project, model.image_shape, arguments.background or "white")
    pictures = gan.images.to_float(read)
    found = gan.latents.project(model, pictures, seed=arguments.seed)
    file = arguments.output.with_suffix(".npy")
    sheets.save_array(file, found.latents)
    for path, distance in zip(arguments.project, found.distances, strict=True):
        print(f"{path}: root mean square difference {distance:.3f} of 2")
    names = arguments.class_names or range(model.num_classes or 0)
    labels = "" if found.labels is None else f" --labels {shlex.join(str(names[label]) for label in found.labels)}"
    print(f"{file}: the latents, for --latents {file}{labels}")
    images = np.stack([pictures, model.generate(latents=found.latents, labels=found.labels)], axis=1)
    return images.reshape(-1, *model.image_shape), 2, ["picture", "projection"]


def walk(arguments, model):
    """Returns the frames of a walk: of one image between given latents, or of a grid of images."""
    from gan import sheets

    if arguments.latents:
        return sheets.draw_walk_between(model, read_latents(arguments, model), arguments.labels)
    count, columns, labels = lay_out(arguments, model.num_classes)
    titles = sheets.find_titles(arguments.class_names, labels, columns)
    return sheets.draw_walk(model, count, columns, labels, titles, arguments.seed)


def generate(arguments):
    import gan
    from gan import sheets

    with cli.errors_exit(ValueError, status=2):
        model = gan.load_model(arguments.model)
        if arguments.labels and model.num_classes is None:
            raise ValueError(f"--labels needs a model that was trained with labels. {arguments.model} was not.")
        names = len(arguments.class_names or ())
        if names and model.num_classes not in (None, names):
            raise ValueError(
                f"{arguments.model} has {format_count(model.num_classes, 'class', 'classes')}, but {runs.CONFIG_NAME} "
                f"beside it has {format_count(names, 'class name')}."
            )
        find = show_directions if arguments.directions else project if arguments.project else sample
        found = find(arguments, model) if arguments.output else None
        frames = walk(arguments, model) if arguments.interpolate else None
    source = f"generated by {arguments.model}"
    if found:
        images, columns, titles = found
        sheets.save_samples(arguments.output, gan.images.to_uint8(images), columns, titles)
        print(f"{arguments.output}: {format_count(len(images), 'image')}, {source}")
    if frames:
        sheets.save_walk(arguments.interpolate, frames)
        print(f"{arguments.interpolate}: a walk of {len(frames)} frames, {source}")


def main():
    arguments = parse_arguments()
    check(arguments)
    with cli.interruptible():
        cli.import_keras()
        with cli.failures_exit("A smaller --count"):
            generate(arguments)


if __name__ == "__main__":
    main()
