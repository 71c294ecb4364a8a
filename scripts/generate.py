"""Generates images with a trained GAN: a picture, a folder of pictures, an array, or a walk through latent space."""

import argparse
import math
import sys
from pathlib import Path

from gan import cli

WAYPOINTS = 8
STEPS = 16
SECONDS_PER_FRAME = 0.06


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path, metavar="MODEL.keras", help="a model that train.py has written")
    parser.add_argument(
        "--count",
        type=cli.positive_int,
        help="how many images (default: 16, or four of each class of a conditional model, a class a column)",
    )
    parser.add_argument(
        "--labels",
        type=cli.natural_int,
        nargs="+",
        metavar="CLASS",
        help="of a conditional model, the class of each image, instead of a count",
    )
    parser.add_argument("--seed", type=cli.natural_int, default=0, help="seed of the latents (default: %(default)s)")
    parser.add_argument(
        "--output",
        type=Path,
        help="a .png for all images in a grid, a .npy for their bytes, or a folder for a PNG of each "
        "(default: samples.png, unless --interpolate is given)",
    )
    parser.add_argument(
        "--interpolate", type=Path, metavar="WALK.gif", help="each image on a looped walk through latent space"
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="replace the files --output and --interpolate where they exist"
    )
    arguments = parser.parse_args()
    if not arguments.output and not arguments.interpolate:
        arguments.output = Path("samples.png")
    return arguments


def check(arguments):
    if not arguments.model.is_file():
        cli.fail(f"there is no model file {arguments.model}.", 2)
    if arguments.output and arguments.output.suffix not in ("", ".png", ".npy"):
        cli.fail(f"--output {arguments.output} must end in .png or .npy, or be a folder's name.", 2)
    if arguments.interpolate and arguments.interpolate.suffix != ".gif":
        cli.fail(f"--interpolate {arguments.interpolate} must end in .gif.", 2)
    if arguments.count and arguments.labels:
        cli.fail("--labels say how many images there are to be: leave --count out.", 2)
    for path in (arguments.output, arguments.interpolate):
        if path:
            cli.check_output(path, arguments.overwrite)


def lay_out(arguments, num_classes):
    """How many images there are to be, in how many columns, and of which class each is; None where there are none."""
    if arguments.labels:
        return len(arguments.labels), math.ceil(math.sqrt(len(arguments.labels))), arguments.labels
    count = arguments.count or 4 * (num_classes or 4)
    if num_classes is None:
        return count, math.ceil(math.sqrt(count)), None
    return count, min(count, num_classes), [index % num_classes for index in range(count)]


def save_samples(path, images, columns):
    import numpy as np

    import gan

    if path.suffix == ".npy":
        with gan.files.written_whole(path) as partial:
            np.save(partial, images)
    elif path.suffix == ".png":
        gan.images.save_png(path, gan.images.enlarge(gan.images.grid(images, columns)))
    else:
        for index, image in enumerate(images, start=1):
            gan.images.save_png(path / f"image_{index:0{len(str(len(images)))}d}.png", image)


def save_walk(path, model, count, columns, labels, seed):
    import keras

    import gan

    waypoints = keras.random.normal((WAYPOINTS, count, model.latent_dim), seed=seed)
    frames = []
    for latents in gan.latents.walk(waypoints, STEPS):
        images = model.generate(latents=latents, labels=labels)
        grid = gan.images.grid(gan.images.to_uint8(images), columns)
        frames.append(gan.images.to_frame(gan.images.enlarge(grid)))
    gan.images.save_gif(path, frames, SECONDS_PER_FRAME)


def main():
    arguments = parse_arguments()
    check(arguments)
    try:
        cli.import_keras()
        import gan

        with cli.errors_exit(ValueError, status=2):
            model = gan.load_model(arguments.model)
            count, columns, labels = lay_out(arguments, model.num_classes)
            images = model.generate(count if labels is None else None, seed=arguments.seed, labels=labels)
        with cli.errors_exit(OSError, status=1):
            if arguments.output:
                save_samples(arguments.output, gan.images.to_uint8(images), columns)
                print(f"{arguments.output}: {count} images")
            if arguments.interpolate:
                save_walk(arguments.interpolate, model, count, columns, labels, arguments.seed)
                print(f"{arguments.interpolate}: a walk of {WAYPOINTS * STEPS} frames")
    except KeyboardInterrupt:
        print("\nstopped.", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
