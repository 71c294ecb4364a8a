"""Generates images with a trained GAN: a picture, a folder of pictures, an array, or a walk through latent space."""

import importlib.util
import math
from pathlib import Path

from gan import cli, options, runs
from gan.text import format_count, format_names

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
ANIMATION_SUFFIXES = (".gif", ".mp4")
PADDING = 2
WAYPOINTS = 8
STEPS = 16
SECONDS_PER_FRAME = 0.06


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
        "start; .mp4 needs the extra 'video'",
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
        config = runs.read_config(arguments.model.parent)
        arguments.class_names = config["data"].get("class_names") if config else None
        if arguments.labels:
            arguments.labels = [find_class(label, arguments.class_names) for label in arguments.labels]
    if arguments.output and arguments.output.suffix.lower() not in ("", ".npy", *PICTURE_SUFFIXES):
        cli.fail(f"--output {arguments.output} must end in .png, .jpg, .webp or .npy, or name a folder.", 2)
    if arguments.interpolate and arguments.interpolate.suffix.lower() not in ANIMATION_SUFFIXES:
        cli.fail(f"--interpolate {arguments.interpolate} must end in .gif or .mp4.", 2)
    if arguments.interpolate and arguments.interpolate.suffix.lower() == ".mp4" and not find_ffmpeg():
        cli.fail("--interpolate: an .mp4 file needs the extra 'video'. Run: pip install -e '.[video]'", 2)
    if arguments.count and arguments.labels:
        cli.fail("--labels gives the class of each image, so --count must be left out.", 2)
    for path in (arguments.output, arguments.interpolate):
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


def lay_out(arguments, num_classes):
    """Returns the number of images, the number of columns, and the class of each image (None if there are none)."""
    if arguments.labels:
        return len(arguments.labels), math.ceil(math.sqrt(len(arguments.labels))), arguments.labels
    count = arguments.count or 4 * (num_classes or 4)
    if num_classes is None:
        return count, math.ceil(math.sqrt(count)), None
    return count, min(count, num_classes), [index % num_classes for index in range(count)]


def find_titles(class_names, labels, columns):
    """Returns the name of each column's class; None if there are no names or a column shows several classes."""
    if not class_names or labels is None:
        return None
    classes = [set(labels[column::columns]) for column in range(columns)]
    return [class_names[only] for (only,) in classes] if all(len(one) == 1 for one in classes) else None


def save_samples(path, images, columns, titles):
    import numpy as np

    import gan

    if path.suffix == ".npy":
        with gan.files.written_whole(path) as partial:
            np.save(partial, images)
    elif path.suffix:
        gan.images.save_picture(path, draw_grid(images, columns, titles))
    else:
        for index, image in enumerate(images, start=1):
            gan.images.save_picture(path / f"image_{index:0{len(str(len(images)))}d}.png", image)


def draw_grid(images, columns, titles):
    import gan

    picture = gan.images.enlarge(gan.images.grid(images, columns, padding=PADDING))
    return gan.images.add_titles(picture, titles) if titles else picture


def save_walk(path, model, count, columns, labels, titles, seed):
    import keras
    import numpy as np

    import gan

    waypoints = np.array(keras.random.normal((WAYPOINTS, count, model.latent_dim), seed=seed))
    frames = []
    if model.clusters is not None:
        # An image that changed its cluster would jump.
        labels, waypoints[0] = map(np.asarray, model.clusters.split(waypoints[0]))
    for latents in gan.latents.walk(waypoints, STEPS):
        images = gan.images.to_uint8(model.generate(latents=latents, labels=labels))
        frames.append(gan.images.to_frame(draw_grid(images, columns, titles)))
    gan.images.save_animation(path, frames, SECONDS_PER_FRAME)


def generate(arguments):
    import gan

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
        count, columns, labels = lay_out(arguments, model.num_classes)
        images = model.generate(count if labels is None else None, seed=arguments.seed, labels=labels)
        titles = find_titles(arguments.class_names, labels, columns)
    source = f"generated by {arguments.model}"
    if arguments.output:
        save_samples(arguments.output, gan.images.to_uint8(images), columns, titles)
        print(f"{arguments.output}: {format_count(count, 'image')}, {source}")
    if arguments.interpolate:
        save_walk(arguments.interpolate, model, count, columns, labels, titles, arguments.seed)
        print(f"{arguments.interpolate}: a walk of {WAYPOINTS * STEPS} frames, {source}")


def main():
    arguments = parse_arguments()
    check(arguments)
    with cli.interruptible():
        cli.import_keras()
        with cli.failures_exit("A smaller --count"):
            generate(arguments)


if __name__ == "__main__":
    main()
