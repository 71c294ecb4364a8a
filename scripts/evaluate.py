"""Tells how good a trained GAN's images are: figures, beside those of real images and of noise, and two pictures."""

import argparse
import hashlib
import json
import sys
from pathlib import Path

from gan import cli

BATCH_SIZE = 256
COLUMNS = 8
NEAREST_TO = 16
NEIGHBOURS = 5
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


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path, metavar="MODEL.keras", help="a model that train.py has written")
    parser.add_argument(
        "--data", default="auto", metavar="SOURCE", help="what it was trained on, as in train.py (default: auto)"
    )
    parser.add_argument(
        "--samples",
        type=cli.positive_int,
        metavar="N",
        help="images of each kind, at most as many as there are test images (default: 10000, of stacked_mnist 26000, "
        "as is usual there)",
    )
    parser.add_argument("--seed", type=cli.natural_int, default=0, help="seed of the latents (default: %(default)s)")
    parser.add_argument(
        "--extractor",
        metavar="NAME",
        help="whose features are compared: digits, stacked_digits, inception_v3, or a .keras file of "
        "train_extractor.py (default: digits, of stacked_mnist stacked_digits)",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="a file for the figures")
    parser.add_argument(
        "--output", type=Path, metavar="FOLDER", help="for the pictures (default: evaluation, next to the model)"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace files of an earlier evaluation")
    arguments = parser.parse_args()
    is_stacked = arguments.data.startswith("stacked_mnist")
    arguments.samples = arguments.samples or (26_000 if is_stacked else 10_000)
    arguments.extractor = arguments.extractor or ("stacked_digits" if is_stacked else "digits")
    arguments.output = arguments.output or arguments.model.parent / "evaluation"
    arguments.comparison = arguments.output / "real_and_generated.png"
    arguments.nearest = arguments.output / "nearest.png"
    return arguments


def check(arguments):
    if not arguments.model.is_file():
        cli.fail(f"there is no model file {arguments.model}.", 2)
    if arguments.samples < 2:
        cli.fail("--samples must be at least 2: one image has no spread.", 2)
    inputs = {path.resolve() for path in map(Path, (arguments.model, arguments.data, arguments.extractor))}
    for path in (arguments.comparison, arguments.nearest, arguments.json):
        if path:
            cli.check_output(path, arguments.overwrite)
            if path.resolve() in inputs:
                cli.fail(f"{path} is what is evaluated: name another file to write.", 2)


def prepare(arguments):
    """Everything that can be wrong before the first figure: model, extractor, data."""
    import gan

    model = gan.load_model(arguments.model)
    extractor = gan.metrics.load_extractor(arguments.extractor)
    metrics = gan.metrics.all_metrics(extractor, model.image_shape, model.num_classes)
    for metric in metrics:
        metric.build(model.image_shape)
    arguments.data = gan.datasets.resolve(arguments.data)
    if model.num_classes and model.num_classes < (classes := gan.datasets.count_classes(arguments.data)):
        raise ValueError(f"{arguments.data} has {classes} classes, but {arguments.model} knows {model.num_classes}.")
    sizes = [len(gan.datasets.read(arguments.data, model.image_shape, split)[0]) for split in ("train", "test")]
    count = min(arguments.samples, *sizes)
    if count < arguments.samples:
        print(f"{arguments.data} has {sizes[1]:,} test images: of each kind {count:,} are compared.")
    test, train = (
        gan.datasets.load(
            arguments.data,
            min(BATCH_SIZE, *sizes),
            model.image_shape,
            split=split,
            labels=model.num_classes is not None,
        )
        for split in ("test", "train")
    )
    for path in filter(None, (arguments.comparison, arguments.json)):
        path.parent.mkdir(parents=True, exist_ok=True)
    return model, metrics, test, train, count


def batches(dataset):
    """The batches of a dataset as pairs of images and labels, which are None where it has none."""
    for batch in dataset.as_numpy_iterator():
        yield batch if isinstance(batch, tuple) else (batch, None)


def sources(arguments, model, test, train, count):
    """The images of each kind and their labels, as functions that give them batch by batch."""
    import keras
    import numpy as np

    def first(dataset):
        left = count
        for images, labels in batches(dataset):
            yield images[:left], None if labels is None else labels[:left]
            left -= len(images[:left])
            if not left:
                return

    def made_as(make):
        """Batches of images to the labels of the test images."""
        start = 0
        for images, labels in first(test):
            yield make(slice(start, start + len(images)), labels), labels
            start += len(images)

    latents = keras.random.normal((count, model.latent_dim), seed=arguments.seed)
    rng = np.random.default_rng(arguments.seed)

    def generate(rows, labels):
        return model.generate(latents=latents[rows], labels=labels)

    def draw_noise(rows, labels):
        return rng.uniform(-1, 1, (rows.stop - rows.start, *model.image_shape)).astype("float32")

    return {
        "test": lambda: first(test),
        "generated": lambda: made_as(generate),
        "training": lambda: first(train),
        "noise": lambda: made_as(draw_noise),
    }


def measure(metrics, images_of, advance):
    """The figures of each kind of images against the test images."""
    import gan

    def outputs_of(kind):
        for images, labels in images_of[kind]():
            yield {**metrics[0].extract(images), "labels": labels}
            advance(len(images))

    for outputs in outputs_of("test"):
        for metric in metrics:
            metric.update_real(outputs)
    figures = {}
    for kind in ("generated", "training", "noise"):
        for metric in metrics:
            metric.reset_fake()
        for outputs in outputs_of(kind):
            for metric in metrics:
                metric.update_fake(outputs)
        figures[kind] = gan.metrics.figures_of(metrics)
    return figures


def find_nearest(extract, samples, train, advance):
    """Of each sample the training images, `(samples, neighbours, ...)`, whose features are nearest to its own."""
    import numpy as np

    features = np.asarray(extract(samples)["features"])
    distances = np.full((len(samples), NEIGHBOURS), np.inf)
    nearest = np.zeros((len(samples), NEIGHBOURS, *samples.shape[1:]), "float32")
    for images, _ in batches(train):
        others = np.asarray(extract(images)["features"])
        candidates = np.concatenate([distances, ((features[:, None] - others) ** 2).sum(-1)], axis=1)
        order = np.argsort(candidates, axis=1)[:, :NEIGHBOURS]
        distances = np.take_along_axis(candidates, order, axis=1)
        for row, chosen in enumerate(order):
            nearest[row] = np.concatenate([nearest[row], images])[chosen]
        advance(len(images))
    return nearest


def draw(arguments, reals, samples, nearest):
    import numpy as np

    import gan

    def grid(images, columns):
        return gan.images.grid(gan.images.to_uint8(images), columns)

    # Where there are fewer real images, the rest of their grid stays black.
    reals = np.concatenate([reals, np.full_like(samples, -1)])[: len(samples)]
    gan.images.save_panels(
        arguments.comparison, [("real", grid(reals, COLUMNS)), ("generated", grid(samples, COLUMNS))]
    )
    panels = []
    for rows in (slice(0, NEAREST_TO // 2), slice(NEAREST_TO // 2, NEAREST_TO)):
        neighbours = nearest[rows].reshape(-1, *nearest.shape[2:])
        panels += [("made", grid(samples[rows], 1)), ("nearest in training", grid(neighbours, NEIGHBOURS))]
    gan.images.save_panels(arguments.nearest, panels)


def sha256(extractor):
    """That of the extractor's file; of one that Keras downloads None."""
    from gan.metrics.extractors import DIGITS_FILE

    file = DIGITS_FILE if extractor in ("digits", "stacked_digits") else Path(extractor)
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else None


def evaluate(arguments, model, metrics, test, train, count):
    import keras
    import numpy as np

    import gan

    name, digest = metrics[0].extractor_name, sha256(arguments.extractor)
    print(
        f"{arguments.model} against {count:,} test images of {arguments.data}, by features of {name}"
        + (f" (SHA-256 {digest})" if digest else ""),
        flush=True,
    )
    images_of = sources(arguments, model, test, train, count)
    total = 4 * count + len(gan.datasets.read(arguments.data, model.image_shape, "train")[0])
    progress = keras.utils.Progbar(total, unit_name="image", verbose=1 if sys.stdout.isatty() else 0)
    figures = measure(metrics, images_of, progress.add)
    reals, labels = next(images_of["test"]())
    samples = model.generate(
        latents=keras.random.normal((COLUMNS**2, model.latent_dim), seed=arguments.seed),
        labels=None if labels is None else np.resize(labels, COLUMNS**2),
    )
    nearest = find_nearest(metrics[0].extract, samples[:NEAREST_TO], train, progress.add)

    print(f"\n{'':<12}{'generated':>12}{'training':>12}{'noise':>12}   better")
    for figure, better in BETTER.items():
        if figure in figures["generated"]:
            print(f"{figure:<12}" + "".join(f"{kind[figure]:12.4g}" for kind in figures.values()) + f"   {better}")
    draw(arguments, reals, samples, nearest)
    print(f"\n{arguments.comparison} and {arguments.nearest} show them.")
    if arguments.json:
        record = {
            "model": str(arguments.model),
            "data": str(arguments.data),
            "extractor": {"name": name, "sha256": digest},
            "samples": count,
            "seed": arguments.seed,
            "figures": figures,
        }
        with gan.files.written_whole(arguments.json) as partial:
            partial.write_text(json.dumps(record, indent=2) + "\n")


def main():
    arguments = parse_arguments()
    check(arguments)
    try:
        cli.import_keras()
        with cli.errors_exit(ValueError, OSError, status=2):
            prepared = prepare(arguments)
        import tensorflow as tf

        with cli.errors_exit(FloatingPointError, OSError, tf.errors.OpError, status=1):
            evaluate(arguments, *prepared)
    except KeyboardInterrupt:
        print("\nstopped.", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
