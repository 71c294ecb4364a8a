"""Evaluates a trained GAN: compares its images, real images and noise by several metrics, and draws two pictures."""

import hashlib
import json
import sys
from pathlib import Path

from gan import cli, options, runs
from gan.text import format_count, format_names, format_shape

BATCH_SIZE = 256
COLUMNS = 8
PADDING = 2
NEAREST_TO = 16
NEIGHBOURS = 5
AUTO_IMAGE_SHAPE = (28, 28, 1)
BETTER = {
    "fid": "lower",
    "kid": "lower",
    "precision": "higher",
    "recall": "higher",
    "density": "higher",
    "coverage": "higher",
    "modes": "higher",
    "mode_kl": "lower",
    "agreement": "higher",
}


def build_parser():
    parser = options.ArgumentParser(description=__doc__, usage="python scripts/evaluate.py RUN [options]")
    parser.add_argument(
        "model",
        type=Path,
        metavar="RUN",
        help="a run's folder, whose best.keras is used, or else its model.keras; or a .keras file",
    )
    parser.add_argument(
        "--data",
        metavar="SOURCE",
        help=f"{options.DATA_HELP} (default: the data in the run's config.json; without one, auto for 28x28 gray "
        "images)",
    )
    options.add_pictures(parser, shape=False)
    parser.add_argument(
        "--extractor",
        metavar="NAME",
        help=f"{options.EXTRACTOR_HELP} (default: the extractor in the run's config.json; without one, digits or "
        "stacked_digits if they suit the data. If none does, only the pictures are drawn)",
    )
    parser.add_argument(
        "--samples",
        type=options.positive_int,
        metavar="N",
        help="images of each kind to compare, at most the number of test images (default: 10000; 26000 for stacked "
        "images)",
    )
    parser.add_argument(
        "--seed", type=options.natural_int, default=0, help="seed of the latents and the noise (default: 0)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="file to write the figures to (default: none)")
    parser.add_argument(
        "--output", type=Path, metavar="FOLDER", help="folder for the pictures (default: evaluation, next to the model)"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace files of an earlier evaluation")
    return parser


def parse_arguments(argv=None):
    return build_parser().parse_args(argv)


def settle(arguments):
    """Completes the arguments from the run's config.json; refuses what cannot work, before Keras is imported."""
    with cli.errors_exit(ValueError, status=2):
        arguments.model = runs.find_model(arguments.model)
        arguments.config = runs.read_config(runs.find_folder(arguments.model))
    run = arguments.config["arguments"] if arguments.config else {}
    arguments.is_run_data = bool(run) and arguments.data is None
    arguments.background = arguments.background or run.get("background", "white")
    arguments.skip_damaged = arguments.skip_damaged or run.get("skip_damaged", False)
    if source := arguments.data or run.get("data"):
        arguments.data = options.resolve_data(source, "If the data have moved, give the new path with --data.")
    recorded = runs.find_extractor(run.get("extractor"), runs.find_folder(arguments.model))
    arguments.extractor = options.resolve_extractor(arguments.extractor or recorded)
    if arguments.samples == 1:
        cli.fail("--samples must be at least 2, because one image has no spread.", 2)
    arguments.output = arguments.output or arguments.model.parent / "evaluation"
    arguments.comparison = arguments.output / "real_and_generated.png"
    arguments.nearest = arguments.output / "nearest.png"
    inputs = {Path(path).resolve() for path in (arguments.model, arguments.data, arguments.extractor) if path}
    for path in filter(None, (arguments.comparison, arguments.nearest, arguments.json)):
        cli.check_output(path, arguments.overwrite)
        if path.resolve() in inputs:
            cli.fail(f"{path} is an input of this evaluation. Name another file to write.", 2)


def settle_data(arguments, model):
    """Opens the data. Chooses them and the extractor if neither the arguments nor a config.json name them."""
    import gan

    shape = format_shape(model.image_shape)
    if arguments.data is None and model.image_shape != AUTO_IMAGE_SHAPE:
        raise ValueError(
            f"{arguments.model} generates images of {shape} and has no {runs.CONFIG_NAME} beside it: name the images "
            "it was trained on with --data."
        )
    arguments.requested = arguments.data or "auto"
    images = gan.datasets.open_source(
        arguments.requested, model.image_shape, arguments.background, arguments.skip_damaged
    )
    arguments.data = images.name
    arguments.extractor = arguments.extractor or gan.metrics.usual_extractor(images.name, images.image_shape)
    if arguments.json and arguments.extractor is None:
        raise ValueError(f"--json needs figures, and no built-in extractor suits {arguments.data}: add --extractor.")
    arguments.samples = arguments.samples or (26_000 if arguments.data.startswith("stacked") else 10_000)
    return images


def prepare(arguments):
    """Loads model, extractor and data, after everything that can be wrong has been checked."""
    import gan

    model = gan.load_model(arguments.model)
    images = settle_data(arguments, model)
    metrics = build_metrics(arguments.extractor, model) if arguments.extractor else None
    if model.num_classes and model.num_classes < images.num_classes:
        raise ValueError(
            f"{images.name} has {images.num_classes} classes, but {arguments.model} has {model.num_classes}."
        )
    names = arguments.config["data"].get("class_names") if arguments.config else None
    if model.num_classes and names and images.class_names not in (None, names):
        raise ValueError(
            f"{images.name} has the classes {format_names(images.class_names)}, but {arguments.model} was trained on "
            f"{format_names(names)}."
        )
    sizes = [len(images.split(split).rows) for split in ("train", "test")]
    count = min(arguments.samples, *sizes)
    if metrics and count < arguments.samples:
        print(
            f"{arguments.data} has {format_count(sizes[0], 'training image')} and "
            f"{format_count(sizes[1], 'test image')}: comparing {count:,} of each kind."
        )
    test, train = (
        gan.datasets.load(images, min(BATCH_SIZE, *sizes), split=split, labels=images.has_labels)
        for split in ("test", "train")
    )
    if arguments.config:
        warn_about_data(arguments, images, sizes[0])
    for path in filter(None, (arguments.comparison, arguments.json)):
        path.parent.mkdir(parents=True, exist_ok=True)
    return model, metrics, test, train, count


def build_metrics(extractor, model):
    import gan

    metrics = gan.metrics.all_metrics(gan.metrics.load_extractor(extractor), model.image_shape, model.num_classes)
    for metric in metrics:
        metric.build(model.image_shape)
    return metrics


def warn_about_data(arguments, images, training_size):
    """Warns if the test images are not images that the run has never seen."""
    run = arguments.config["arguments"]
    recorded = arguments.config["data"].get("fingerprint")
    is_other = recorded not in (None, images.fingerprint)
    if is_other:
        how = "has changed since this run" if arguments.is_run_data else "does not hold the images of this run"
        cli.warn(f"{arguments.data} {how}. The run may have been trained on some of its test images.")
    elif recorded is None and not arguments.is_run_data:
        return
    was_validated = run.get("validate_every") and run.get("extractor")
    if not was_validated and len(images.split(None).rows) > training_size:
        effect = "its figures are too good" if arguments.extractor else "nearest.png does not look for copies of these"
        cli.warn(f"this run was trained without validation, so it has seen the test images: {effect}.")


def draw(arguments, reals, samples, nearest):
    import numpy as np

    import gan

    def grid(images, columns):
        return gan.images.grid(gan.images.to_uint8(images), columns, padding=PADDING)

    # If there are fewer real images than samples, the rest of their grid stays black.
    reals = np.concatenate([reals, np.full_like(samples, -1)])[: len(samples)]
    gan.images.save_panels(
        arguments.comparison, [("real", grid(reals, COLUMNS)), ("generated", grid(samples, COLUMNS))]
    )
    panels = []
    for rows in (slice(0, NEAREST_TO // 2), slice(NEAREST_TO // 2, NEAREST_TO)):
        neighbours = nearest[rows].reshape(-1, *nearest.shape[2:])
        panels += [("generated", grid(samples[rows], 1)), ("nearest in training", grid(neighbours, NEIGHBOURS))]
    gan.images.save_panels(arguments.nearest, panels)


def sha256(extractor):
    """Returns the checksum of an extractor's file, None for a network that Keras downloads."""
    from gan.metrics.extractors import DIGITS_FILE

    file = DIGITS_FILE if extractor in ("digits", "stacked_digits") else Path(extractor)
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else None


def describe(arguments, metrics, count):
    """Says what is compared, and by which extractor."""
    if metrics is None:
        return (
            f"{arguments.model}, beside {arguments.data}: only the pictures are drawn, with the nearest neighbors by "
            "pixels; to measure fid, train an extractor with train_extractor.py and pass it to --extractor."
        )
    digest = sha256(arguments.extractor)
    return (
        f"{arguments.model}, compared with {format_count(count, 'test image')} of {arguments.data}; extractor: "
        f"{metrics[0].extractor_name}" + (f" (SHA-256 {digest})" if digest else "")
    )


def evaluate(arguments, model, metrics, test, train, count):
    import keras
    import numpy as np

    from gan import evaluation

    print(describe(arguments, metrics, count), flush=True)
    images_of = evaluation.image_kinds(model, test, train, count, arguments.seed)
    total = train.image_count + (4 * count if metrics else 0)
    progress = keras.utils.Progbar(total, unit_name="image", verbose=1 if sys.stdout.isatty() else 0)
    if metrics:
        figures, accuracy = evaluation.measure(metrics, images_of, progress.add)
    reals, labels = next(images_of["test"]())
    samples = model.generate(
        latents=keras.random.normal((COLUMNS**2, model.latent_dim), seed=arguments.seed),
        labels=np.resize(labels, COLUMNS**2) if model.num_classes else None,
    )
    extract = metrics[0].extract if metrics else evaluation.flatten
    nearest = evaluation.find_nearest(extract, samples[:NEAREST_TO], train, NEIGHBOURS, progress.add)
    if metrics:
        report(arguments, metrics[0].extractor_name, count, figures, accuracy)
    draw(arguments, reals, samples, nearest)
    print(f"\nPictures: {arguments.comparison} and {arguments.nearest}")
    if note := cli.describe_fallback(arguments.requested, arguments.data):
        print(note)


def report(arguments, extractor, count, figures, accuracy):
    """Prints the figures, with a warning for each reason to doubt them, and writes them to --json."""
    from gan import evaluation

    show_figures(figures)
    for doubt in evaluation.find_doubts(figures, accuracy, extractor):
        cli.warn(doubt)
    if arguments.json:
        save_figures(arguments, extractor, count, figures)


def show_figures(figures):
    print(f"\n{'':<12}{'generated':>12}{'training':>12}{'noise':>12}   better")
    for figure, better in BETTER.items():
        if figure in figures["generated"]:
            print(f"{figure:<12}" + "".join(f"{kind[figure]:12.4g}" for kind in figures.values()) + f"   {better}")
    sys.stdout.flush()


def save_figures(arguments, extractor, count, figures):
    import gan

    record = {
        "model": str(arguments.model),
        "data": str(arguments.data),
        "extractor": {"name": extractor, "sha256": sha256(arguments.extractor)},
        "samples": count,
        "seed": arguments.seed,
        "figures": figures,
    }
    with gan.files.written_whole(arguments.json) as partial:
        partial.write_text(json.dumps(record, indent=2) + "\n")


def main():
    arguments = parse_arguments()
    settle(arguments)
    with cli.interruptible():
        cli.import_keras()
        with cli.failures_exit():
            with cli.errors_exit(ValueError, status=2):
                prepared = prepare(arguments)
            evaluate(arguments, *prepared)


if __name__ == "__main__":
    main()
